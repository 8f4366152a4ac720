//! A custom resource's schema, checked as the API server would, without one.
//!
//! The schema is the one that the chart ships, made from the types in `resources`. The words are those of the
//! API server where it has some. Fields that no one knows are refused, as `kubectl apply` does.

use kube_cel::{CompiledSchema, Validator, compile_schema};
use regex::Regex;
use resources::rules::Broken;
use serde_json::{Map, Value};

/// The schema of one kind.
#[derive(Debug)]
pub(crate) struct Schema {
    structure: Value,
    rules: CompiledSchema,
    validator: Validator,
}

impl Schema {
    /// The schema of the kind `K`.
    pub(crate) fn of<K: kube::CustomResourceExt>() -> Self {
        let definition = serde_json::to_value(K::crd()).unwrap_or_default();
        let schema =
            definition.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
        Self { rules: compile_schema(&schema), validator: Validator::new(), structure: schema }
    }

    /// Every rule that `manifest` breaks. Rules between fields are only asked where each field is right.
    pub(crate) fn check(&self, manifest: &Value) -> Vec<Broken> {
        let mut check = Check { path: Vec::new(), broken: Vec::new() };
        let Value::Object(fields) = manifest else {
            check.broken("must be a mapping".to_owned());
            return check.broken;
        };
        // These three are every kind's, so a schema does not list them.
        let own: Map<_, _> = fields
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        check.value(&self.structure, &Value::Object(own));
        if check.broken.is_empty() {
            check.broken = self.rules_between_fields(manifest);
        }
        check.broken
    }

    fn rules_between_fields(&self, manifest: &Value) -> Vec<Broken> {
        let Err(errors) = self.validator.validate_compiled(&self.rules, manifest, None) else {
            return Vec::new();
        };
        let broken = |error: kube_cel::ValidationError| {
            let path =
                error.field_path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            Broken { path, rule: error.message }
        };
        errors.into_vec().into_iter().map(broken).collect()
    }
}

struct Check {
    path: Vec<String>,
    broken: Vec<Broken>,
}

impl Check {
    fn broken(&mut self, rule: String) {
        self.broken.push(Broken { path: self.path.clone(), rule });
    }

    fn at(&mut self, part: String, check: impl FnOnce(&mut Self)) {
        self.path.push(part);
        check(self);
        self.path.pop();
    }

    fn value(&mut self, schema: &Value, value: &Value) {
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        if let Some(expected) = schema["type"].as_str().filter(|expected| !has_type(value, expected)) {
            return self.broken(format!("must be of type {expected}: {}", shown(value)));
        }
        if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
            let allowed: Vec<_> = allowed.iter().map(Value::to_string).collect();
            self.broken(format!("supported values: {}: {}", allowed.join(", "), shown(value)));
        }
        match value {
            Value::String(text) => self.text(schema, text),
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or_default()),
            Value::Array(items) => {
                self.size(schema, "Items", "items", items.len());
                for (index, item) in items.iter().enumerate() {
                    self.at(index.to_string(), |check| check.value(&schema["items"], item));
                }
            }
            Value::Object(fields) => self.fields(schema, fields),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, schema: &Value, text: &str) {
        self.size(schema, "Length", "characters", text.chars().count());
        let Some(pattern) = schema["pattern"].as_str() else { return };
        if Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text)) {
            self.broken(format!("should match '{pattern}': {}", shown(&Value::from(text))));
        }
    }

    fn number(&mut self, schema: &Value, number: f64) {
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            self.broken(format!(
                "should be greater than or equal to {}: {number}",
                shown_bound(&schema["minimum"])
            ));
        }
        if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            self.broken(format!(
                "should be less than or equal to {}: {number}",
                shown_bound(&schema["maximum"])
            ));
        }
    }

    fn size(&mut self, schema: &Value, what: &str, unit: &str, size: usize) {
        let bound = |name: String| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if let Some(least) = bound(format!("min{what}")).filter(|least| size < *least) {
            self.broken(format!("should have at least {least} {unit}: it has {size}"));
        }
        if let Some(most) = bound(format!("max{what}")).filter(|most| size > *most) {
            self.broken(format!("should have at most {most} {unit}: it has {size}"));
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>) {
        self.size(schema, "Properties", "fields", fields.len());
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.at(name.to_owned(), |check| check.broken("is required".to_owned()));
            }
        }
        let (known, any) = (&schema["properties"], &schema["additionalProperties"]);
        for (name, value) in fields {
            self.at(name.clone(), |check| match (known.get(name), any) {
                (Some(schema), _) => check.value(schema, value),
                (None, Value::Object(_)) => check.value(any, value),
                (None, Value::Bool(true)) => {}
                (None, _) if !known.is_object() => {}
                (None, _) => check.broken("is no field of this kind".to_owned()),
            });
        }
    }
}

