//! What an extension subscribes to, read from its request's body.
//!
//! Bounds and defaults are those of AWS's developer guide, "Lambda Telemetry API reference" and "Lambda Logs API".

mod destination;

use std::ops::RangeInclusive;

pub use destination::Destination;
use serde::Serialize;
use serde_json::{Value, json};

/// Which API a subscription came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `PUT /2022-07-01/telemetry`
    Telemetry,
    /// `PUT` or `POST /2020-08-15/logs`
    Logs,
}

/// A known schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named by their dates")]
pub enum SchemaVersion {
    V20200815,
    V20210318,
    V20220701,
    V20221213,
    V20250129,
}

impl SchemaVersion {
    /// It is one of the Logs API's, not the Telemetry API's.
    pub fn is_of_logs(self) -> bool {
        self < Self::V20220701
    }
}

/// Which streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "named as the streams")]
pub struct Types {
    pub platform: bool,
    pub function: bool,
    pub extension: bool,
}

impl Types {
    /// The streams' names.
    pub fn names(self) -> Vec<&'static str> {
        [("platform", self.platform), ("function", self.function), ("extension", self.extension)]
            .into_iter()
            .filter_map(|(name, wanted)| wanted.then_some(name))
            .collect()
    }

    /// Those of either.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            platform: self.platform || other.platform,
            function: self.function || other.function,
            extension: self.extension || other.extension,
        }
    }
}

/// How long events are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub struct Buffering {
    pub max_items: usize,
    pub max_bytes: usize,
    pub timeout_millis: u64,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub struct Subscription {
    pub api: Api,
    pub schema: SchemaVersion,
    pub types: Types,
    pub buffering: Buffering,
    pub destination: Destination,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSubscription(pub String);

const MAX_ITEMS: RangeInclusive<u64> = 1_000..=10_000;
const MAX_BYTES: RangeInclusive<u64> = 262_144..=1_048_576;
const TIMEOUT_MILLIS: RangeInclusive<u64> = 25..=30_000;
const DEFAULT_ITEMS: u64 = 10_000;
const DEFAULT_BYTES: u64 = 262_144;
const DEFAULT_TIMEOUT_MILLIS: u64 = 1_000;
impl Subscription {
    /// Reads a body; an error tells of all that is wrong with it, as the guide's example does.
    pub fn read(api: Api, body: &[u8]) -> Result<Self, InvalidSubscription> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| InvalidSubscription(error.to_string()))?;
        let Value::Object(body) = body else { return invalid("the body must be an object") };
        let schema = schema(api, body.get("schemaVersion"));
        let types = types(body.get("types"));
        let buffering = buffering(body.get("buffering"));
        let destination = destination::read(body.get("destination"));
        match (schema, types, buffering, destination) {
            (Ok(schema), Ok(types), Ok(buffering), Ok(destination)) => {
                Ok(Self { api, schema, types, buffering, destination })
            }
            (schema, types, buffering, destination) => {
                let wrong = [schema.err(), types.err(), buffering.err(), destination.err()];
                let wrong: Vec<_> = wrong.into_iter().flatten().map(|wrong| wrong.0).collect();
                invalid(wrong.join("; "))
            }
        }
    }
}

fn invalid<T>(what: impl Into<String>) -> Result<T, InvalidSubscription> {
    Err(InvalidSubscription(what.into()))
}

fn schema(api: Api, told: Option<&Value>) -> Result<SchemaVersion, InvalidSubscription> {
    match (api, told.and_then(Value::as_str)) {
        (Api::Telemetry, Some("2022-07-01")) => Ok(SchemaVersion::V20220701),
        (Api::Telemetry, Some("2022-12-13")) => Ok(SchemaVersion::V20221213),
        (Api::Telemetry, Some("2025-01-29")) => Ok(SchemaVersion::V20250129),
        (Api::Logs, Some("2020-08-15")) => Ok(SchemaVersion::V20200815),
        (Api::Logs, Some("2021-03-18")) => Ok(SchemaVersion::V20210318),
        (Api::Logs, None) if told.is_none_or(Value::is_null) => Ok(SchemaVersion::V20200815),
        _ => invalid("schemaVersion is missing or unknown"),
    }
}

fn types(told: Option<&Value>) -> Result<Types, InvalidSubscription> {
    let Some(Value::Array(names)) = told else { return invalid("types must be a list") };
    let mut types = Types::default();
    for name in names {
        match name.as_str() {
            Some("platform") => types.platform = true,
            Some("function") => types.function = true,
            Some("extension") => types.extension = true,
            _ => return invalid(format!("types: {name} is none of platform, function, extension")),
        }
    }
    if types == Types::default() { invalid("types must name at least one") } else { Ok(types) }
}

fn buffering(told: Option<&Value>) -> Result<Buffering, InvalidSubscription> {
    if told.is_some_and(|told| !told.is_object() && !told.is_null()) {
        return invalid("buffering must be an object");
    }
    let field = |name: &str, range: RangeInclusive<u64>, default: u64| {
        // 1000.0 is no integer to AWS's emulator either.
        let value = told.and_then(|told| told.get(name)).filter(|value| !value.is_null());
        let Some(value) = value else { return Ok(default) };
        let number = value.as_u64().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            InvalidSubscription(format!("buffering.{name} must be between {from} and {to}"))
        })
    };
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Buffering {
        max_items: size(field("maxItems", MAX_ITEMS, DEFAULT_ITEMS)?),
        max_bytes: size(field("maxBytes", MAX_BYTES, DEFAULT_BYTES)?),
        timeout_millis: field("timeoutMs", TIMEOUT_MILLIS, DEFAULT_TIMEOUT_MILLIS)?,
    })
}

/// The body of a refused subscription that was understood: the keys' order is that of the other APIs.
pub fn refused(error_type: &str, message: &str) -> String {
    format!("{}\n", json!({"errorMessage": message, "errorType": error_type}))
}

/// The body that says what is wrong with a subscription. The service was recorded to put the type first, and to
/// name the API in it, where its emulator says `ValidationError`.
pub fn invalid_body(api: Api, message: &str) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Invalid<'a> {
        error_type: &'a str,
        error_message: &'a str,
    }
    let error_type = match api {
        Api::Telemetry => "Telemetry.ValidationError",
        Api::Logs => "Logs.ValidationError",
    };
    // Its keys are strings, so it always is JSON.
    serde_json::to_string(&Invalid { error_type, error_message: message }).unwrap_or_default()
}

#[cfg(test)]
mod tests;
