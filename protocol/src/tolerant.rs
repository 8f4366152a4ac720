//! Readers for what JSON that others write may have, and for what it has in numbers.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Latest moment that is taken for one, in seconds since the epoch: the year 2286.
const SECONDS_MAX: f64 = 10_000_000_000.0;

/// The value, or its default where it has another shape than documented.
pub(crate) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: serde::de::DeserializeOwned + Default,
    D: Deserializer<'de>,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

/// The value, or its default where it is null. One of another shape is an error.
pub(crate) fn null_or<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment in seconds since the epoch, as microseconds: what a float of that size tells.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    microseconds(seconds).ok_or_else(|| serde::de::Error::custom("it must be seconds since the epoch"))
}

/// The same, where there is one.
pub(crate) fn moment_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.and_then(microseconds))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn microseconds(seconds: f64) -> Option<u64> {
    (0.0..=SECONDS_MAX).contains(&seconds).then(|| (seconds * 1_000_000.0).round() as u64)
}
