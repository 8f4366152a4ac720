//! The custom resource definitions as the chart ships them.
//!
//! They are written as JSON-compatible YAML (every string quoted), since a bare `no` or `on` is a boolean to
//! some readers. `UPDATE=1 cargo test -p resources` rewrites them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::function::Function;
use crate::runtime::Runtime;

/// Every definition, by its file name in the chart.
pub fn all() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![("functions.yaml", Function::crd()), ("runtimes.yaml", Runtime::crd())]
}

/// A definition as a template of the chart: kept when the chart is uninstalled, so that nothing is lost.
pub fn render(definition: &CustomResourceDefinition) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(definition)?;
    value["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let mut text = String::from("# Generated from the types in resources/; do not edit.\n");
    write_block(&mut text, &value, 0);
    Ok(text)
}

/// Writes a mapping or a list in block style, everything else as JSON, which is YAML.
fn write_block(text: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                text.extend([pad.as_str(), &json!(name).to_string(), ":"]);
                write_nested(text, field, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                text.extend([pad.as_str(), "-"]);
                write_nested(text, item, indent + 2);
            }
        }
        scalar => text.extend([pad.as_str(), &scalar.to_string(), "\n"]),
    }
}

fn write_nested(text: &mut String, value: &Value, indent: usize) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        write_block(text, value, indent);
    } else {
        text.extend([" ", &value.to_string(), "\n"]);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_chart_ships_the_definitions_of_these_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/kubelambda/templates/crds");
        for (file, definition) in all() {
            let path = folder.join(file);
            let expected = render(&definition).unwrap();
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &expected).unwrap();
            }
            let shipped = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                shipped == expected,
                "{} is out of date: run UPDATE=1 cargo test -p resources",
                path.display()
            );
        }
    }

    #[test]
    fn a_rendered_definition_is_yaml_of_the_same_value() {
        for (_, definition) in all() {
            let read: Value = serde_yaml::from_str(&render(&definition).unwrap()).unwrap();
            assert_eq!(read["spec"], serde_json::to_value(&definition).unwrap()["spec"]);
        }
    }
}
