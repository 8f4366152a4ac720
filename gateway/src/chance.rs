//! Randomness, the clock on the wall, and what is made from them.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::{AttemptId, RequestId};
use protocol::lambda_api::trace::Seed;
use protocol::xray::SegmentId;
use ring::rand::{SecureRandom, SystemRandom};

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomBytes;

fn bytes<const N: usize>() -> Result<[u8; N], NoRandomBytes> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomBytes)?;
    Ok(bytes)
}

/// A new request id.
pub fn request_id() -> Result<RequestId, NoRandomBytes> {
    bytes().map(RequestId::from_random_bytes)
}

/// A new attempt id.
pub fn attempt_id() -> Result<AttemptId, NoRandomBytes> {
    bytes().map(AttemptId::from_random_bytes)
}

/// What a new trace is made from.
pub fn trace_seed() -> Result<Seed, NoRandomBytes> {
    Ok(Seed { epoch_seconds: epoch_seconds(), random: bytes()? })
}

/// A new id of a segment.
pub fn segment_id() -> Result<SegmentId, NoRandomBytes> {
    SegmentId::from_bytes(bytes()?).ok_or(NoRandomBytes)
}

/// Any number, for jitter only.
pub fn jitter() -> u64 {
    bytes().map(u64::from_be_bytes).unwrap_or_default()
}

/// Microseconds since the epoch.
pub fn epoch_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Seconds since the epoch.
pub fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
