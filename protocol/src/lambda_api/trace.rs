//! `X-Amzn-Trace-Id`: kept as the caller sent it, completed where it lacks what X-Ray clients insist on.
//!
//! A client library reads a trace only where `Root`, `Parent` and `Sampled` are all there, so each that is
//! missing or empty is added, with `Sampled=0`, and each is there once, so that all read the same trace; unknown keys
//! are kept and forwarded. Where the platform traces a function
//! itself, it puts its own decision and its own segment in the place of `Sampled` and `Parent`.
//!
//! No header makes a request fail, as tracing is never what a caller asks for. A `Root` that is none is replaced by that
//! of a new trace, which the caller's decision holds for. Of a header that is too long, or not visible ASCII, only what
//! X-Ray clients insist on is kept, as far as it is well formed.

use std::borrow::Cow;

use crate::xray::{SegmentId, TraceId};

/// What X-Ray clients insist on.
const KEYS: [&str; 3] = ["Root", "Parent", "Sampled"];
/// Longest trace header of which everything is kept, in bytes.
pub const TRACE_HEADER_BYTES_MAX: usize = 1_024;

/// What a new trace is made from: a reading of the clock and random bytes, both the caller's.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// Seconds since the epoch.
    pub epoch_seconds: u64,
    /// 20 random bytes: 12 for the root, 8 for the parent.
    pub random: [u8; 20],
}

impl Seed {
    fn root(self) -> String {
        let [root @ .., _, _, _, _, _, _, _, _] = &self.random;
        format!("1-{:08x}-{}", self.epoch_seconds & 0xffff_ffff, domain::hex::encode(root))
    }

