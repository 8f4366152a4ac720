//! How a deed is done, and what must come of it.

use std::fs;

use protocol::link::environment::FunctionErrorCause::{self, TimedOut};
use protocol::link::environment::{Invoke, ToEnvironment};
use protocol::link::frame::{Frame, write_frame};
use rustix::process::{Signal, kill_process};
use tokio::io::AsyncWriteExt;

use super::Torture;
use super::answers::{Answer, accepted, answer_of, free_after, refused_busy};
use super::deeds::Ending::{self, Echo, Fails, Handler};
use super::deeds::{Deed, Meanwhile, PLENTY_MILLIS};
use crate::link::invoke;

impl Torture {
    pub(super) async fn carry_out(&mut self, deed: &Deed) {
        self.remember(deed);
        let by = usize::try_from(self.finished % 2).unwrap();
        let sent = invoke(deed.budget_millis);
        let payload = format!("{} {}", self.finished, deed.words);
        let go = deed.words.strip_prefix("wait ");
        match deed.meanwhile {
            Meanwhile::KillsBefore => self.kill_runtime(),
            Meanwhile::SendsHalfAFrame => self.send_half_a_frame(by, &payload).await,
            _ => {}
        }
        self.gateways[by].send(ToEnvironment::Invoke(Box::new(sent.clone())), payload.clone().into()).await;
        match deed.meanwhile {
            Meanwhile::KillsRuntime => {
                accepted(&mut self.gateways[by], &sent).await;
                self.kill_runtime();
            }
            Meanwhile::InvokesAgain { over_the_same } => {
                accepted(&mut self.gateways[by], &sent).await;
                let over = if over_the_same { by } else { 1 - by };
                refused_busy(&mut self.gateways[over]).await;
                fs::write(go.unwrap(), "").unwrap();
            }
            Meanwhile::Leaves { back_before } => {
                accepted(&mut self.gateways[by], &sent).await;
                self.leave(by, go, back_before).await;
                return;
            }
            _ => {}
        }
        let answer = answer_of(&mut self.gateways[by], &sent).await;
        self.judge(&answer, &sent, &payload, deed.endings);
        self.ended(&answer, &sent).await;
        if let Some(go) = go {
            fs::remove_file(go).unwrap_or_default();
        }
    }

    /// The gateway is gone in the middle of an invocation, which runs on for nobody.
    async fn leave(&mut self, by: usize, go: Option<&str>, back_before: bool) {
        let other = 1 - by;
        if back_before {
            self.gateways[by] = self.shim.gateway().await;
        }
        if let Some(go) = go {
            if back_before {
                refused_busy(&mut self.gateways[by]).await;
            }
            fs::write(go, "").unwrap();
        }
        self.finished += 1;
        free_after(&mut self.gateways[other], self.finished).await;
        if !back_before {
            self.gateways[by] = self.shim.gateway().await;
        }
        free_after(&mut self.gateways[by], self.finished).await;
    }

    async fn send_half_a_frame(&mut self, by: usize, payload: &str) {
        let header = ToEnvironment::Invoke(Box::new(invoke(PLENTY_MILLIS)));
        let mut whole = Vec::new();
        write_frame(&mut whole, &Frame { header, body: payload.to_owned().into() }).await.unwrap();
        let half = 1 + usize::try_from(self.random.below(whole.len() as u64 - 1)).unwrap();
        self.gateways[by].0.write_all(&whole[..half]).await.unwrap();
        self.gateways[by] = self.shim.gateway().await;
        self.gateways[by].until_free().await;
    }

    /// An answer is the invocation's own, and ended in one of these ways.
    fn judge(&mut self, answer: &Answer, sent: &Invoke, payload: &str, endings: &[Ending]) {
        let text = String::from_utf8_lossy(&answer.body);
        let fits = |ending: &Ending| match (ending, &answer.error) {
            (Echo, None) => text.split_once(' ').is_some_and(|(_, echoed)| echoed == payload),
            (Handler, Some(error)) => error.cause == FunctionErrorCause::Handler && text == payload,
            (Fails(cause, error_type), Some(error)) => {
                // Few errors of the platform do without the request's id; none has another's.
                let of_this = text.contains(&format!("RequestId: {} Error", sent.request_id));
                error.cause == *cause
                    && error.error_type == *error_type
                    && (of_this || !text.contains("RequestId"))
            }
            _ => false,
        };
        let start = text.chars().take(300).collect::<String>();
        assert!(endings.iter().any(fits), "{:?} with '{start}', not {endings:?}", answer.error);
        if answer.error.is_none() {
            let told: u32 = text.split(' ').next().unwrap().parse().unwrap();
            self.runtime = self.watched.child_named(told);
        }
    }

    async fn ended(&mut self, answer: &Answer, sent: &Invoke) {
        let timed_out = answer.error.as_ref().is_some_and(|error| error.cause == TimedOut);
        self.ended[usize::from(!timed_out)] = Some(sent.request_id);
        self.finished += 1;
        for link in &mut self.gateways {
            free_after(link, self.finished).await;
        }
    }

    fn kill_runtime(&self) {
        kill_process(self.runtime.expect("the runtime that answered is no child"), Signal::KILL).unwrap();
    }
}
