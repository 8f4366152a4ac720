//! An environment for fault injection: it speaks the link and does what the test tells it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::AttemptId;
use protocol::link::assignment::Revision;
use protocol::link::environment::{
    EnvironmentState, FromEnvironment, FunctionError, FunctionErrorCause, Invoke, Phase, Refusal, Report,
    ResponseHead, ResponsePart, Timeline, ToEnvironment,
};
use protocol::link::frame::{CHUNK_BYTES_MAX, FRAME_BYTES_MAX, Frame, read_frame, write_frame};
use protocol::link::handshake::{Dialler, open_as_environment};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use super::gateway::{link_key, ticket};

/// What it does with an invoke.
#[derive(Debug, Clone)]
pub enum Conduct {
    /// Answers with the payload.
    Echo,
    /// Answers with the payload after a while.
    Slow(Duration),
    /// Answers with these bytes, as a function error where a cause is given.
    Answer(Bytes, Option<FunctionErrorCause>),
    /// Says the first part of an answer and nothing more.
    Pause(Bytes),
    /// Refuses, and says `Busy`.
    Refuse,
    /// Closes the link instead of accepting.
    LoseBeforeAccept,
    /// Accepts and closes the link.
    LoseAfterAccept,
    /// Accepts and says nothing more.
    Hang,
    /// Never accepts and says nothing.
    Ignore,
}

#[derive(Debug)]
struct Shared {
    revision: Revision,
    conduct: Mutex<Conduct>,
    busy: AtomicBool,
    ran: AtomicUsize,
    most_at_once: AtomicUsize,
    at_once: AtomicUsize,
    seen: Mutex<Vec<Invoke>>,
    waiting: Mutex<Vec<Option<u64>>>,
    links: AtomicUsize,
    told: Mutex<(Option<Timeline>, Vec<Bytes>)>,
}

#[derive(Debug, Clone)]
pub struct Fake {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Fake {
    pub async fn start(pod: &str, revision: &Revision, conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            revision: revision.clone(),
            conduct: Mutex::new(conduct),
            busy: AtomicBool::new(false),
            ran: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            seen: Mutex::default(),
            waiting: Mutex::default(),
            links: AtomicUsize::new(0),
            told: Mutex::default(),
        });
        let (pod, served) = (pod.to_owned(), Arc::clone(&shared));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (pod, shared) = (pod.clone(), Arc::clone(&served));
                tokio::spawn(async move { serve(pod, stream, shared).await });
            }
        });
        Self { address, shared }
    }

    pub fn conduct(&self, conduct: Conduct) {
        *self.shared.conduct.lock().unwrap() = conduct;
    }

    /// With each invocation from now on: when its parts were, and segment documents.
    pub fn tell(&self, timeline: Timeline, documents: Vec<Bytes>) {
        *self.shared.told.lock().unwrap() = (Some(timeline), documents);
    }

    /// Invocations that ran to their end.
    pub fn ran(&self) -> usize {
        self.shared.ran.load(Ordering::SeqCst)
    }

    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    pub fn links(&self) -> usize {
        self.shared.links.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Invoke> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn waiting(&self) -> Vec<Option<u64>> {
        self.shared.waiting.lock().unwrap().clone()
    }
}

type Writer = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

async fn serve(pod: String, mut stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).unwrap();
    let trusted = link_key().public_key();
    if open_as_environment(&mut stream, &ticket(&pod), &trusted, Dialler::Peer).await.is_err() {
        return;
    }
    shared.links.fetch_add(1, Ordering::SeqCst);
    let (mut reader, writer) = stream.into_split();
    let writer: Writer = Arc::new(tokio::sync::Mutex::new(writer));
    say_state(&writer, &shared).await;
    while let Ok(frame) = read_frame::<ToEnvironment, _>(&mut reader, FRAME_BYTES_MAX).await {
        match frame.header {
            ToEnvironment::Waiting { oldest_ms } => shared.waiting.lock().unwrap().push(oldest_ms),
            ToEnvironment::Invoke(invoke) => {
                let conduct = shared.conduct.lock().unwrap().clone();
                if matches!(conduct, Conduct::LoseBeforeAccept) {
                    return;
                }
                if shared.busy.swap(true, Ordering::SeqCst) {
                    let reason = Refusal::Busy;
                    say(&writer, FromEnvironment::Refused { attempt: invoke.attempt, reason }).await;
                    continue;
                }
                let (writer, shared) = (Arc::clone(&writer), Arc::clone(&shared));
                if matches!(conduct, Conduct::LoseAfterAccept) {
                    say(&writer, FromEnvironment::Accepted { attempt: invoke.attempt }).await;
                    shared.busy.store(false, Ordering::SeqCst);
                    return;
                }
                tokio::spawn(async move { run(*invoke, frame.body, conduct, writer, shared).await });
            }
            _ => {}
        }
    }
}

