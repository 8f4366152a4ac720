//! `X-Amzn-Trace-Id`: kept as the caller sent it, completed where it lacks what X-Ray clients insist on.
//!
//! A client library reads a trace only where `Root`, `Parent` and `Sampled` are all there, so each that is
//! missing or empty is added, with `Sampled=0`, and each is there once, so that all read the same trace; unknown keys
//! are kept and forwarded. Where the platform traces a function
//! itself, it puts its own decision and its own segment in the place of `Sampled` and `Parent`.

use super::errors::ServiceError;
use crate::xray::{SegmentId, TraceId};

/// What X-Ray clients insist on.
const KEYS: [&str; 3] = ["Root", "Parent", "Sampled"];
/// Longest trace header, in bytes.
pub const TRACE_HEADER_BYTES_MAX: usize = 1_024;

/// What a new trace is made from: a reading of the clock and random bytes, both the caller's.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// Seconds since the epoch.
    pub epoch_seconds: u64,
    /// 20 random bytes: 12 for the root, 8 for the parent.
    pub random: [u8; 20],
}

/// The trace header that the function gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader {
    text: String,
    upstream: Upstream,
}

/// What the caller said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The segment that the invocation is part of.
    pub parent: Option<SegmentId>,
    /// Its decision; none where it has no `Sampled`, or leaves it open with `?`.
    pub sampled: Option<bool>,
}

impl TraceHeader {
    /// Checks `header`, where the caller sent one, and adds what is missing.
    pub fn complete(header: Option<&[u8]>, seed: Seed) -> Result<Self, ServiceError> {
        let received = header.map(check).transpose()?.unwrap_or_default();
        let [root @ .., _, _, _, _, _, _, _, _] = &seed.random;
        let [_, _, _, _, _, _, _, _, _, _, _, _, parent @ ..] = &seed.random;
        let mut text = String::new();
        if field(received, "Root").is_none() {
            let seconds = seed.epoch_seconds & 0xffff_ffff;
            append(&mut text, &format!("Root=1-{seconds:08x}-{}", domain::hex::encode(root)));
        }
        append(&mut text, told_once(received).trim_matches([';', ' ']));
        if field(received, "Parent").is_none() {
            append(&mut text, &format!("Parent={}", domain::hex::encode(parent)));
        }
        if field(received, "Sampled").is_none() {
            append(&mut text, "Sampled=0");
        }
        let parent = field(received, "Parent").and_then(|parent| parent.parse().ok());
        let sampled = match field(received, "Sampled") {
            Some("0") => Some(false),
            Some("1") => Some(true),
            _ => None,
        };
        Ok(Self { text, upstream: Upstream { parent, sampled } })
    }

    /// The header's value for the function.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trace; none where `Root` is no id of X-Ray's.
    pub fn trace_id(&self) -> Option<TraceId> {
        field(&self.text, "Root")?.parse().ok()
    }

    /// What the caller said.
    pub fn upstream(&self) -> Upstream {
        self.upstream
    }

    /// The header with the platform's decision, and with its segment as the parent where there is one; everything
    /// else, such as `Lineage`, is kept.
    #[must_use]
    pub fn decided(&self, sampled: bool, parent: Option<SegmentId>) -> Self {
        let (sampled, parent) = (u8::from(sampled).to_string(), parent.map(|parent| parent.to_string()));
        let part = |part: &str| match (part.split('=').next().unwrap_or_default().trim(), &parent) {
            (key, _) if key.eq_ignore_ascii_case("Sampled") => format!("{key}={sampled}"),
            (key, Some(parent)) if key.eq_ignore_ascii_case("Parent") => format!("{key}={parent}"),
            _ => part.to_owned(),
        };
        let parts: Vec<String> = self.text.split(';').map(part).collect();
        Self { text: parts.join(";"), upstream: self.upstream }
    }

    /// The value on the answer: root and sampling, with keys in lower case as AWS writes them there.
    pub fn for_answer(&self) -> String {
        let value = |key| field(&self.text, key).unwrap_or_default();
        format!("root={};sampled={}", value("Root"), value("Sampled"))
    }
}

