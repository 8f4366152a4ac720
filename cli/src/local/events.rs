//! Invocations of the type `Event`, which the Lambda API does not take: answered with 202, and then run, once.
//!
//! Whatever is wrong with one is said before it is accepted: the API is asked for a dry run of it, which checks
//! payload, headers and function. One that is accepted and finds the function at a limit is tried again, with pauses
//! that grow, for as long as AWS keeps an event. How many wait is bounded, in number and in bytes; further ones are
//! refused. Like all that runs they end with the program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use protocol::lambda_api::errors::ThrottleReason::ConcurrentInvocationLimitExceeded;
use protocol::lambda_api::{Exception, ServiceError, headers};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::onward::{Body, hand_on, refused, said};

/// Largest payload of one event, as on AWS: 1 MiB.
const EVENT_BYTES_MAX: u32 = 1024 * 1024;
/// Events at once that were accepted and did not end yet.
const EVENTS_MAX: usize = 1_000;
/// Payload bytes of all of them.
const EVENTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much of a payload that is refused is read, so that its client comes to read the answer.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long an event may wait for its run: AWS's `MaximumEventAgeInSeconds`.
const EVENT_AGE_MAX: Duration = Duration::from_hours(6);
/// The pause before an event is tried again; each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The room for events.
#[derive(Debug, Clone)]
pub(super) struct Events {
    number: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// An event's own part of it.
#[derive(Debug)]
struct Place {
    _one: OwnedSemaphorePermit,
    bytes: OwnedSemaphorePermit,
}

impl Events {
    pub(super) fn new() -> Self {
        let room = |size| Arc::new(Semaphore::new(size));
        Self { number: room(EVENTS_MAX), bytes: room(EVENTS_BYTES_MAX) }
    }

    /// Answers an event and runs it afterwards.
    pub(super) async fn take(
        self,
        request: Request<Incoming>,
        api: SocketAddr,
    ) -> Result<Response<Body>, hyper::Error> {
        let (mut head, body) = request.into_parts();
        let (payload, place) = match self.read(body).await {
            Ok(read) => read,
            Err(error) => return Ok(refused(&error)),
        };
        // It is whole now, however it came.
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.insert(headers::INVOCATION_TYPE, HeaderValue::from_static("DryRun"));
        let would = hand_on(whole(&head, &payload), api).await?;
        if would.status() != StatusCode::NO_CONTENT {
            return Ok(would);
        }
        head.headers.remove(headers::INVOCATION_TYPE);
        drop(tokio::spawn(async move {
            run(&head, &payload, api).await;
            drop(place);
        }));
        Ok(said(StatusCode::ACCEPTED, ""))
    }

    /// The payload, for which there was a place before it was read.
    async fn read(&self, body: Incoming) -> Result<(Bytes, Place), ServiceError> {
        let expected = body.size_hint().upper().map_or(Ok(EVENT_BYTES_MAX), u32::try_from);
        let place = match expected {
            Ok(bytes) if bytes <= EVENT_BYTES_MAX => self.place(bytes),
            _ => Err(too_large()),
        };
        let mut place = match place {
            Ok(place) => place,
            Err(error) => {
                discard(body).await;
                return Err(error);
            }
        };
        let mut body = Limited::new(body, EVENT_BYTES_MAX as usize);
        match (&mut body).collect().await {
            Ok(payload) => {
                let payload = payload.to_bytes();
                place.keep(payload.len());
                Ok((payload, place))
            }
            Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Err(_) => Err(ServiceError::new(Exception::InvalidRequestContent, "The request body broke off.")),
        }
    }

    fn place(&self, bytes: u32) -> Result<Place, ServiceError> {
        let full = |what: &str| {
            let message = format!("Rate Exceeded: {what} wait to be run.");
            ServiceError::throttled(ConcurrentInvocationLimitExceeded, message)
        };
        let one = Arc::clone(&self.number).try_acquire_owned();
        let one = one.map_err(|_| full(&format!("{EVENTS_MAX} events")))?;
        let all = Arc::clone(&self.bytes).try_acquire_many_owned(bytes);
        let bytes = all.map_err(|_| full(&format!("events of {EVENTS_BYTES_MAX} bytes together")))?;
        Ok(Place { _one: one, bytes })
    }
}

impl Place {
    /// Gives back what was reserved beyond `bytes`.
    fn keep(&mut self, bytes: usize) {
        drop(self.bytes.split(self.bytes.num_permits().saturating_sub(bytes)));
    }
}

fn too_large() -> ServiceError {
    let message =
        format!("Request must be smaller than {EVENT_BYTES_MAX} bytes for the InvokeFunction operation");
    ServiceError::new(Exception::RequestTooLarge, message)
}

async fn discard(body: Incoming) {
    let mut body = Limited::new(body, DISCARDED_BYTES_MAX);
    while let Some(Ok(_)) = body.frame().await {}
}

/// The request with its payload, as often as it is needed.
fn whole(head: &Parts, payload: &Bytes) -> Request<Full<Bytes>> {
    Request::from_parts(head.clone(), Full::from(payload.clone()))
}

/// Runs an event once; before that, tries as often as it takes.
async fn run(head: &Parts, payload: &Bytes, api: SocketAddr) {
    let accepted = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let status = match hand_on(whole(head, payload), api).await {
            Ok(answer) => answer.status(),
            Err(error) => return tracing::warn!(%error, "An event was not run"),
        };
        match status {
            // What a function answers, or how it failed, is in its log.
            StatusCode::OK => return,
            StatusCode::TOO_MANY_REQUESTS if accepted.elapsed() + pause <= EVENT_AGE_MAX => {
                tracing::debug!(?pause, "An event is tried again, since its function is at a limit");
            }
            status => return tracing::warn!(%status, "An event was not run"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(taken: Result<Place, ServiceError>) -> (Exception, String) {
        let error = taken.unwrap_err();
        (error.exception, error.message)
    }

    #[test]
    fn events_that_wait_are_bounded_in_number_and_bytes() {
        let events = Events::new();
        let mut held: Vec<_> = (1..EVENTS_MAX).map(|_| events.place(0).unwrap()).collect();
        held.push(events.place(0).unwrap());
        let full = (Exception::TooManyRequests, "Rate Exceeded: 1000 events wait to be run.".to_owned());
        assert_eq!(refusal(events.place(0)), full);
        held.clear();
        let largest = EVENTS_BYTES_MAX / EVENT_BYTES_MAX as usize;
        held.extend((1..largest).map(|_| events.place(EVENT_BYTES_MAX).unwrap()));
        let mut last = events.place(EVENT_BYTES_MAX).unwrap();
        let words = "Rate Exceeded: events of 67108864 bytes together wait to be run.";
        assert_eq!(refusal(events.place(1)), (Exception::TooManyRequests, words.to_owned()));
        // Less came than was reserved.
        last.keep(EVENT_BYTES_MAX as usize - 1);
        held.push(events.place(1).unwrap());
        assert_eq!(refusal(events.place(1)).0, Exception::TooManyRequests);
    }
}
