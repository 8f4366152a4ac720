//! How much a record of a function's matters, by its own word.

use std::borrow::Cow;
use std::fmt;

use domain::log_format::Level;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The level of a record that a function wrote: its first key `level` where it is one JSON object that has one. A
/// level that is missing or unknown counts as INFO.
pub fn level_of(line: &[u8]) -> Level {
    match level_of_start(line) {
        Level::Info => Level::Info,
        told => serde_json::from_slice::<IgnoredAny>(line).map_or(Level::Info, |_| told),
    }
}

/// The same of a record of which this is only the beginning: that it goes on as JSON is taken for granted, and a key
/// `level` counts if it comes as early.
pub fn level_of_start(start: &[u8]) -> Level {
    let mut told = None;
    if start.starts_with(b"{") {
        // It ends too early, and that is no error; what was read before counts.
        drop(serde_json::Deserializer::from_slice(start).deserialize_map(Seeker(&mut told)).err());
    }
    told.unwrap_or(Level::Info)
}

/// Reads an object up to its key `level`.
struct Seeker<'a>(&'a mut Option<Level>);

impl<'de> Visitor<'de> for Seeker<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<str>>()? {
            if key == "level" {
                *self.0 = Level::of_name(&map.next_value::<Cow<str>>()?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_level_is_read_or_taken_for_info() {
        for (line, level) in [
            (r#"{"level":"ERROR","a":{"level":"DEBUG"}}"#, Level::Error),
            (r#"{"a":1,"level":"debug"}"#, Level::Debug),
            (r#"{"level":"DEBUG","level":"ERROR"}"#, Level::Debug),
            (r#"{"level":"loud"}"#, Level::Info),
            (r#"{"level":3}"#, Level::Info),
            ("ERROR", Level::Info),
            ("{broken", Level::Info),
        ] {
            assert_eq!(level_of(line.as_bytes()), level, "{line}");
            assert_eq!(level_of_start(line.as_bytes()), level, "{line}");
        }
    }

    #[test]
    fn a_level_is_read_of_a_record_that_is_cut_off() {
        for (start, level) in [
            (r#"{"timestamp":"t","level":"ERROR","message":"xxx"#, Level::Error),
            (r#"{"a":{"level":"DEBUG","b":[1,{}]},"level":"WARN""#, Level::Warn),
            (r#"{"message":"xxx","lev"#, Level::Info),
            (r#"{"message":"\"level\":\"ERROR\""#, Level::Info),
            (r#"{"level":3,"message":"xxx"#, Level::Info),
            (r#"xxx","level":"ERROR"}"#, Level::Info),
        ] {
            assert_eq!(level_of_start(start.as_bytes()), level, "{start}");
        }
    }

    #[test]
    fn a_record_that_does_not_go_on_as_json_is_none_once_that_is_known() {
        for line in [r#"{"level":"DEBUG"} tail"#, r#"{"level":"DEBUG","message":"xxx"#] {
            assert_eq!(level_of(line.as_bytes()), Level::Info, "{line}");
            assert_eq!(level_of_start(line.as_bytes()), Level::Debug, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_json_is_of_one_level_whole_and_begun(
            before in "(\"[ab]\":[0-9],){0,2}", level in "[A-Z]{4,5}|DEBUG|ERROR", after in "\\PC{0,20}",
        ) {
            let after = serde_json::Value::from(after);
            let whole = format!(r#"{{{before}"level":"{level}","message":{after}}}"#);
            let begun = &whole.as_bytes()[..whole.len() - 2];
            prop_assert_eq!(level_of(whole.as_bytes()), level_of_start(begun));
        }

        #[test]
        fn no_record_makes_the_reader_panic(line in "\\{\"(level\":)?\\PC{0,40}") {
            level_of(line.as_bytes());
            level_of_start(line.as_bytes());
        }
    }
}
