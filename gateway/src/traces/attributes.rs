//! Attributes as OTLP writes them: each key once, and no more than a collector expects.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use serde_json::Value as Json;

use crate::limits;

/// The attributes of one span, event or resource.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    list: Vec<KeyValue>,
    dropped: u32,
}

impl Attributes {
    /// Adds one. The first of a key stays: what a document names itself does not replace what it means.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Text>) {
        let Text(value) = value.into();
        self.add(key, value);
    }

    /// Adds one where there is a value.
    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Into<Text>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Adds a JSON value: what is neither text, number nor truth value as JSON text, and null not at all.
    pub(super) fn put_json(&mut self, key: &str, value: &Json) {
        match value {
            Json::Null => {}
            Json::Bool(value) => self.add(key, Value::BoolValue(*value)),
            Json::String(value) => self.add(key, Value::StringValue(value.clone())),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => self.add(key, Value::IntValue(number)),
                (None, Some(number)) => self.add(key, Value::DoubleValue(number)),
                (None, None) => {}
            },
            Json::Array(_) | Json::Object(_) => self.add(key, Value::StringValue(value.to_string())),
        }
    }

    /// Adds a list of texts.
    pub(super) fn put_list(&mut self, key: &str, texts: impl Iterator<Item = String>) {
        let values = texts.map(|text| AnyValue { value: Some(Value::StringValue(text)) }).collect();
        self.add(key, Value::ArrayValue(ArrayValue { values }));
    }

    fn add(&mut self, key: &str, value: Value) {
        if key.is_empty() || self.list.iter().any(|present| present.key == key) {
            return;
        }
        if self.list.len() >= limits::TRACE_ATTRIBUTES_MAX {
            self.dropped += 1;
            return;
        }
        let value = Some(AnyValue { value: Some(value) });
        self.list.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    /// The attributes, and how many were left out.
    pub(super) fn into_parts(self) -> (Vec<KeyValue>, u32) {
        (self.list, self.dropped)
    }
}

/// A value of an attribute.
#[derive(Debug)]
pub(super) struct Text(Value);

impl From<&str> for Text {
    fn from(value: &str) -> Self {
        Self(Value::StringValue(value.to_owned()))
    }
}

impl From<&String> for Text {
    fn from(value: &String) -> Self {
        Self(Value::StringValue(value.clone()))
    }
}

impl From<String> for Text {
    fn from(value: String) -> Self {
        Self(Value::StringValue(value))
    }
}

impl From<bool> for Text {
    fn from(value: bool) -> Self {
        Self(Value::BoolValue(value))
    }
}

impl From<i64> for Text {
    fn from(value: i64) -> Self {
        Self(Value::IntValue(value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_stands_once_and_the_first_stays() {
        let mut attributes = Attributes::default();
        attributes.put("a", 1_i64);
        attributes.put_json("a", &json!("other"));
        attributes.put_json("b", &json!(null));
        attributes.put_json("c", &json!({"d": [1]}));
        let (list, dropped) = attributes.into_parts();
        let keys: Vec<&str> = list.iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!((keys, dropped), (vec!["a", "c"], 0));
        let texts = list[1].value.clone().and_then(|value| value.value);
        assert_eq!(texts, Some(Value::StringValue(r#"{"d":[1]}"#.into())));
    }

    #[test]
    fn more_than_the_bound_are_left_out_and_counted() {
        let mut attributes = Attributes::default();
        for number in 0..limits::TRACE_ATTRIBUTES_MAX + 2 {
            attributes.put(&format!("key{number}"), true);
        }
        let (list, dropped) = attributes.into_parts();
        assert_eq!((list.len(), dropped), (limits::TRACE_ATTRIBUTES_MAX, 2));
    }
}
