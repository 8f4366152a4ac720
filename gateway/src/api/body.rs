//! Reads a request's body: bounded in bytes and time, and counted as in flight as it arrives.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use domain::limits::REQUEST_PAYLOAD_BYTES_MAX;
use http_body_util::BodyExt as _;
use protocol::lambda_api::payload;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::InvokeError;
use crate::fleets::Payload;
use crate::limits;
use crate::payload_budget::Reservation;

/// Reads the whole body. One that is too long is read on and thrown away, within bounds, since a client that
/// still writes would not read the answer.
pub(super) async fn read(body: Body, mut reservation: Reservation) -> Result<Payload, InvokeError> {
    let mut frames = Frames { body, deadline: Instant::now() + limits::BODY_READ };
    let (mut first, mut joined) = (Bytes::new(), BytesMut::new());
    while let Some(data) = frames.next().await? {
        if first.len() + joined.len() + data.len() > REQUEST_PAYLOAD_BYTES_MAX {
            drop((first, joined, reservation));
            frames.discard().await;
            return Err(payload::too_large().into());
        }
        if !reservation.grow(data.len()) {
            drop((first, joined, reservation));
            frames.discard().await;
            return Err(InvokeError::TooManyBytes);
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&data);
        }
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Payload::new(bytes, reservation))
}

struct Frames {
    body: Body,
    deadline: Instant,
}

impl Frames {
    /// The next bytes, or `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, InvokeError> {
        loop {
            let paused = timeout(limits::BODY_PAUSE, self.body.frame());
            let frame = timeout_at(self.deadline, paused).await.ok().and_then(Result::ok);
            match frame {
                None => return Err(InvokeError::BodyTimedOut),
                Some(None) => return Ok(None),
                Some(Some(Err(_))) => return Err(InvokeError::BodyBroken),
                Some(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
            }
        }
    }

    async fn discard(mut self) {
        self.deadline = self.deadline.min(Instant::now() + Duration::from_secs(10));
        let mut discarded = 0;
        while let Ok(Some(data)) = self.next().await {
            discarded += data.len();
            if discarded > limits::BODY_DISCARD_BYTES_MAX {
                return;
            }
        }
    }
}