    fn parent(self) -> String {
        let [_, _, _, _, _, _, _, _, _, _, _, _, parent @ ..] = &self.random;
        domain::hex::encode(parent)
    }
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
    /// Takes over `header`, where the caller sent one, and adds what is missing.
    pub fn complete(header: Option<&[u8]>, seed: Seed) -> Self {
        let received = header.map(usable).unwrap_or_default();
        let root = field(&received, "Root").filter(|root| root.parse::<TraceId>().is_ok());
        let mut text = String::new();
        if root.is_none() {
            append(&mut text, &format!("Root={}", seed.root()));
        }
        append(&mut text, told_once(&received, root.is_some()).trim_matches([';', ' ']));
        if field(&received, "Parent").is_none() {
            append(&mut text, &format!("Parent={}", seed.parent()));
        }
        if field(&received, "Sampled").is_none() {
            append(&mut text, "Sampled=0");
        }
        // A parent is a segment of its trace, and of no other.
        let parent = root.and_then(|_| field(&received, "Parent")).and_then(|parent| parent.parse().ok());
        let sampled = match field(&received, "Sampled") {
            Some("0") => Some(false),
            Some("1") => Some(true),
            _ => None,
        };
        Self { text, upstream: Upstream { parent, sampled } }
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

/// What of a header may be handed on: all of it, or of [`KEYS`] what has the form of its key.
fn usable(header: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(header);
    let visible = header.iter().all(|byte| (b' '..=b'~').contains(byte));
    if visible && header.len() <= TRACE_HEADER_BYTES_MAX {
        return text;
    }
    let part = |key: &&str| {
        let value = field(&text, key)?;
        let is_one = match *key {
            "Root" => value.parse::<TraceId>().is_ok(),
            "Parent" => value.parse::<SegmentId>().is_ok(),
            _ => ["0", "1", "?"].contains(&value),
        };
        is_one.then(|| format!("{key}={value}"))
    };
    KEYS.iter().filter_map(part).collect::<Vec<_>>().join(";").into()
}

/// A header without parts that nobody may read: of each of [`KEYS`] the first with a value stays, of `Root` none
/// where it is none.
fn told_once(header: &str, has_root: bool) -> String {
    let mut seen = [!has_root, false, false];
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

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    const PARENT: &str = "Parent=abababababababab";

    fn complete(header: &[u8]) -> TraceHeader {
        TraceHeader::complete(Some(header), SEED)
    }

    fn check(header: &str, expected: &str) {
        assert_eq!(complete(header.as_bytes()).as_str(), expected, "{header}");
    }

    #[test]
    fn what_is_missing_is_added_and_the_rest_is_kept() {
        let made = format!("{NEW_ROOT};{PARENT};Sampled=0");
        assert_eq!(TraceHeader::complete(None, SEED).as_str(), made);
        check("", &made);
        check(ROOT, &format!("{ROOT};{PARENT};Sampled=0"));
        check("Self=x;Sampled=1", &format!("{NEW_ROOT};Self=x;Sampled=1;{PARENT}"));
        let whole = format!("{ROOT};Parent=c;Sampled=1;Lineage=1:2:3");
        check(&whole, &whole);
    }

    #[test]
    fn an_empty_value_is_none_and_the_first_of_several_counts() {
        check("Root=;Sampled=1", &format!("{NEW_ROOT};Sampled=1;{PARENT}"));
        check("Root= ;Parent=;Sampled=;Self=;x", &format!("{NEW_ROOT};Self=;x;{PARENT};Sampled=0"));
        check(&format!("root=;{ROOT};Root=1-c-d"), &format!("{ROOT};{PARENT};Sampled=0"));
        check(&format!("{ROOT}; Sampled=0;Parent=c;sampled=1"), &format!("{ROOT}; Sampled=0;Parent=c"));
    }

    #[test]
    fn a_root_that_is_none_is_replaced_and_the_caller_s_decision_holds() {
        for root in
            ["garbage", "1-a-b", "2-5759e988-bd862e3fe1be46a994272793", "1-00000000-000000000000000000000000"]
        {
            for sampled in ["0", "1"] {
                let rest = format!("Parent=53995c3f42cd8ad8;Sampled={sampled};Lineage=1:2:3");
                let trace = complete(format!("Root={root};{rest};{ROOT}").as_bytes());
                assert_eq!(trace.as_str(), format!("{NEW_ROOT};{rest}"), "{root}");
                // The segment is one of another trace.
                assert_eq!(trace.upstream(), Upstream { parent: None, sampled: Some(sampled == "1") });
            }
        }
    }

    #[test]
    fn of_what_is_too_long_or_not_visible_only_what_is_well_formed_is_kept() {
        let known = format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
        let long = "x".repeat(TRACE_HEADER_BYTES_MAX);
        for odd in ["Lineage=\t", "Self=1\r\nX: y", "a\0", "Self=ü", &format!("Self={long}")] {
            check(&format!("{odd};{known};{odd}"), &known);
            check(
                &format!("Root={odd};Parent={odd};Sampled={odd}"),
                &format!("{NEW_ROOT};{PARENT};Sampled=0"),
            );
        }
        assert_eq!(complete(b"\xff;Sampled=0;Parent=c").as_str(), format!("{NEW_ROOT};Sampled=0;{PARENT}"));
        let longest = format!("{known};Self={}", &long[..TRACE_HEADER_BYTES_MAX - known.len() - 6]);
        assert_eq!(longest.len(), TRACE_HEADER_BYTES_MAX);
        check(&longest, &longest);
        check(&format!("{longest}x"), &known);
    }

    #[test]
    fn the_answer_names_root_and_sampling() {
        let trace = complete(format!("{ROOT};Parent=c;Sampled=1").as_bytes());
        assert_eq!(trace.for_answer(), format!("{};sampled=1", ROOT.replace('R', "r")));
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
    fn what_the_caller_said_is_remembered() {
        let said = |header: &str| complete(format!("{ROOT};{header}").as_bytes()).upstream();
        let parent = "53995c3f42cd8ad8".parse().ok();
        assert_eq!(said("Sampled=1;Parent=53995c3f42cd8ad8"), Upstream { parent, sampled: Some(true) });
        assert_eq!(said("Sampled=0;Parent=c"), Upstream { parent: None, sampled: Some(false) });
        assert_eq!(said("Sampled=?"), Upstream::default());
        assert_eq!(said(""), Upstream::default());
        assert_eq!(complete(b"Parent=53995c3f42cd8ad8").upstream(), Upstream::default(), "of which trace?");
    }

    #[test]
    fn the_platform_s_decision_and_segment_take_their_places_and_the_rest_is_kept() {
        let header = format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=?;Lineage=1:2dbc7f9c:0;Self=x");
        let trace = complete(header.as_bytes());
        let segment = "00f067aa0ba902b7".parse().ok();
        assert_eq!(
            trace.decided(true, segment).as_str(),
            format!("{ROOT};Parent=00f067aa0ba902b7;Sampled=1;Lineage=1:2dbc7f9c:0;Self=x")
        );
        assert_eq!(trace.decided(false, None).as_str(), header.replace('?', "0"));
        let root = |trace: &TraceHeader| trace.trace_id().map(|id| format!("Root={id}"));
        assert_eq!(root(&trace).as_deref(), Some(ROOT));
        assert_eq!(root(&TraceHeader::complete(None, SEED)).as_deref(), Some(NEW_ROOT));
    }

    proptest! {
        #[test]
        fn every_decided_header_says_so(header in header(), sampled: bool) {
            let trace = complete(&header);
            let decided = trace.decided(sampled, "53995c3f42cd8ad8".parse().ok());
            prop_assert_eq!(field(decided.as_str(), "Sampled"), Some(if sampled { "1" } else { "0" }));
            prop_assert_eq!(field(decided.as_str(), "Parent"), Some("53995c3f42cd8ad8"));
            prop_assert_eq!(field(decided.as_str(), "Root"), field(trace.as_str(), "Root"));
        }

        #[test]
        fn every_header_is_visible_and_has_all_three_keys_once(header in header()) {
            let trace = complete(&header);
            prop_assert!(trace.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(trace.as_str().len() <= TRACE_HEADER_BYTES_MAX + 100);
            prop_assert!(trace.trace_id().is_some(), "{}", trace.as_str());
            for key in KEYS {
                let named = |part: &&str| {
                    part.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(key))
                };
                prop_assert_eq!(trace.as_str().split(';').filter(named).count(), 1, "{}", trace.as_str());
                prop_assert!(field(trace.as_str(), key).is_some(), "{}", trace.as_str());
            }
        }

        #[test]
        fn what_the_caller_said_stays_what_it_was(parts in almost(), root: bool) {
            let header = if root { format!("{ROOT};{parts}") } else { parts };
            let trace = complete(header.as_bytes());
            for key in &KEYS[usize::from(!root)..] {
                prop_assert!([None, field(trace.as_str(), key)].contains(&field(&header, key)));
            }
        }

        #[test]
        fn what_is_complete_stays_as_it_is(header in header()) {
            let trace = complete(&header);
            if trace.as_str().len() <= TRACE_HEADER_BYTES_MAX {
                let again = complete(trace.as_str().as_bytes());
                prop_assert_eq!(again.as_str(), trace.as_str());
            }
        }
    }

    /// Anything, and what is almost a header of X-Ray's.
    fn header() -> impl Strategy<Value = Vec<u8>> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..80);
        let long =
            (almost(), 0..1_100_usize).prop_map(|(parts, more)| format!("{parts};Self={}", "x".repeat(more)));
        prop_oneof![bytes, "\\PC{0,80}".prop_map(String::into_bytes), long.prop_map(String::into_bytes)]
    }

    fn almost() -> impl Strategy<Value = String> {
        let parts = "([Rr]oot|[Pp]arent|[Ss]ampled|Self|Lineage|) ?=?[01a ]{0,2}";
        proptest::collection::vec(parts, 0..7).prop_map(|parts| parts.join(";"))
    }
}
