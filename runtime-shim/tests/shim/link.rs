//! A link as a gateway or the operator holds it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{AttemptId, RequestId, TimeBudget};
use protocol::link::assignment::Assignment;
use protocol::link::environment::{
    EnvironmentState, FromEnvironment, FunctionErrorCause, Invoke, Phase, Refusal, Report, ResponseHead,
    ResponseMode, ToEnvironment,
};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, FrameError, read_frame, write_frame};
use protocol::link::handshake::{HandshakeError, Role, accept_environment, read_opening};
use protocol::link::trust::LinkKey;
use tokio::net::TcpStream;

use crate::harness::{WAIT_SECONDS_MAX, revision};

/// One side of a link.
pub struct Link(pub TcpStream);

/// All that an attempt brought.
#[derive(Debug)]
pub struct Outcome {
    pub request: RequestId,
    pub head: ResponseHead,
    pub body: Vec<u8>,
    pub report: Report,
    pub tail: String,
    /// Documents of segments that came before the report.
    pub segments: Vec<Bytes>,
    /// Why the handler failed.
    pub cause: Option<Bytes>,
    /// From the invocation's sending to the last part of its answer.
    pub answered_after: Duration,
}

impl Outcome {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.head.function_error, None, "{self:?}");
        self
    }

    pub fn failed_with(&self, cause: FunctionErrorCause, error_type: &str) -> &Self {
        let error = self.head.function_error.as_ref().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!((error.cause, error.error_type.as_str()), (cause, error_type), "{self:?}");
        self
    }
}

/// An invocation with this payload and time.
pub fn invoke(milliseconds: u64) -> Invoke {
    static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let number = NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let bytes = (u128::from(number) << 64 | u128::from(number)).to_be_bytes();
    Invoke {
        request_id: RequestId::from_random_bytes(bytes),
        attempt: AttemptId::from_random_bytes(bytes),
        revision: revision(),
        budget: TimeBudget::from_millis(milliseconds),
        invoked_arn: "arn:aws:lambda:eu-central-1:123456789012:function:my_function:live".into(),
        client_context: None,
        identity: None,
        trace: None,
        tenant_id: None,
        wants_log_tail: true,
        response_mode: ResponseMode::Buffered,
    }
}

impl Link {
    pub async fn dial(address: &str, role: Role, key: &LinkKey) -> Result<Self, HandshakeError> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::prove(stream, role, key, Some(("default", "pod"))).await
    }

    /// The handshake on a connection that the shim dialled.
    pub async fn accept(stream: TcpStream, role: Role, key: &LinkKey) -> Result<Self, HandshakeError> {
        Self::prove(stream, role, key, None).await
    }

    async fn prove(
        mut stream: TcpStream,
        role: Role,
        key: &LinkKey,
        dialled: Option<(&str, &str)>,
    ) -> Result<Self, HandshakeError> {
        stream.set_nodelay(true).unwrap();
        let opening = read_opening(&mut stream).await?;
        accept_environment(&mut stream, key, role, opening, dialled, 0).await?;
        Ok(Self(stream))
    }

    pub async fn send(&mut self, header: ToEnvironment, body: Bytes) {
        write_frame(&mut self.0, &Frame { header, body }).await.unwrap();
    }

    pub async fn assign(&mut self, assignment: Assignment, archive: Bytes) {
        self.send(ToEnvironment::Assign(Box::new(assignment)), archive).await;
    }

    pub async fn next(&mut self) -> Result<Frame<FromEnvironment>, FrameError> {
        let read = read_frame(&mut self.0, FRAME_BYTES_MAX);
        tokio::time::timeout(Duration::from_secs(WAIT_SECONDS_MAX), read).await.expect("no frame came")
    }

    /// Passes over messages until `find` finds what it looks for.
    pub async fn until<T>(&mut self, mut find: impl FnMut(Frame<FromEnvironment>) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(self.next().await.unwrap()) {
                return found;
            }
        }
    }

    pub async fn until_phase(&mut self, phase: Phase) -> EnvironmentState {
        self.until(|frame| match frame.header {
            FromEnvironment::State(state) if state.phase == phase => Some(state),
            _ => None,
        })
        .await
    }

    pub async fn until_free(&mut self) -> EnvironmentState {
        self.until_phase(Phase::Free).await
    }

    /// Invokes with a JSON event and 3 seconds.
    pub async fn run(&mut self, event: &serde_json::Value) -> Outcome {
        self.run_with(invoke(3_000), &event.to_string()).await
    }

    pub async fn run_with(&mut self, invoke: Invoke, payload: &str) -> Outcome {
        self.send(ToEnvironment::Invoke(Box::new(invoke.clone())), payload.to_owned().into()).await;
        let outcome = self.outcome(&invoke, Instant::now()).await;
        outcome.unwrap_or_else(|reason| panic!("refused: {reason:?}"))
    }

    /// What comes back of an attempt that was sent, up to its end.
    pub async fn outcome(&mut self, invoke: &Invoke, sent: Instant) -> Result<Outcome, Refusal> {
        let (mut accepted, mut head, mut body, mut answered_after) = (false, None, Vec::new(), None);
        let (mut segments, mut cause) = (Vec::new(), None);
        loop {
            let frame = self.next().await.unwrap();
            match frame.header {
                FromEnvironment::Accepted { attempt } if attempt == invoke.attempt => accepted = true,
                FromEnvironment::Refused { attempt, reason } if attempt == invoke.attempt => {
                    return Err(reason);
                }
                FromEnvironment::Response(part) if part.attempt == invoke.attempt => {
                    assert!(accepted && answered_after.is_none(), "a part out of turn");
                    assert_eq!(part.head.is_some(), head.is_none(), "the head comes with the first part");
                    head = head.or(part.head);
                    body.extend(frame.body);
                    answered_after = part.last.then(|| sent.elapsed());
                }
                FromEnvironment::Segment => segments.push(frame.body),
                FromEnvironment::ErrorCause { attempt } if attempt == invoke.attempt => {
                    assert!(answered_after.is_some(), "the caller waits for what is not its own");
                    cause = Some(frame.body);
                }
                FromEnvironment::Finished { attempt, report } if attempt == invoke.attempt => {
                    return Ok(Outcome {
                        request: invoke.request_id,
                        head: head.expect("no answer came"),
                        body,
                        report,
                        segments,
                        cause,
                        tail: String::from_utf8(frame.body.to_vec()).unwrap(),
                        answered_after: answered_after.expect("the answer had no end"),
                    });
                }
                _ => {}
            }
        }
    }

    /// Invokes where a refusal is expected.
    pub async fn refused(&mut self, invoke: Invoke) -> Refusal {
        self.send(ToEnvironment::Invoke(Box::new(invoke.clone())), Bytes::from_static(b"{}")).await;
        self.outcome(&invoke, Instant::now()).await.unwrap_err()
    }
}
