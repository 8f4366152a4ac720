//! From a template's function to a Function with its code beside it.

use std::path::PathBuf;

use resources::Function;
use resources::rules::{self, Broken};
use serde_json::{Map, Value, json};

use super::scope::{Unresolved, text_of};
use super::template::{Template, Wrong, wrong};
use crate::manifest::{Schemas, from_aws};
use crate::project::{LocalCode, LocalFunction};
use crate::yaml::{Content, Node};

/// Properties and the fields of a Function that they become.
const FIELDS: [(&str, &str); 6] = [
    ("Runtime", "runtime"),
    ("Handler", "handler"),
    ("MemorySize", "memorySize"),
    ("Timeout", "timeout"),
    ("Description", "description"),
    ("Architectures", "architectures"),
];

/// What became of a function.
pub(super) enum Read {
    /// It can be served; and what is worth knowing.
    Function(Box<LocalFunction>, Vec<String>),
    /// It cannot, for this reason.
    PassedOver(String),
}

impl Template<'_> {
    pub(super) fn function(&self, schemas: &Schemas, logical: &str, resource: &Node) -> Result<Read, Wrong> {
        if self.value(resource, "PackageType")? == "Image" {
            return Ok(Read::PassedOver(
                "its code is an image, which is started itself, with `kubelambda emulate` as its entry point"
                    .to_owned(),
            ));
        }
        let (code, inline) = match self.code(resource)? {
            Code::At(code) => (code, None),
            Code::Text(text) => (LocalCode::Manifest, Some(text)),
            Code::Elsewhere => {
                return Ok(Read::PassedOver(
                    "its code is in S3; local mode takes a folder or a zip file".to_owned(),
                ));
            }
        };
        let (layers, mut notes) = self.layers(logical, resource)?;
        let mut spec = self.spec(logical, resource, inline)?;
        notes.extend(self.logging(logical, resource, &mut spec));
        let manifest = json!({
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": logical.to_ascii_lowercase()}, "spec": spec,
        });
        let broken = schemas.function_rules(&manifest);
        if !broken.is_empty() {
            return Err(at_properties(resource, broken));
        }
        let mut function: Function =
            serde_json::from_value(manifest).map_err(|error| wrong("", resource, error.to_string()))?;
        rules::check(&function.spec).map_err(|broken| at_properties(resource, broken))?;
        if code != LocalCode::Manifest {
            function.spec.code = resources::function::FunctionCode::default();
        }
        let local = LocalFunction { function, code, layers, source: PathBuf::new() };
        Ok(Read::Function(Box::new(local), notes))
    }

    /// The AWS name of a function, as far as it can be read.
    pub(super) fn name(&self, logical: &str, resource: &Node) -> String {
        let set = self.value(resource, "FunctionName").ok();
        set.as_ref().and_then(Value::as_str).unwrap_or(logical).to_owned()
    }

    /// The spec as a manifest would have it; code that lies beside the template is stood in for by a file.
    fn spec(
        &self,
        logical: &str,
        resource: &Node,
        inline: Option<String>,
    ) -> Result<Map<String, Value>, Wrong> {
        let mut spec = Map::new();
        for (property, field) in FIELDS {
            let value = self.value(resource, property)?;
            if !value.is_null() {
                spec.insert(field.to_owned(), as_number(field, value));
            }
        }
        let name = self.value(resource, "FunctionName")?;
        spec.insert("functionName".to_owned(), if name.is_null() { logical.into() } else { name });
        let variables = self.variables(resource)?;
        if !variables.is_empty() {
            spec.insert("environment".to_owned(), json!({"variables": variables}));
        }
        let storage = self.value(resource, "EphemeralStorage")?;
        if let Some(size) = storage.get("Size") {
            spec.insert("ephemeralStorage".to_owned(), as_number("ephemeralStorage", size.clone()));
        }
        let mode = self.tracing(resource)?;
        if !mode.is_null() {
            spec.insert("tracingConfig".to_owned(), json!({"mode": mode}));
        }
        if let Some(mode) = self.value(resource, "TenancyConfig")?.get("TenantIsolationMode") {
            spec.insert("tenancyConfig".to_owned(), json!({"tenantIsolationMode": mode}));
        }
        let reserved = as_number("scaling", self.value(resource, "ReservedConcurrentExecutions")?);
        if let Some(scaling) = from_aws::scaling(Some(&reserved)) {
            spec.insert("scaling".to_owned(), scaling);
        }
        let file = match spec.get("runtime").and_then(Value::as_str) {
            Some(runtime) if runtime.starts_with("nodejs") => "index.js",
            _ => "index.py",
        };
        spec.insert("code".to_owned(), json!({"inline": {file: inline.unwrap_or_default()}}));
        Ok(spec)
    }

    /// `Tracing` of SAM, or `TracingConfig.Mode` of CloudFormation; null where neither is set or nothing is traced.
    fn tracing(&self, resource: &Node) -> Result<Value, Wrong> {
        let mode = match self.value(resource, "Tracing")? {
            Value::Null => self.value(resource, "TracingConfig")?.get("Mode").cloned().unwrap_or_default(),
            mode => mode,
        };
        Ok(if mode == "Disabled" { Value::Null } else { mode })
    }

    fn variables(&self, resource: &Node) -> Result<Map<String, Value>, Wrong> {
        let mut variables = Map::new();
        let mut all_wrong = Vec::new();
        for environment in self.both(resource, "Environment").into_iter().flatten() {
            let Some(Node { content: Content::Map(fields), .. }) = environment.get("Variables") else {
                continue;
            };
            for (name, _, node) in fields {
                match self.scope.value(node) {
                    Ok(Value::Null) => {}
                    // CloudFormation makes a text of every scalar.
                    Ok(value) => drop(variables.insert(name.clone(), Value::from(text_of(&value)))),
                    Err(error) => all_wrong.push((format!("Environment.Variables.{name}"), error)),
                }
            }
        }
        if all_wrong.is_empty() { Ok(variables) } else { Err(all_wrong) }
    }

    fn code(&self, resource: &Node) -> Result<Code, Wrong> {
        let inline = self.value(resource, "InlineCode")?;
        if let Value::String(text) = inline {
            return Ok(Code::Text(text));
        }
        for property in ["CodeUri", "Code"] {
            match self.value(resource, property)? {
                Value::Null => {}
                Value::String(uri) if !uri.contains("://") => {
                    return self.at(&uri).map(Code::At).map_err(|message| wrong(property, resource, message));
                }
                other => match other.get("ZipFile").and_then(Value::as_str) {
                    Some(text) => return Ok(Code::Text(text.to_owned())),
                    None => return Ok(Code::Elsewhere),
                },
            }
        }
        self.at(".").map(Code::At).map_err(|message| wrong("CodeUri", resource, message))
    }
}