fn check(header: &[u8]) -> Result<&str, ServiceError> {
    let visible = header.iter().all(|byte| (b' '..=b'~').contains(byte));
    match std::str::from_utf8(header) {
        Ok(text) if visible && header.len() <= TRACE_HEADER_BYTES_MAX => Ok(text),
        _ => {
            let shown =
                String::from_utf8_lossy(header.get(..64).unwrap_or(header)).escape_debug().to_string();
            let constraint = format!(
                "Member must be visible ASCII of length less than or equal to {TRACE_HEADER_BYTES_MAX}"
            );
            Err(ServiceError::validation(&shown, "traceId", &constraint))
        }
    }
}

/// A header without parts that nobody may read: of each of [`KEYS`] the first with a value stays.
fn told_once(header: &str) -> String {
    let mut seen = [false; KEYS.len()];
    let mut first = |part: &&str| {
        let Some((name, value)) = part.split_once('=') else { return true };
        let known = KEYS.iter().position(|key| name.trim().eq_ignore_ascii_case(key));
        let Some(seen) = known.and_then(|key| seen.get_mut(key)) else { return true };
        !value.trim().is_empty() && !std::mem::replace(seen, true)
    };
    header.split(';').filter(|part| first(part)).collect::<Vec<_>>().join(";")
}

/// The value of `key` in a trace header, where it has one.
pub fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    let of_key = |(name, _): &(&str, &str)| name.trim().eq_ignore_ascii_case(key);
    pairs.filter(of_key).map(|(_, value)| value.trim()).find(|value| !value.is_empty())
}

/// What a sampled trace header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampled<'a> {
    /// The trace.
    pub root: &'a str,
    /// The segment that whatever comes next belongs to.
    pub parent: Option<&'a str>,
}

/// What `header` names, if its trace is sampled.
pub fn sampled(header: &str) -> Option<Sampled<'_>> {
    field(header, "Sampled").filter(|sampled| *sampled == "1")?;
    Some(Sampled { root: field(header, "Root")?, parent: field(header, "Parent") })
}

