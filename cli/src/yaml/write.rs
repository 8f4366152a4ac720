//! YAML that every reader takes for the same values.
//!
//! `yaml_serde` writes `no` and `on` without quotes, which Kubernetes reads as booleans. Here a text is written
//! bare only where it cannot be anything else, and as a JSON string, which is YAML, everywhere else.

use serde_json::Value;

use super::scalar::stays_text;

/// The value as a block of YAML, ended by a newline.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                text.extend([&pad, &scalar(name), ":"]);
                nested(text, field, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.extend([&pad, "-"]);
                nested(text, item, indent + 2);
            }
        }
        Value::String(words) => text.extend([pad, scalar(words), "\n".to_owned()]),
        other => text.extend([pad, other.to_string(), "\n".to_owned()]),
    }
}

fn nested(text: &mut String, value: &Value, indent: usize) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        block(text, value, indent);
    } else {
        text.push(' ');
        block(text, value, 0);
    }
}

fn scalar(text: &str) -> String {
    if stays_text(text) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    for character in Value::from(text).to_string().chars() {
        // What JSON may write as it is and YAML may not.
        if matches!(
            character,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ) {
            quoted.extend([r"\u", &format!("{:04x}", u32::from(character))]);
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_are_not_texts_are_quoted() {
        let written =
            write(&json!({"no": "on", "name": "my-function", "size": 128, "empty": {}, "list": ["1", ""]}));
        assert_eq!(
            written,
            "empty: {}\nlist:\n  - \"1\"\n  - \"\"\nname: my-function\n\"no\": \"on\"\nsize: 128\n"
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let word = prop_oneof!["\\PC{0,12}", "(yes|no|on|off|null|~|1e3|0x1f|-|y)", "[ -~\\n\\t]{0,12}"];
        let leaf =
            prop_oneof![word.prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("(\\PC{1,8}|no|on|1)", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_kinds_of_readers_read_what_was_written(value in values()) {
            let written = write(&value);
            let read = super::super::read(&written).unwrap();
            prop_assert_eq!(read[0].to_json(), value.clone(), "{}", written);
            let newer: Value = serde_yaml::from_str(&written).unwrap();
            prop_assert_eq!(newer, value, "{}", written);
        }
    }
}
