//! `X-Amzn-Trace-Id`: kept as the caller sent it, completed where it lacks what X-Ray clients insist on.
//!
//! A client library reads a trace only where `Root`, `Parent` and `Sampled` are all there, so each that is
//! missing is added, with `Sampled=0`; unknown keys are kept and forwarded.

use super::errors::ServiceError;

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
pub struct TraceHeader(String);

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
        append(&mut text, received.trim_matches([';', ' ']));
        if field(received, "Parent").is_none() {
            append(&mut text, &format!("Parent={}", domain::hex::encode(parent)));
        }
        if field(received, "Sampled").is_none() {
            append(&mut text, "Sampled=0");
        }
        Ok(Self(text))
    }

    /// The header's value for the function.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value on the answer: root and sampling, with keys in lower case as AWS writes them there.
    pub fn for_answer(&self) -> String {
        let value = |key| field(&self.0, key).unwrap_or_default();
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

    proptest! {
        #[test]
        fn every_accepted_header_has_all_three_keys(header in "\\PC{0,80}") {
            if let Ok(trace) = TraceHeader::complete(Some(header.as_bytes()), SEED) {
                for key in ["Root", "Parent", "Sampled"] {
                    prop_assert!(field(trace.as_str(), key).is_some(), "{}", trace.as_str());
                }
            }
        }
    }
}