fn has_type(value: &Value, expected: &str) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

/// A bound without the fraction that schemas write.
fn shown_bound(bound: &Value) -> String {
    bound.as_f64().map(|number| number.to_string()).unwrap_or_default()
}

/// A value as an error shows it: not a whole archive.
fn shown(value: &Value) -> String {
    /// Longest value in a message, in characters.
    const SHOWN_CHARS_MAX: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use resources::Function;
    use serde_json::json;

    use super::*;

    fn check(spec: &Value, path: &str, rule: &str) {
        let manifest = json!({"apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function", "metadata": {"name": "f"}, "spec": spec});
        let broken = Schema::of::<Function>().check(&manifest);
        if rule.is_empty() {
            assert_eq!(broken, []);
            return;
        }
        let found = broken.iter().any(|broken| broken.path.join(".") == path && broken.rule.contains(rule));
        assert!(found, "{path} {rule}: {broken:?}");
    }

    fn with(field: &str, value: Value) -> Value {
        let mut spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
        spec[field] = value;
        spec
    }

    #[test]
    fn each_field_has_the_api_server_s_rules() {
        check(&with("timeout", json!(900)), "", "");
        check(&with("timeout", json!(901)), "spec.timeout", "less than or equal to 900");
        check(&with("timeout", json!(0)), "spec.timeout", "greater than or equal to 1");
        check(&with("timeout", json!("3")), "spec.timeout", "of type integer");
        check(&with("handler", json!("a b")), "spec.handler", "should match");
        check(&with("idle", json!("Sleep")), "spec.idle", "supported values");
        check(&with("memory", json!(128)), "spec.memory", "no field");
        check(&json!({"runtime": "python3.11"}), "spec.code", "is required");
        check(
            &with("environment", json!({"variables": {"DEBUG": false}})),
            "spec.environment.variables.DEBUG",
            "of type string",
        );
        check(&with("architectures", json!([])), "spec.architectures", "at least 1 items");
    }

    #[test]
    fn rules_between_fields_are_those_of_the_schema() {
        check(&with("code", json!({})), "spec.code", "set exactly one of");
        check(
            &json!({"runtime": "python3.11", "code": {"inline": {"a.py": ""}}}),
            "spec.handler",
            "spec.handler is required",
        );
        check(&with("code", json!({"image": "i"})), "spec.runtime", "not both");
        check(&with("variablesFrom", json!([{}])), "spec.variablesFrom", "reserved");
    }

    #[test]
    fn names_that_lambda_reserves_are_refused_but_not_credentials() {
        let set = |name: &str| with("environment", json!({"variables": {name: "x"}}));
        let metadata = ["AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"];
        for name in ["AWS_REGION", "AWS_LAMBDA_MAX_CONCURRENCY"].into_iter().chain(metadata) {
            check(&set(name), "spec.environment.variables", "reserved by Lambda");
        }
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            check(&set(name), "", "");
        }
    }
}
