//! One link with one environment, from its handshake on.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use protocol::link::environment::{
    EnvironmentState, FromEnvironment, FunctionError, Invoke, Phase, Refusal, ToEnvironment,
};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, read_frame, write_frame};
use protocol::link::handshake::{Role, accept_environment, read_opening};
use protocol::link::trust::LinkKey;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpStream;

/// How long the environment may take for the handshake, and for each thing that is waited for, in seconds.
const WAIT_SECONDS_MAX: u64 = 120;

/// What came of one attempt.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    /// How it failed; none where it succeeded.
    function_error: Option<FunctionError>,
    /// The function's answer, as text.
    payload: String,
    /// The log tail, where the attempt wanted one.
    log_tail: String,
}

/// A link, and what the environment said of itself last.
pub(crate) struct Session {
    stream: TcpStream,
    state: Option<EnvironmentState>,
}

impl Session {
    /// Dials the environment of this pod; both sides prove who they are.
    pub(crate) async fn open(
        address: &str,
        namespace: &str,
        pod: &str,
        key: &LinkKey,
    ) -> anyhow::Result<Self> {
        let dialled = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let opening = read_opening(&mut stream).await?;
            // The pod runs, so its ticket's expiry is no question here.
            accept_environment(&mut stream, key, Role::Gateway, opening, Some((namespace, pod)), 0).await?;
            anyhow::Ok(Self { stream, state: None })
        };
        within("the handshake", dialled).await
    }

    /// Runs one attempt to its end; waits for the environment where something else runs in it.
    pub(crate) async fn run(&mut self, mut invoke: Value, payload: &Value) -> anyhow::Result<Outcome> {
        loop {
            let revision = within("a free environment", self.until_free()).await?;
            if let Some(fields) = invoke.as_object_mut() {
                fields.insert("revision".to_owned(), revision);
            }
            let attempt: Invoke =
                serde_json::from_value(invoke.clone()).context("the invocation cannot be read")?;
            let header = ToEnvironment::Invoke(Box::new(attempt.clone()));
            let body = Bytes::from(payload.to_string());
            write_frame(&mut self.stream, &Frame { header, body }).await?;
            match within("the end of the invocation", self.outcome(&attempt)).await? {
                Ok(outcome) => return Ok(outcome),
                // The state that said `Free` was followed by one that said otherwise.
                Err(Refusal::Busy | Refusal::NotReady) => self.state = None,
                Err(refusal) => bail!("the environment refused: {refusal:?}"),
            }
        }
    }

    /// Returns the environment's revision once it can take an invocation.
    async fn until_free(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some(state) = &self.state
                && state.phase == Phase::Free
            {
                return Ok(serde_json::to_value(&state.revision)?);
            }
            self.next().await?;
        }
    }

    async fn outcome(&mut self, invoke: &Invoke) -> anyhow::Result<Result<Outcome, Refusal>> {
        let (mut outcome, mut payload) = (Outcome::default(), Vec::new());
        loop {
            let frame = self.next().await?;
            match frame.header {
                FromEnvironment::Refused { attempt, reason } if attempt == invoke.attempt => {
                    return Ok(Err(reason));
                }
                FromEnvironment::Response(part) if part.attempt == invoke.attempt => {
                    payload.extend(frame.body);
                    if let Some(head) = part.head {
                        outcome.function_error = head.function_error;
                    }
                }
                FromEnvironment::Finished { attempt, .. } if attempt == invoke.attempt => {
                    outcome.payload = String::from_utf8(payload)?;
                    outcome.log_tail = String::from_utf8_lossy(&frame.body).into_owned();
                    return Ok(Ok(outcome));
                }
                _ => {}
            }
        }
    }

    /// The next frame; a state that it tells is kept.
    async fn next(&mut self) -> anyhow::Result<Frame<FromEnvironment>> {
        let frame: Frame<FromEnvironment> = read_frame(&mut self.stream, FRAME_BYTES_MAX).await?;
        if let FromEnvironment::State(state) = &frame.header {
            self.state = Some(state.clone());
        }
        Ok(frame)
    }
}

async fn within<T>(what: &str, done: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let bounded = tokio::time::timeout(Duration::from_secs(WAIT_SECONDS_MAX), done);
    bounded.await.with_context(|| format!("{what} took longer than {WAIT_SECONDS_MAX} s"))?
}
