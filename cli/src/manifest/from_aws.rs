//! Settings that AWS writes as structures, as a manifest has them: of a function's configuration or of a template.

use serde_json::{Map, Value, json};

/// `loggingConfig`, where it says anything but AWS's default for the function `name`.
pub(crate) fn logging(config: &Value, name: &str) -> Option<Value> {
    let fields = [
        ("LogFormat", "logFormat", json!("Text")),
        ("ApplicationLogLevel", "applicationLogLevel", Value::Null),
        ("SystemLogLevel", "systemLogLevel", Value::Null),
        ("LogGroup", "logGroup", json!(format!("/aws/lambda/{name}"))),
    ];
    let said: Map<_, _> = fields
        .into_iter()
        .filter_map(|(from, to, default)| {
            let value = config.get(from).filter(|value| **value != default)?;
            Some((to.to_owned(), value.clone()))
        })
        .collect();
    (!said.is_empty()).then_some(Value::Object(said))
}

/// `scaling` for what AWS calls reserved concurrency.
pub(crate) fn scaling(reserved: Option<&Value>) -> Option<Value> {
    reserved.filter(|reserved| !reserved.is_null()).map(|reserved| json!({"maxEnvironments": reserved}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_default_is_written() {
        assert_eq!(logging(&json!({"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}), "f"), None);
        let config = json!({"LogFormat": "JSON", "SystemLogLevel": "WARN", "LogGroup": "own"});
        let expected = json!({"logFormat": "JSON", "systemLogLevel": "WARN", "logGroup": "own"});
        assert_eq!(logging(&config, "f"), Some(expected));
        assert_eq!(scaling(Some(&json!(0))), Some(json!({"maxEnvironments": 0})));
    }
}