async fn run(invoke: Invoke, payload: Bytes, conduct: Conduct, writer: Writer, shared: Arc<Shared>) {
    let attempt = invoke.attempt;
    let wants_log_tail = invoke.wants_log_tail;
    shared.seen.lock().unwrap().push(invoke);
    if matches!(conduct, Conduct::Refuse | Conduct::Ignore) {
        if matches!(conduct, Conduct::Refuse) {
            say(&writer, FromEnvironment::Refused { attempt, reason: Refusal::Busy }).await;
        }
        shared.busy.store(false, Ordering::SeqCst);
        return;
    }
    let at_once = shared.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    say_state(&writer, &shared).await;
    say(&writer, FromEnvironment::Accepted { attempt }).await;
    let (body, cause) = match conduct {
        Conduct::Hang => return,
        Conduct::Slow(delay) => {
            tokio::time::sleep(delay).await;
            (payload, None)
        }
        Conduct::Answer(body, cause) => (body, cause),
        Conduct::Pause(body) => {
            let head = Some(ResponseHead { function_error: None, content_type: "application/json".into() });
            let part = ResponsePart { attempt, last: false, head, error: None };
            say_frame(&writer, FromEnvironment::Response(part), body).await;
            return;
        }
        _ => (payload, None),
    };
    let (timeline, documents) = shared.told.lock().unwrap().clone();
    for document in documents {
        say_frame(&writer, FromEnvironment::Segment, document).await;
    }
    say_answer(&writer, attempt, body, cause).await;
    shared.at_once.fetch_sub(1, Ordering::SeqCst);
    shared.ran.fetch_add(1, Ordering::SeqCst);
    let report = Report {
        duration_ms: 1.5,
        billed_duration_ms: 2,
        max_memory_used_mb: 40,
        init_duration_ms: None,
        remaining_ms: 2_000,
        timeline,
    };
    let tail = if wants_log_tail { Bytes::from_static(b"START\nEND\n") } else { Bytes::new() };
    say_frame(&writer, FromEnvironment::Finished { attempt, report }, tail).await;
    shared.busy.store(false, Ordering::SeqCst);
    say_state(&writer, &shared).await;
}

async fn say_answer(writer: &Writer, attempt: AttemptId, body: Bytes, cause: Option<FunctionErrorCause>) {
    let function_error = cause.map(|cause| FunctionError { cause, error_type: "Some.Error".into() });
    let mut head = Some(ResponseHead { function_error, content_type: "application/json".into() });
    let chunks = body.len().div_ceil(CHUNK_BYTES_MAX).max(1);
    for number in 0..chunks {
        let end = ((number + 1) * CHUNK_BYTES_MAX).min(body.len());
        let part = ResponsePart { attempt, last: number + 1 == chunks, head: head.take(), error: None };
        let chunk = body.slice(number * CHUNK_BYTES_MAX..end);
        say_frame(writer, FromEnvironment::Response(part), chunk).await;
    }
}

async fn say_state(writer: &Writer, shared: &Shared) {
    let phase = if shared.busy.load(Ordering::SeqCst) { Phase::Busy } else { Phase::Free };
    let revision = Some(shared.revision.clone());
    say(
        writer,
        FromEnvironment::State(EnvironmentState {
            phase,
            revision,
            tenant: None,
            init: None,
            invocations: 0,
        }),
    )
    .await;
}

async fn say(writer: &Writer, message: FromEnvironment) {
    say_frame(writer, message, Bytes::new()).await;
}

async fn say_frame(writer: &Writer, header: FromEnvironment, body: Bytes) {
    drop(write_frame(&mut *writer.lock().await, &Frame { header, body }).await);
}
