//! Plain scalars as YAML 1.1 tells them apart, which is how `kubectl` and SAM do.

use serde_json::{Number, Value};

/// Words that are booleans where they are not quoted.
const TRUE: [&str; 11] = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
const FALSE: [&str; 11] = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
const NULL: [&str; 5] = ["", "~", "null", "Null", "NULL"];

/// The value of an unquoted scalar.
pub(super) fn plain(text: &str) -> Value {
    if NULL.contains(&text) {
        return Value::Null;
    }
    if TRUE.contains(&text) {
        return Value::Bool(true);
    }
    if FALSE.contains(&text) {
        return Value::Bool(false);
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    integer(text, unsigned).or_else(|| float(unsigned, text))
}

fn integer(text: &str, unsigned: &str) -> Option<Number> {
    let digits = unsigned.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (&digits[2..], 16),
        Some("0b" | "0B") => (&digits[2..], 2),
        Some("0o" | "0O") => (&digits[2..], 8),
        Some(two) if two.starts_with('0') && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) => {
            (&digits[1..], 8)
        }
        _ => (digits.as_str(), 10),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    if text.starts_with('-') {
        return i64::from_str_radix(&format!("-{digits}"), radix).ok().map(Number::from);
    }
    u64::from_str_radix(digits, radix).ok().map(Number::from)
}

fn float(unsigned: &str, text: &str) -> Option<Number> {
    let is_float = unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_float {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}

/// True for a text that, unquoted, would be read as this very text.
pub(super) fn stays_text(text: &str) -> bool {
    let plain_start = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let plain_rest =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'));
    plain_start && plain_rest && plain(text) == text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_told_apart_as_by_kubectl() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("~", json!(null)),
            ("128", json!(128)),
            ("-3", json!(-3)),
            ("0x1F", json!(31)),
            ("0755", json!(493)),
            ("089", json!(89)),
            ("1e3", json!(1000.0)),
            ("1.0", json!(1.0)),
            ("3.13.1", json!("3.13.1")),
            ("2010-09-09", json!("2010-09-09")),
            ("python3.13", json!("python3.13")),
            ("-", json!("-")),
            ("yes!", json!("yes!")),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
