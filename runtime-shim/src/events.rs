//! What the actor is told, and how it replies. One bounded queue carries all of it.

use std::sync::Arc;

use bytes::Bytes;
use domain::environment::InitError;
use domain::failure::{Failure, StartFailure};
use domain::{AttemptId, ExtensionId, RequestId};
use hyper::header::{HeaderName, HeaderValue};
use protocol::link::environment::{FromEnvironment, ToEnvironment};
use protocol::link::frame::Frame;
use protocol::link::handshake::Role;
use protocol::runtime_api::Refusal;
use protocol::telemetry::{Api, InvalidSubscription, Subscription};
use tokio::sync::{mpsc, oneshot};

use crate::far_end::FarEnd;
use crate::window::Streaming;

/// How many events wait for the actor before whoever sends the next one waits.
const EVENTS_MAX: usize = 64;

/// Which link.
pub(crate) type LinkId = u64;
/// Where a Runtime API call's verdict goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;
/// The senders' end of the actor's queue.
pub(crate) type Events = mpsc::Sender<Event>;

/// The actor's queue.
pub(crate) fn queue() -> (Events, mpsc::Receiver<Event>) {
    mpsc::channel(EVENTS_MAX)
}

/// An input of the actor.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer has proved who it is.
    LinkUp { link: LinkId, role: Role, frames: mpsc::Sender<Frame<FromEnvironment>> },
    /// A peer says something.
    LinkFrame { link: LinkId, frame: Frame<ToEnvironment> },
    /// A peer is gone.
    LinkDown { link: LinkId },
    /// The runtime asks for the next event.
    Next(NextCall),
    /// The runtime begins an answer; `streamed` is the content type of one that it streams.
    AnswerBegun {
        request: RequestId,
        attempt: Option<AttemptId>,
        streamed: Option<String>,
        reply: Reply<Option<Streaming>>,
    },
    /// A streamed answer goes on.
    AnswerPart { attempt: AttemptId, part: Bytes },
    /// The answer is complete.
    AnswerCompleted { request: RequestId, answer: RuntimeAnswer, reply: Reply<()> },
    /// The answer cannot be used.
    AnswerUnusable { request: RequestId, failure: Failure, reply: Reply<()> },
    /// The runtime tells of an error of its init phase.
    InitError { error: InitError, reply: Reply<()> },
    /// An extension calls.
    Extension { call: ExtensionCall, reply: ExtensionReply },
    /// The code is laid out, or never will be.
    Prepared(Result<(), StartFailure>),
    /// What `/tmp` holds, in bytes.
    TemporaryMeasured { bytes: u64 },
}

/// A call of `next`.
#[derive(Debug)]
pub(crate) struct NextCall {
    /// Where the event goes.
    pub reply: Reply<Arc<RuntimeEvent>>,
    /// Who reads it.
    pub far_end: FarEnd,
}

/// What `next` answers.
#[derive(Debug)]
pub(crate) struct RuntimeEvent {
    /// The context.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The caller's payload.
    pub payload: Bytes,
}

/// What a runtime posted to `response` or `error`.
#[derive(Debug)]
pub(crate) struct RuntimeAnswer {
    /// The sanitised error type; none for a response.
    pub error_type: Option<String>,
    /// As the runtime named it.
    pub content_type: String,
    /// The body, as it came.
    pub body: Vec<Bytes>,
    /// Why a handler failed, for X-Ray.
    pub cause: Option<Bytes>,
}

/// Where an extension's answer goes.
pub(crate) type ExtensionReply = oneshot::Sender<Result<ExtensionAnswer, domain::extensions::Refusal>>;

/// What an extension asks for.
#[derive(Debug)]
pub(crate) enum ExtensionCall {
    /// To be one; `account` tells whether it wants to know the account.
    Register { name: String, events: Vec<String>, account: bool },
    /// The next event.
    Next { id: ExtensionId },
    /// To be sent events of the log.
    Subscribe { id: ExtensionId, api: Api, subscription: Result<Subscription, InvalidSubscription> },
    /// It cannot initialize.
    InitError { id: ExtensionId, error_type: String },
    /// It is about to exit.
    ExitError { id: ExtensionId, error_type: String },
}

/// What an extension is answered.
#[derive(Debug)]
pub(crate) enum ExtensionAnswer {
    /// Its identifier, and a JSON body.
    Registered(ExtensionId, String),
    /// An event; an invocation's has an identifier of its own.
    Event { identifier: Option<String>, body: String },
    /// What became of a subscription.
    Subscribed { status: u16, body: String },
    /// An accepted error.
    Accepted,
}
