//! One document of a manifest file: which kind it is, and whether it is right.

use resources::rules::{self, Broken};
use resources::{Function, Runtime};
use serde_json::Value;

use super::schema::Schema;
use crate::yaml::Node;

/// Longest `metadata.name`, in characters: a DNS subdomain.
const OBJECT_NAME_CHARS_MAX: usize = 253;

/// The schemas of the kinds that are read.
#[derive(Debug)]
pub(crate) struct Schemas {
    function: Schema,
    runtime: Schema,
}

impl Schemas {
    /// Made once: its rules are compiled.
    pub(crate) fn new() -> Self {
        Self { function: Schema::of::<Function>(), runtime: Schema::of::<Runtime>() }
    }

    /// The rules that the manifest of a Function breaks.
    pub(crate) fn function_rules(&self, manifest: &Value) -> Vec<Broken> {
        self.function.check(manifest)
    }
}

/// What a document is.
#[derive(Debug)]
pub(crate) enum Document {
    /// A Function.
    Function(Box<Function>),
    /// A Runtime.
    Runtime(Box<Runtime>),
    /// Another kind, which local mode has no use for.
    Other(String),
    /// Nothing.
    Empty,
}

/// Reads a document; all that is wrong with it is told at once.
pub(crate) fn read(schemas: &Schemas, node: &Node) -> Result<Document, Vec<Broken>> {
    if node.is_null() {
        return Ok(Document::Empty);
    }
    let manifest = node.to_json();
    let text = |field: &str| manifest.get(field).and_then(Value::as_str);
    let Some(kind) = text("kind") else {
        // An event or a package's description may lie beside the manifests.
        return match ["apiVersion", "spec"].iter().find_map(|field| manifest.get(field)) {
            None => Ok(Document::Other("document without apiVersion and kind".to_owned())),
            Some(_) => Err(vec![broken("kind", "is required".to_owned())]),
        };
    };
    let group = text("apiVersion").unwrap_or_default();
    if !group.starts_with("kubelambda.dev/") {
        return Ok(Document::Other(format!("{group} {kind}")));
    }
    let expected = format!("{}/{}", resources::GROUP, resources::VERSION);
    if group != expected {
        return Err(vec![broken("apiVersion", format!("must be {expected}"))]);
    }
    match kind {
        "Function" => checked(&schemas.function, &manifest).and_then(|()| {
            let function: Function = typed(manifest)?;
            rules::check(&function.spec)?;
            Ok(Document::Function(Box::new(function)))
        }),
        "Runtime" => {
            checked(&schemas.runtime, &manifest)?;
            Ok(Document::Runtime(Box::new(typed(manifest)?)))
        }
        other => Ok(Document::Other(other.to_owned())),
    }
}

fn checked(schema: &Schema, manifest: &Value) -> Result<(), Vec<Broken>> {
    let mut all = schema.check(manifest);
    let name = manifest.pointer("/metadata/name").and_then(Value::as_str);
    match name {
        None => all.insert(0, broken("metadata.name", "is required".to_owned())),
        Some(name) if !is_object_name(name) => all.push(broken(
            "metadata.name",
            "must be lower-case letters, digits, '-' and '.', as Kubernetes' names are; spec.functionName takes the AWS name"
                .to_owned(),
        )),
        Some(_) => {}
    }
    if all.is_empty() { Ok(()) } else { Err(all) }
}

fn typed<T: serde::de::DeserializeOwned>(manifest: Value) -> Result<T, Vec<Broken>> {
    serde_json::from_value(manifest)
        .map_err(|error| vec![Broken { path: Vec::new(), rule: error.to_string() }])
}

fn is_object_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=OBJECT_NAME_CHARS_MAX).contains(&name.len())
        && name.split('.').all(|label| {
            label.bytes().all(|byte| is_end(byte) || byte == b'-')
                && label.bytes().next().is_some_and(is_end)
                && label.bytes().last().is_some_and(is_end)
        })
}

fn broken(path: &str, rule: String) -> Broken {
    Broken { path: path.split('.').map(str::to_owned).collect(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn check(text: &str, expected: Result<&str, &str>) {
        let documents = yaml::read(text).unwrap();
        let found = match read(&Schemas::new(), &documents[0]) {
            Ok(Document::Function(function)) => Ok(format!("Function {}", function.aws_name())),
            Ok(other) => Ok(format!("{other:?}")),
            Err(broken) => Err(format!("{}: {}", broken[0].path.join("."), broken[0].rule)),
        };
        assert_eq!(found.is_ok(), expected.is_ok(), "{found:?}");
        let (Ok(found) | Err(found), Ok(expected) | Err(expected)) = (&found, expected);
        assert!(found.contains(expected), "{found}");
    }

    const HEAD: &str = "apiVersion: kubelambda.dev/v1alpha1\nkind: Function\n";

    #[test]
    fn kinds_are_told_apart() {
        let spec = "spec: {runtime: r, handler: h, code: {inline: {a.py: ''}}}\n";
        check(&format!("{HEAD}metadata: {{name: f}}\n{spec}"), Ok("Function f"));
        check("apiVersion: v1\nkind: ConfigMap\n", Ok("v1 ConfigMap"));
        check("# nothing\n---\n", Ok("Empty"));
        check("apiVersion: kubelambda.dev/v1\nkind: Function\n", Err("must be kubelambda.dev/v1alpha1"));
        check("spec: {}\n", Err("kind: is required"));
        check("a: 1\n", Ok("without apiVersion"));
        check(&format!("{HEAD}metadata: {{name: My_F}}\n{spec}"), Err("metadata.name: must be lower-case"));
        check(&format!("{HEAD}{spec}"), Err("metadata.name: is required"));
    }

    #[test]
    fn the_examples_are_right() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            for node in yaml::read(&std::fs::read_to_string(&path).unwrap()).unwrap() {
                assert!(read(&Schemas::new(), &node).is_ok(), "{}", path.display());
            }
        }
    }
}
