//! What an environment says, in the order in which it says it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use domain::AttemptId;
use domain::limits::{RESPONSE_PAYLOAD_BYTES_MAX, STREAMED_RESPONSE_BYTES_MAX};
use domain::placement::Reported;
use protocol::link::assignment::Revision;
use protocol::link::environment::{FromEnvironment, Report, ResponsePart};
use protocol::link::frame::{CHUNK_BYTES_MAX, FRAME_BYTES_MAX, FrameError, read_frame};
use tokio::io::{AsyncRead, BufReader};

use super::said::Said;
use super::session::{Session, SessionEnd};
use super::underway::Underway;
use crate::fleets::{Ended, Progress};
use crate::limits;

/// Bytes that each of up to 20,000 links reads at once: a small answer is one read, and a body passes by.
const READ_BYTES: usize = 8 * 1024;

/// Reads until the environment has said which function's it is.
pub(super) async fn until_assigned(
    reader: &mut (impl AsyncRead + Unpin),
) -> Result<(Revision, Said), FrameError> {
    loop {
        let frame = read_frame::<FromEnvironment, _>(reader, FRAME_BYTES_MAX).await?;
        if let FromEnvironment::State(state) = frame.header
            && let (Some(revision), said) = Said::of(state)
        {
            return Ok((revision, said));
        }
    }
}

/// Reads until the link ends.
pub(super) async fn run(session: &Session, reader: impl AsyncRead + Unpin) -> SessionEnd {
    let mut reader = BufReader::with_capacity(READ_BYTES, reader);
    loop {
        let read = read_frame::<FromEnvironment, _>(&mut reader, FRAME_BYTES_MAX).await;
        let taken = match read {
            Ok(frame) => take(session, frame.header, frame.body).await,
            Err(error) => Err(error.into()),
        };
        if let Err(end) = taken {
            return end;
        }
    }
}

async fn take(session: &Session, message: FromEnvironment, body: Bytes) -> Result<(), SessionEnd> {
    match message {
        FromEnvironment::State(state) => session.state(Said::of(state).1),
        FromEnvironment::Granted => session.report(Reported::Free),
        FromEnvironment::Refused { attempt, reason } => {
            if let Some(underway) = session.underway().take_if(|of| of.attempt == attempt && !of.accepted) {
                tracing::debug!(request_id = %underway.flight.request_id(), ?reason, "Refused: placed again");
                session.fleet.refused(session.key, underway.flight.key);
            }
        }
        FromEnvironment::Accepted { attempt } => accept(session, attempt),
        FromEnvironment::Response(part) => answer(session, part, body).await?,
        FromEnvironment::Finished { attempt, report } => finish(session, attempt, &report, body).await?,
        FromEnvironment::Segment => session.traces.document(session.fleet.traces(), &body),
        FromEnvironment::ErrorCause { attempt } => {
            let flight =
                session.underway().as_ref().filter(|of| of.attempt == attempt).map(|of| of.flight.clone());
            if let Some(flight) = flight {
                flight.caused(body);
            }
        }
        FromEnvironment::Unknown => {}
    }
    Ok(())
}

fn accept(session: &Session, attempt: AttemptId) {
    let mut underway = session.underway();
    let Some(of) = underway.as_mut().filter(|of| of.attempt == attempt && !of.accepted) else { return };
    of.accepted = true;
    of.overdue = Instant::now() + of.flight.overdue();
    session.fleet.accepted(session.key, of.flight.key);
    of.flight.accepted(&of.flow);
}

async fn answer(session: &Session, part: ResponsePart, body: Bytes) -> Result<(), SessionEnd> {
    let (attempt, body) = (part.attempt, session.payload.count(body));
    accept(session, attempt);
    let (flight, flow, failed) = {
        let mut underway = session.underway();
        let Some(of) = underway.as_mut().filter(|of| of.attempt == part.attempt) else { return Ok(()) };
        note(of, &part, body.len())?;
        drop(of.room.take_if(|room| room.is_reserved()));
        let failed = of.head.as_ref().filter(|_| part.last).and_then(|head| head.function_error.clone());
        (of.flight.clone(), Arc::clone(&of.flow), failed)
    };
    if let Some(head) = part.head {
        flight.part(Progress::Head(head)).await;
    }
    let (body, ended) = match part.error {
        Some(error) => (Bytes::new(), Some((error, body))),
        None => (body, None),
    };
    if !body.is_empty() && !flight.part(Progress::Part(body)).await {
        // Nobody is there to read it; the function runs on.
        flow.took(1);
    }
    if part.last {
        session.fleet.answered(session.key, flight.key);
        let failed = ended.as_ref().map(|(error, _)| error.clone()).or(failed);
        let ended = ended.map_or(Ended::Whole, |(error, body)| Ended::HalfWay(error, body));
        flight.answered(failed, ended).await;
    } else if !flight.is_streamed() {
        make_room(session, attempt).await;
    }
    Ok(())
}

/// Waits until there is room for the next part of a buffered answer. A streamed one has a window instead.
async fn make_room(session: &Session, attempt: AttemptId) {
    if session.underway().as_ref().is_some_and(|of| of.room.is_some()) {
        return;
    }
    let room = session.payload.room(CHUNK_BYTES_MAX).await;
    if let Some(of) = session.underway().as_mut().filter(|of| of.attempt == attempt) {
        of.room = Some(room);
    }
}

fn note(of: &mut Underway, part: &ResponsePart, bytes: usize) -> Result<(), SessionEnd> {
    if of.answered {
        return Err(SessionEnd::Broken("it went on after the end of its answer"));
    }
    if part.head.is_some() == of.head.is_some() {
        return Err(SessionEnd::Broken("the first part of its answer, and only that, has a head"));
    }
    if let Some(head) = &part.head {
        of.head = Some(head.clone());
    }
    if part.error.is_some() && !part.last {
        return Err(SessionEnd::Broken("an error is the end of its answer"));
    }
    of.answer_bytes += if part.error.is_some() { 0 } else { bytes };
    of.answered = part.last;
    let bytes_max =
        if of.flight.is_streamed() { STREAMED_RESPONSE_BYTES_MAX } else { RESPONSE_PAYLOAD_BYTES_MAX };
    if of.answer_bytes > bytes_max {
        return Err(SessionEnd::Broken("its answer is too long"));
    }
    Ok(())
}

async fn finish(
    session: &Session,
    attempt: AttemptId,
    report: &Report,
    mut log_tail: Bytes,
) -> Result<(), SessionEnd> {
    let Some(of) = session.underway().take_if(|of| of.attempt == attempt && of.answered) else {
        let unanswered = session.underway().as_ref().is_some_and(|of| of.attempt == attempt);
        let broken = SessionEnd::Broken("it was done with an invocation before its answer was complete");
        return if unanswered { Err(broken) } else { Ok(()) };
    };
    log_tail.truncate(limits::LOG_TAIL_BYTES_MAX);
    session.fleet.finished(session.key, of.flight.key);
    of.flight.finished(attempt, report, log_tail).await;
    Ok(())
}
