//! What an X-Ray client sends to its daemon over UDP: a line that names the format, and a document.
//!
//! ```text
//! {"format": "json", "version": 1}
//! {"name": "…", "id": "…", "trace_id": "…", …}
//! ```
//!
//! Checked as the daemon does (aws-xray-daemon, `cmd/tracing/daemon.go`): the document itself is not looked
//! into here, and nothing is ever answered.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Largest datagram that is read, in bytes; UDP over IPv4 carries 65,507.
pub const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// Why a datagram holds no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no line feed, or nothing after it.
    #[error("it has no header or no document")]
    Incomplete,
    /// The first line is not a header of this format and version.
    #[error("its header is not that of JSON, version 1")]
    Header,
}

/// The document in a datagram.
pub fn document(datagram: &[u8]) -> Result<&[u8], Rejected> {
    let end = datagram.iter().position(|byte| *byte == b'\n').ok_or(Rejected::Incomplete)?;
    let (header, rest) = datagram.split_at(end);
    let Some((_, document @ [_, ..])) = rest.split_first() else { return Err(Rejected::Incomplete) };
    match serde_json::from_slice(header) {
        Ok(Header { format, version: 1 }) if format.eq_ignore_ascii_case("json") => Ok(document),
        _ => Err(Rejected::Header),
    }
}

/// The first line. The daemon takes its names in any case, and passes over others.
#[derive(Default)]
struct Header {
    format: String,
    version: u64,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with format and version")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            if name.eq_ignore_ascii_case("format") {
                header.format = map.next_value()?;
            } else if name.eq_ignore_ascii_case("version") {
                header.version = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(datagram: &str, expected: Result<&str, Rejected>) {
        assert_eq!(document(datagram.as_bytes()), expected.map(str::as_bytes), "{datagram:?}");
    }

    #[test]
    fn what_the_daemon_takes_is_taken() {
        for header in [
            r#"{"format": "json", "version": 1}"#,
            r#"{"format":"JSON","version":1}"#,
            r#"{"Version":1,"FORMAT":"Json"}"#,
            r#" {"format":"json","version":1,"more":[{}]} "#,
            "{\"format\":\"json\",\"version\":1}\r",
        ] {
            check(&format!("{header}\n{{}}"), Ok("{}"));
            check(&format!("{header}\nno JSON\nat all"), Ok("no JSON\nat all"));
        }
    }

    #[test]
    fn what_the_daemon_rejects_is_rejected() {
        check("", Err(Rejected::Incomplete));
        check(r#"{"format":"json","version":1}"#, Err(Rejected::Incomplete));
        check("{\"format\":\"json\",\"version\":1}\n", Err(Rejected::Incomplete));
        for header in [
            "",
            "null",
            "[]",
            r#"{"format":"json"}"#,
            r#"{"version":1}"#,
            r#"{"format":"xml","version":1}"#,
            r#"{"format":"json","version":2}"#,
            r#"{"format":"json","version":1.0}"#,
            r#"{"format":"json","version":"1"}"#,
            r#"{"format":"json","version":1} more"#,
            r#"{"format":"json","version":1"#,
        ] {
            check(&format!("{header}\n{{}}"), Err(Rejected::Header));
        }
    }

    proptest! {
        #[test]
        fn a_document_comes_out_as_it_was_put_in(body in prop::collection::vec(any::<u8>(), 1..200)) {
            let datagram = [b"{\"format\": \"json\", \"version\": 1}\n", body.as_slice()].concat();
            prop_assert_eq!(document(&datagram), Ok(body.as_slice()));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            prop_assert!(document(&bytes).is_err() || bytes.contains(&b'\n'));
        }

        #[test]
        fn no_header_makes_the_reader_panic(header in "\\{[\"a-z:,0-9\\[\\]{} ]{0,60}") {
            let read = document(format!("{header}\nx").as_bytes()).map(<[u8]>::to_vec);
            prop_assert!(read == Ok(b"x".to_vec()) || read == Err(Rejected::Header));
        }
    }
}