fn append(text: &mut String, part: &str) {
    if !text.is_empty() && !part.is_empty() {
        text.push(';');
    }
    text.push_str(part);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: Seed = Seed { epoch_seconds: 0x6543_2100, random: [0xab; 20] };
    const NEW_ROOT: &str = "Root=1-65432100-abababababababababababab";

    fn check(header: Option<&str>, expected: &str) {
        let trace = TraceHeader::complete(header.map(str::as_bytes), SEED).unwrap();
        assert_eq!(trace.as_str(), expected);
    }

    #[test]
    fn what_is_missing_is_added_and_the_rest_is_kept() {
        let parent = "Parent=abababababababab";
        check(None, &format!("{NEW_ROOT};{parent};Sampled=0"));
        check(Some(""), &format!("{NEW_ROOT};{parent};Sampled=0"));
        check(Some("Root=1-a-b"), &format!("Root=1-a-b;{parent};Sampled=0"));
        check(Some("Self=x;Sampled=1"), &format!("{NEW_ROOT};Self=x;Sampled=1;{parent}"));
        let complete = "Root=1-a-b;Parent=c;Sampled=1;Lineage=1:2:3";
        check(Some(complete), complete);
    }

    #[test]
    fn an_empty_value_is_none_and_the_first_of_several_counts() {
        let parent = "Parent=abababababababab";
        check(Some("Root=;Sampled=1"), &format!("{NEW_ROOT};Sampled=1;{parent}"));
        check(Some("Root= ;Parent=;Sampled=;Self=;x"), &format!("{NEW_ROOT};Self=;x;{parent};Sampled=0"));
        check(Some("root=;Root=1-a-b;Root=1-c-d"), &format!("Root=1-a-b;{parent};Sampled=0"));
        check(Some("Root=1-a-b; Sampled=0;Parent=c;sampled=1"), "Root=1-a-b; Sampled=0;Parent=c");
    }

    #[test]
    fn the_answer_names_root_and_sampling() {
        let trace = TraceHeader::complete(Some(b"Root=1-a-b;Parent=c;Sampled=1"), SEED).unwrap();
        assert_eq!(trace.for_answer(), "root=1-a-b;sampled=1");
    }

    #[test]
    fn only_a_sampled_header_names_a_trace() {
        let named = Some(Sampled { root: "1-a-b", parent: Some("c") });
        assert_eq!(sampled("Root=1-a-b;Parent=c;Sampled=1;Lineage=d"), named);
        assert_eq!(sampled("Root=1-a-b;Sampled=1"), Some(Sampled { root: "1-a-b", parent: None }));
        for header in
            ["", "Root=1-a-b;Parent=c", "Root=1-a-b;Parent=c;Sampled=0", "Root=a;Sampled=10", "Sampled=1"]
        {
            assert_eq!(sampled(header), None, "{header}");
        }
    }

    #[test]
    fn line_breaks_and_overlong_headers_are_refused() {
        for header in [&b"Root=1\r\nX: y"[..], b"a\0", b"a\tb", b"\xff", &[b'a'; TRACE_HEADER_BYTES_MAX + 1]]
        {
            assert!(TraceHeader::complete(Some(header), SEED).is_err());
        }
        assert!(TraceHeader::complete(Some(&[b'a'; TRACE_HEADER_BYTES_MAX]), SEED).is_ok());
    }

    #[test]
    fn what_the_caller_said_is_remembered() {
        let said = |header: &str| TraceHeader::complete(Some(header.as_bytes()), SEED).unwrap().upstream();
        let parent = "53995c3f42cd8ad8".parse().ok();
        assert_eq!(said("Sampled=1;Parent=53995c3f42cd8ad8"), Upstream { parent, sampled: Some(true) });
        assert_eq!(said("Sampled=0;Parent=c"), Upstream { parent: None, sampled: Some(false) });
        assert_eq!(said("Sampled=?"), Upstream::default());
        assert_eq!(said(""), Upstream::default());
    }

    #[test]
    fn the_platform_s_decision_and_segment_take_their_places_and_the_rest_is_kept() {
        let header = "Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=?;Lineage=1:2dbc7f9c:0;Self=x";
        let trace = TraceHeader::complete(Some(header.as_bytes()), SEED).unwrap();
        let segment = "00f067aa0ba902b7".parse().ok();
        assert_eq!(
            trace.decided(true, segment).as_str(),
            "Root=1-a-b;Parent=00f067aa0ba902b7;Sampled=1;Lineage=1:2dbc7f9c:0;Self=x"
        );
        assert_eq!(trace.decided(false, None).as_str(), header.replace('?', "0"));
        let made = TraceHeader::complete(None, SEED).unwrap();
        assert_eq!(made.trace_id().map(|id| id.to_string()).as_deref(), NEW_ROOT.strip_prefix("Root="));
        assert_eq!(trace.trace_id(), None, "1-a-b is none");
    }

    proptest! {
        #[test]
        fn every_decided_header_says_so(header in header(), sampled: bool) {
            if let Ok(trace) = TraceHeader::complete(Some(header.as_bytes()), SEED) {
                let decided = trace.decided(sampled, "53995c3f42cd8ad8".parse().ok());
                prop_assert_eq!(field(decided.as_str(), "Sampled"), Some(if sampled { "1" } else { "0" }));
                prop_assert_eq!(field(decided.as_str(), "Parent"), Some("53995c3f42cd8ad8"));
                prop_assert_eq!(field(decided.as_str(), "Root"), field(trace.as_str(), "Root"));
            }
        }

        #[test]
        fn every_accepted_header_has_all_three_keys_once(header in header()) {
            if let Ok(trace) = TraceHeader::complete(Some(header.as_bytes()), SEED) {
                for key in KEYS {
                    let named = |part: &&str| {
                        part.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(key))
                    };
                    prop_assert_eq!(trace.as_str().split(';').filter(named).count(), 1, "{}", trace.as_str());
                    prop_assert!(field(trace.as_str(), key).is_some(), "{}", trace.as_str());
                    // What the caller said stays what it was.
                    prop_assert!([None, field(trace.as_str(), key)].contains(&field(&header, key)));
                }
            }
        }

        #[test]
        fn what_is_complete_stays_as_it_is(header in header()) {
            if let Ok(trace) = TraceHeader::complete(Some(header.as_bytes()), SEED) {
                let again = TraceHeader::complete(Some(trace.as_str().as_bytes()), SEED).unwrap();
                prop_assert_eq!(again.as_str(), trace.as_str());
            }
        }
    }

    /// Anything, and what is almost a header of X-Ray's.
    fn header() -> impl Strategy<Value = String> {
        let parts = "([Rr]oot|[Pp]arent|[Ss]ampled|Self|Lineage|) ?=?[01a ]{0,2}";
        let almost = proptest::collection::vec(parts, 0..7).prop_map(|parts| parts.join(";"));
        prop_oneof!["\\PC{0,80}", almost]
    }
}
