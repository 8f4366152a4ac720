//! Which files of a folder declare something, and what each does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::{self, Schemas};
use crate::project::{Choices, Project};
use crate::sam;

/// Most files of one folder that are read.
const FILES_MAX: usize = 1_000;
/// Names that a SAM template has, in the order in which they are looked for.
const TEMPLATES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

/// The files that make up a project; a folder with a SAM template is that template.
pub(crate) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    if root.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let template = TEMPLATES.iter().map(|name| root.join(name)).find(|path| sam::is_template(path));
    if let Some(template) = template {
        return Ok(vec![template]);
    }
    let is_manifest = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
            && path.is_file()
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if is_manifest(&path) {
            files.push(path);
        }
    }
    files.sort();
    if files.len() > FILES_MAX {
        let message = format!("{} has {} manifests; at most {FILES_MAX}", root.display(), files.len());
        return Err(io::Error::other(message));
    }
    Ok(files)
}

/// Reads one file on its own.
pub(crate) fn read_file(schemas: &Schemas, choices: &Choices, path: &Path) -> Project {
    let mut project = Project::default();
    if sam::is_template(path) {
        sam::read_file(schemas, choices, path, &mut project);
    } else {
        manifest::read_file(schemas, path, &mut project);
    }
    project
}
