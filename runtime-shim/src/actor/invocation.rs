//! The invocation that runs: what a runtime is told of it, and what is reported of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::TimeBudget;
use hyper::header::{HeaderName, HeaderValue};
use protocol::link::environment::Invoke;
use protocol::runtime_api::headers;

use crate::clock::{self, Instant};
use crate::events::{LinkId, RuntimeEvent};
use crate::window::Window;

/// One attempt, from the moment it is taken.
#[derive(Debug)]
pub(super) struct Invocation {
    /// What the gateway sent.
    pub invoke: Invoke,
    /// The payload, until the invocation is over: a runtime may ask for it again.
    pub payload: Bytes,
    /// Who sent it.
    pub link: LinkId,
    /// When its time began.
    pub started: Instant,
    /// Duration of the init phase before it, if it is the first to report it.
    pub init_ms: Option<f64>,
    /// The init phase before or inside it, if it is the first after it.
    pub init_run: Option<InitRun>,
    /// What was left when the answer was complete, in milliseconds.
    pub remaining_ms: u64,
    /// A runtime has it, or had.
    pub handed_over: bool,
    /// How far it is.
    pub marks: Marks,
    /// Room for further parts of the response, while one is streamed to the caller.
    pub window: Option<Arc<Window>>,
    /// The end of its time on the wall clock, once somebody was told; it does not move afterwards.
    deadline_epoch_ms: Option<u64>,
    /// Made at the first hand-over.
    event: Option<Arc<RuntimeEvent>>,
}

/// An init phase that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct InitRun {
    pub from: Instant,
    pub to: Instant,
    /// It did not come to the runtime's first `next`.
    pub failed: bool,
}

/// When an invocation reached which point.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub begun: Option<Instant>,
    pub handed_over: Option<Instant>,
    pub answer_begun: Option<Instant>,
    pub answered: Option<Instant>,
    pub runtime_done: Option<Instant>,
    /// Its processes began to be ended.
    pub ended: Option<Instant>,
    /// The runtime told a response, or a part of one, and not only an error.
    pub responded: bool,
    /// Bytes of the response.
    pub produced_bytes: usize,
}

impl Invocation {
    pub(super) fn new(invoke: Invoke, payload: Bytes, link: LinkId) -> Self {
        Self {
            invoke,
            payload,
            link,
            started: clock::now(),
            init_ms: None,
            init_run: None,
            remaining_ms: 0,
            handed_over: false,
            marks: Marks::default(),
            window: None,
            deadline_epoch_ms: None,
            event: None,
        }
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.started + self.invoke.budget.as_duration()
    }

    /// What is left of its time.
    pub(super) fn remaining(&self) -> TimeBudget {
        self.invoke.budget.minus(self.started.elapsed())
    }

    /// How long it took, never longer than it may.
    pub(super) fn duration(&self) -> Duration {
        self.started.elapsed().min(self.invoke.budget.as_duration())
    }

    /// What the runtime is handed.
    pub(super) fn event(&mut self) -> Arc<RuntimeEvent> {
        self.handed_over = true;
        self.marks.handed_over.get_or_insert_with(clock::now);
        if let Some(event) = &self.event {
            return event.clone();
        }
        let event = Arc::new(RuntimeEvent { headers: self.headers(), payload: self.payload.clone() });
        self.event = Some(event.clone());
        event
    }

    /// The runtime has begun to answer: it will not ask for the event again, and the answer needs the room.
    pub(super) fn forget_payload(&mut self) {
        self.marks.answer_begun = Some(clock::now());
        self.payload = Bytes::new();
        self.event = None;
    }

    /// The end of its time as the runtime and extensions are told it.
    pub(super) fn deadline_epoch_ms(&mut self) -> u64 {
        let told = self.deadline_epoch_ms;
        let deadline = told.unwrap_or_else(|| self.remaining().deadline_epoch_ms(clock::epoch_millis()));
        self.deadline_epoch_ms = Some(deadline);
        deadline
    }

    fn headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let deadline = self.deadline_epoch_ms();
        let invoke = &self.invoke;
        let identity = invoke.identity.as_ref().and_then(|identity| serde_json::to_string(identity).ok());
        let all = [
            (headers::REQUEST_ID, Some(invoke.request_id.to_string())),
            (headers::DEADLINE_MS, Some(deadline.to_string())),
            (headers::INVOKED_FUNCTION_ARN, Some(invoke.invoked_arn.clone())),
            (headers::INVOCATION_ID, Some(invoke.attempt.to_string())),
            (headers::TRACE_ID, invoke.trace.clone()),
            (headers::CLIENT_CONTEXT, invoke.client_context.clone()),
            (headers::COGNITO_IDENTITY, identity),
            (headers::TENANT_ID, invoke.tenant_id.clone()),
        ];
        let set = all.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?)));
        // The gateway refuses a value that no header can have; one that comes nevertheless is left out.
        set.filter_map(|(name, value)| {
            let value = HeaderValue::from_maybe_shared(Bytes::from(value)).ok()?;
            Some((HeaderName::from_static(name), value))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{AttemptId, RequestId};
    use protocol::link::assignment::{ConfigurationHash, Revision};
    use protocol::link::environment::{CognitoIdentity, ResponseMode};

    use super::*;

    fn invocation(client_context: Option<&str>) -> Invocation {
        let invoke = Invoke {
            request_id: RequestId::from_random_bytes([1; 16]),
            attempt: AttemptId::from_random_bytes([2; 16]),
            revision: Revision {
                namespace: String::new(),
                function: String::new(),
                uid: String::new(),
                version: String::new(),
                configuration: ConfigurationHash(String::new()),
            },
            budget: TimeBudget::from_millis(60_000),
            invoked_arn: "arn:aws:lambda:r:1:function:f".into(),
            client_context: client_context.map(str::to_owned),
            identity: Some(CognitoIdentity { identity_id: "i".into(), pool_id: "p".into() }),
            trace: Some(String::new()),
            tenant_id: Some("t".into()),
            wants_log_tail: false,
            response_mode: ResponseMode::Buffered,
        };
        Invocation::new(invoke, Bytes::from_static(b"{}"), 1)
    }

    fn header(invocation: &mut Invocation, name: &str) -> Option<String> {
        let event = invocation.event();
        let (_, value) = event.headers.iter().find(|(header, _)| header == name)?;
        Some(String::from_utf8(value.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn the_context_is_told_and_empty_values_are_left_out() {
        let context = "{\"custom\":{\"k\":\"ü\"}}";
        let mut invocation = invocation(Some(context));
        assert_eq!(header(&mut invocation, headers::CLIENT_CONTEXT).as_deref(), Some(context));
        assert_eq!(header(&mut invocation, headers::TENANT_ID).as_deref(), Some("t"));
        assert_eq!(header(&mut invocation, headers::TRACE_ID), None);
        let identity = header(&mut invocation, headers::COGNITO_IDENTITY).unwrap();
        assert_eq!(identity, r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#);
    }

    #[test]
    fn a_line_break_cannot_make_a_header() {
        assert_eq!(header(&mut invocation(Some("a\r\nb: c")), headers::CLIENT_CONTEXT), None);
    }

    #[test]
    fn the_deadline_does_not_move_when_the_event_is_asked_for_again() {
        let mut invocation = invocation(None);
        let first = header(&mut invocation, headers::DEADLINE_MS).unwrap();
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(header(&mut invocation, headers::DEADLINE_MS), Some(first.clone()));
        let ahead = first.parse::<u64>().unwrap() - clock::epoch_millis();
        assert!((59_000..=60_001).contains(&ahead), "{ahead}");
    }
}
