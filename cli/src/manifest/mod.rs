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

use crate::project::{LocalFunction, Problem, Project};
use crate::yaml;

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
            Err(all) => project.problems.extend(all.into_iter().map(|broken| Problem {
                file: path.to_owned(),
                line: Some(node.line_of(broken.path.iter().map(String::as_str))),
                document: number,
                field: broken.path.join("."),
                rule: broken.rule,
            })),
        }
    }
}

/// The text of a file, within [`FILE_BYTES_MAX`].
pub(crate) fn text_of(path: &Path) -> Result<String, String> {
    let bytes = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("the file has {bytes} bytes; at most {FILE_BYTES_MAX} are read"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}