enum Code {
    At(LocalCode),
    Text(String),
    Elsewhere,
}

/// A parameter's text where a number belongs, as CloudFormation takes it.
fn as_number(field: &str, value: Value) -> Value {
    if !matches!(field, "memorySize" | "timeout" | "ephemeralStorage" | "scaling") {
        return value;
    }
    value.as_str().and_then(|text| text.parse::<u64>().ok()).map_or_else(|| value.clone(), Value::from)
}

fn at_properties(resource: &Node, broken: Vec<Broken>) -> Wrong {
    broken.into_iter().map(|broken| at_property(resource, &broken.path, broken.rule)).collect()
}

/// A broken rule of a Function, at the template's property.
fn at_property(resource: &Node, path: &[String], rule: String) -> (String, Unresolved) {
    let field = path.get(1).map(String::as_str).unwrap_or_default();
    let property = FIELDS.iter().find(|(_, known)| *known == field).map(|(property, _)| *property);
    let property = property.unwrap_or(match field {
        "environment" => "Environment",
        "functionName" => "FunctionName",
        "ephemeralStorage" => "EphemeralStorage",
        "tracingConfig" => "Tracing",
        "loggingConfig" => "LoggingConfig",
        "tenancyConfig" => "TenancyConfig",
        "scaling" => "ReservedConcurrentExecutions",
        _ => "",
    });
    (property.to_owned(), Unresolved { line: resource.line_of(["Properties", property]), message: rule })
}

#[cfg(test)]
mod tests;
