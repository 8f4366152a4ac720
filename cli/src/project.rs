//! What a folder declares, as values: functions, runtimes, and what is wrong with the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use resources::{Function, Runtime};

/// A function and where its code is.
#[derive(Debug, Clone)]
pub(crate) struct LocalFunction {
    /// As `kubectl apply` would have it; of a template, without code.
    pub function: Function,
    /// Where the code is.
    pub code: LocalCode,
    /// Folders or archives of layers, in order.
    pub layers: Vec<PathBuf>,
    /// The file that declares it.
    pub source: PathBuf,
}

/// Where code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalCode {
    /// In the manifest, or in an image.
    Manifest,
    /// In a folder, used in place.
    Folder(PathBuf),
    /// In an archive.
    Archive(PathBuf),
    /// Where this program runs: it is the entry point of the function's own image.
    Image {
        /// The command that starts the runtime, complete.
        command: Vec<String>,
        /// Where the code is.
        task_root: PathBuf,
        /// Where the command starts.
        working_directory: PathBuf,
    },
}

impl LocalFunction {
    pub(crate) fn of_manifest(function: Function, source: &Path) -> Self {
        Self { function, code: LocalCode::Manifest, layers: Vec::new(), source: source.to_owned() }
    }
}

/// A function that is declared and cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokenFunction {
    /// Its AWS name.
    pub name: String,
    /// Why, for whoever invokes it.
    pub why: String,
}

/// Something that keeps a function from being served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Number of the document, where the file has several.
    pub document: Option<usize>,
    /// Path of the field; empty for the whole document.
    pub field: String,
    /// What must hold there.
    pub rule: String,
}

impl Problem {
    pub(crate) fn of_file(file: &Path, rule: String) -> Self {
        Self { file: file.to_owned(), line: None, document: None, field: String::new(), rule }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(document) = self.document {
            write!(f, ": document {document}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        // Rules between fields name their field themselves.
        let rule = self.rule.strip_prefix(&self.field).unwrap_or(&self.rule);
        write!(f, ": {}", rule.trim_start_matches([':', ' ']))
    }
}

/// All that a folder declares.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// Functions, in the order of files and documents.
    pub functions: Vec<LocalFunction>,
    /// Functions that cannot be served.
    pub broken: Vec<BrokenFunction>,
    /// Runtimes.
    pub runtimes: Vec<Runtime>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// What a person chose beside the folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    /// Values of a template's parameters and attributes.
    pub parameters: BTreeMap<String, String>,
    /// The region.
    pub region: String,
    /// The account id.
    pub account: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_file_line_document_field_and_rule() {
        let problem = Problem {
            file: "f.yaml".into(),
            line: Some(7),
            document: Some(2),
            field: "spec.timeout".into(),
            rule: "should be less than or equal to 900: 901".into(),
        };
        let text = "f.yaml:7: document 2: spec.timeout: should be less than or equal to 900: 901";
        assert_eq!(problem.to_string(), text);
        let problem = Problem { field: "spec".into(), rule: "spec: set one".into(), ..problem };
        assert_eq!(problem.to_string(), "f.yaml:7: document 2: spec: set one");
    }
}
