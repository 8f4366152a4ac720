//! Ids of traces and of segments.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A trace: `1-<8 digits: seconds since the epoch>-<24 digits>`, hexadecimal. Without its first character and its
/// hyphens it is OpenTelemetry's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct TraceId([u8; 16]);

/// A segment or subsegment: 16 hexadecimal digits, not all of them zero; OpenTelemetry's span id as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct SegmentId([u8; 8]);

/// A text is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be {rule}")]
pub struct InvalidId {
    rule: &'static str,
}

const TRACE_RULE: InvalidId = InvalidId { rule: "1-<8 hexadecimal digits>-<24 hexadecimal digits>" };
const SEGMENT_RULE: InvalidId = InvalidId { rule: "16 hexadecimal digits, not all of them zero" };

impl TraceId {
    /// The bytes, as OpenTelemetry has them.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl SegmentId {
    /// The id that these bytes are; `None` where all are zero.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// The bytes, as OpenTelemetry has them.
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl FromStr for TraceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seconds, unique) =
            text.strip_prefix("1-").and_then(|rest| rest.split_once('-')).ok_or(TRACE_RULE)?;
        if (seconds.len(), unique.len()) != (8, 24) {
            return Err(TRACE_RULE);
        }
        let bytes = domain::hex::decode(&[seconds, unique].concat()).and_then(|bytes| bytes.try_into().ok());
        bytes.filter(|bytes| *bytes != [0; 16]).map(Self).ok_or(TRACE_RULE)
    }
}

impl FromStr for SegmentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = domain::hex::decode(text).and_then(|bytes| bytes.try_into().ok());
        bytes.and_then(Self::from_bytes).ok_or(SEGMENT_RULE)
    }
}

impl TryFrom<String> for TraceId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for SegmentId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, unique) = self.0.split_at(4);
        write!(f, "1-{}-{}", domain::hex::encode(seconds), domain::hex::encode(unique))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&domain::hex::encode(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_trace_id_is_opentelemetry_s_with_hyphens() {
        let id: TraceId = "1-5759e988-bd862e3fe1be46a994272793".parse().unwrap();
        assert_eq!(domain::hex::encode(&id.bytes()), "5759e988bd862e3fe1be46a994272793");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let zero = format!("1-{}-{}", "0".repeat(8), "0".repeat(24));
        for text in
            ["", "1-a-b", "2-5759e988-bd862e3fe1be46a994272793", "1-5759e98-8bd862e3fe1be46a994272793", &zero]
        {
            assert!(text.parse::<TraceId>().is_err(), "{text}");
        }
        for text in ["", "abc", "0000000000000000", "53995c3f42cd8adg", "53995c3f42cd8ad80"] {
            assert!(text.parse::<SegmentId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ids_come_back(trace in 1_u128.., segment in 1_u64..) {
            let trace = TraceId(trace.to_be_bytes());
            prop_assert_eq!(trace.to_string().parse(), Ok(trace));
            let segment = SegmentId(segment.to_be_bytes());
            prop_assert_eq!(segment.to_string().parse(), Ok(segment));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            prop_assert!(text.parse::<TraceId>().is_err() || text.len() == 35);
            prop_assert!(text.parse::<SegmentId>().is_err() || text.len() == 16);
        }
    }
}
