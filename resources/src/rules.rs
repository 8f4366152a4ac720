//! Rules for a Function that its schema cannot express: sizes in bytes, paths, archives.
//!
//! The operator checks them before it creates a pod, and `kubelambda local` before it serves anything.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::{ENVIRONMENT_VARIABLES_BYTES_MAX, MANIFEST_CODE_BYTES_MAX, UNPACKED_CODE_BYTES_MAX};

use crate::function::FunctionSpec;

/// Longest component of a file's path, in bytes: what file systems take.
const PATH_COMPONENT_BYTES_MAX: usize = 255;
/// Most files in an archive.
const ARCHIVE_FILES_MAX: usize = 20_000;

/// A rule that a manifest breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// From the root to the field.
    pub path: Vec<String>,
    /// What must hold there, or what does not.
    pub rule: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.join("."), self.rule)
    }
}

/// Every rule that the function breaks.
pub fn check(spec: &FunctionSpec) -> Result<(), Vec<Broken>> {
    let mut all = Vec::new();
    if let Some(files) = &spec.code.inline {
        inline(files, &mut all);
    }
    if let Some(text) = &spec.code.zip_file
        && let Err(rule) = zip_bytes(text).and_then(|archive| is_archive(&archive))
    {
        all.push(broken(&["spec", "code", "zipFile"], rule));
    }
    if let Some(environment) = &spec.environment {
        let bytes: usize = environment.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > ENVIRONMENT_VARIABLES_BYTES_MAX {
            let rule =
                format!("has {bytes} bytes of names and values; at most {ENVIRONMENT_VARIABLES_BYTES_MAX}");
            all.push(broken(&["spec", "environment", "variables"], rule));
        }
        for (name, _) in environment.variables.iter().filter(|(_, value)| value.contains('\0')) {
            let path = ["spec", "environment", "variables", name];
            all.push(broken(&path, "has a NUL character in its value".to_owned()));
        }
    }
    if all.is_empty() { Ok(()) } else { Err(all) }
}

/// The archive that `zipFile` writes in base64, with or without line breaks.
pub fn zip_bytes(text: &str) -> Result<Vec<u8>, String> {
    let compact: String = text.split_ascii_whitespace().collect();
    let archive = STANDARD.decode(compact).map_err(|error| format!("is no base64: {error}"))?;
    if archive.len() > MANIFEST_CODE_BYTES_MAX {
        let bytes = archive.len();
        return Err(format!(
            "has {bytes} bytes before base64; at most {MANIFEST_CODE_BYTES_MAX} fit into a manifest"
        ));
    }
    Ok(archive)
}

fn is_archive(archive: &[u8]) -> Result<(), String> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(archive)).map_err(|error| format!("is no zip archive: {error}"))?;
    let files = archive.len();
    if files > ARCHIVE_FILES_MAX {
        return Err(format!("has {files} files; at most {ARCHIVE_FILES_MAX}"));
    }
    let mut unpacked = 0_u64;
    for index in 0..files {
        let file = archive.by_index_raw(index).map_err(|error| format!("cannot be read: {error}"))?;
        if file.enclosed_name().is_none() {
            return Err(format!("has '{}', which leads out of the archive", file.name().unwrap_or_default()));
        }
        unpacked = unpacked.saturating_add(file.size());
    }
    if unpacked > UNPACKED_CODE_BYTES_MAX {
        return Err(format!("unpacks to {unpacked} bytes; at most {UNPACKED_CODE_BYTES_MAX}"));
    }
    Ok(())
}

fn inline(files: &BTreeMap<String, String>, all: &mut Vec<Broken>) {
    let bytes: usize = files.values().map(String::len).sum();
    if bytes > MANIFEST_CODE_BYTES_MAX {
        let rule = format!("has {bytes} bytes in all; at most {MANIFEST_CODE_BYTES_MAX} fit into a manifest");
        all.push(broken(&["spec", "code", "inline"], rule));
    }
    for name in files.keys() {
        let below = format!("{name}/");
        let rule = if !is_relative_path(name) {
            "is no relative path without '.', '..', empty parts and parts of more than 255 bytes"
        } else if files.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below)) {
            "cannot be both a file and a folder"
        } else {
            continue;
        };
        all.push(broken(&["spec", "code", "inline", name], rule.to_owned()));
    }
}

fn is_relative_path(name: &str) -> bool {
    name.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part.len() <= PATH_COMPONENT_BYTES_MAX
            && !part.contains(['\0', '\\'])
    })
}

fn broken(path: &[&str], rule: String) -> Broken {
    Broken { path: path.iter().map(|part| (*part).to_owned()).collect(), rule }
}

#[cfg(test)]
mod tests;
