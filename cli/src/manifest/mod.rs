//! A folder's manifests: Functions and Runtimes as `kubectl apply` takes them, checked as the API server would.
//!
//! What it never does: start anything. What is wrong is told with file, line, document, field and rule.

mod document;
pub(crate) mod from_aws;
mod schema;

use std::fs;
use std::path::Path;

use document::Document;
pub(crate) use document::Schemas;
use resources::rules::Broken;
use serde_json::Value;

use crate::project::{BrokenFunction, LocalFunction, Problem, Project};
use crate::yaml::{self, Node};

/// Largest manifest file, in bytes: code of 512 KiB as base64, several times.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads one file into the project; what is wrong with it becomes problems there.
pub(crate) fn read_file(schemas: &Schemas, path: &Path, project: &mut Project) {
    let text = match text_of(path) {
        Ok(text) => text,
        Err(message) => return project.problems.push(Problem::of_file(path, message)),
    };
    let documents = match yaml::read(&text) {
        Ok(documents) => documents,
        Err(error) => {
            let problem = Problem { line: Some(error.line), ..Problem::of_file(path, error.message) };
            return project.problems.push(problem);
        }
    };
    let many = documents.len() > 1;
    for (index, node) in documents.iter().enumerate() {
        let number = many.then_some(index + 1);
        match document::read(schemas, node) {
            Ok(Document::Function(function)) => {
                project.functions.push(LocalFunction::of_manifest(*function, path));
            }
            Ok(Document::Runtime(runtime)) => project.runtimes.push(*runtime),
            Ok(Document::Other(kind)) => {
                project.notes.push(format!("{}: a {kind} is passed over", path.display()));
            }
            Ok(Document::Empty) => {}
            Err(all) => {
                let problem = |broken: Broken| Problem {
                    file: path.to_owned(),
                    line: Some(node.line_of(broken.path.iter().map(String::as_str))),
                    document: number,
                    field: broken.path.join("."),
                    rule: broken.rule,
                };
                let problems: Vec<_> = all.into_iter().map(problem).collect();
                project.broken.extend(broken_function(node, &problems));
                project.problems.extend(problems);
            }
        }
    }
}

/// The function that a broken document declares, as far as it says which.
fn broken_function(node: &Node, problems: &[Problem]) -> Option<BrokenFunction> {
    let manifest = node.to_json();
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str);
    let name = text("/spec/functionName").or_else(|| text("/metadata/name"));
    let name = name.filter(|_| text("/kind") == Some("Function"))?.to_owned();
    let problems: Vec<_> = problems.iter().map(Problem::to_string).collect();
    Some(BrokenFunction { name, why: format!("its manifest is wrong: {}", problems.join("; ")) })
}

/// The text of a file, within [`FILE_BYTES_MAX`].
pub(crate) fn text_of(path: &Path) -> Result<String, String> {
    let bytes = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("the file has {bytes} bytes; at most {FILE_BYTES_MAX} are read"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}
