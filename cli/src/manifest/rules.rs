//! Rules that a schema cannot express: sizes in bytes, paths, archives.
//!
//! The operator checks the same before it creates a pod; here they are told before anything starts.

use std::collections::BTreeMap;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::{ENVIRONMENT_VARIABLES_BYTES_MAX, MANIFEST_CODE_BYTES_MAX, UNPACKED_CODE_BYTES_MAX};
use resources::FunctionSpec;

use super::schema::Broken;

/// Longest component of a file's path, in bytes: what file systems take.
const PATH_COMPONENT_BYTES_MAX: usize = 255;
/// Most files in an archive.
const ARCHIVE_FILES_MAX: usize = 20_000;

/// Every rule that the function breaks.
pub(crate) fn check(spec: &FunctionSpec) -> Result<(), Vec<Broken>> {
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
pub(crate) fn zip_bytes(text: &str) -> Result<Vec<u8>, String> {
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
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check_rule(spec: Value, expected: &str) {
        let spec: FunctionSpec = serde_json::from_value(spec).unwrap();
        let found = check(&spec).err().unwrap_or_default();
        let found = found
            .first()
            .map(|broken| format!("{}: {}", broken.path.join("."), broken.rule))
            .unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
    }

    #[test]
    fn code_in_a_manifest_is_bounded() {
        let inline = |bytes| json!({"code": {"inline": {"a.py": "x".repeat(bytes)}}});
        check_rule(inline(MANIFEST_CODE_BYTES_MAX), "");
        check_rule(inline(MANIFEST_CODE_BYTES_MAX + 1), "at most 524288");
        check_rule(json!({"code": {"inline": {"../a": ""}}}), "spec.code.inline.../a: is no relative path");
        check_rule(json!({"code": {"inline": {"a": "", "a/b": ""}}}), "both a file and a folder");
        check_rule(json!({"code": {"zipFile": "AAAA"}}), "is no zip archive");
        check_rule(json!({"code": {"zipFile": "A"}}), "is no base64");
    }
    fn archive(names: impl Iterator<Item = String>) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        names.for_each(|name| writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap());
        writer.finish().unwrap().into_inner()
    }

    /// An archive of one file whose directory says that it has so many bytes.
    fn archive_that_says(bytes: u64) -> Vec<u8> {
        let mut archive = archive(std::iter::once("a".to_owned()));
        let entry = archive.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
        archive[entry + 24..entry + 28].copy_from_slice(&u32::try_from(bytes).unwrap().to_le_bytes());
        archive
    }

    #[test]
    fn an_archive_stays_in_its_folder_and_within_bounds() {
        let check = |archive: Vec<u8>, expected: &str| {
            let found = is_archive(&archive).err().unwrap_or_default();
            assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
        };
        let named = |names: &[&str]| archive(names.iter().map(|name| (*name).to_owned()));
        check(named(&["a/b.py", "c"]), "");
        check(named(&["a.py", "../b.py"]), "'../b.py', which leads out");
        check(archive_that_says(UNPACKED_CODE_BYTES_MAX), "");
        check(archive_that_says(UNPACKED_CODE_BYTES_MAX + 1), "at most 262144000");
        let many = |count: usize| archive((0..count).map(|number| number.to_string()));
        check(many(ARCHIVE_FILES_MAX), "");
        check(many(ARCHIVE_FILES_MAX + 1), "at most 20000");
    }

    #[test]
    fn names_and_values_are_what_systems_take() {
        let inline = |bytes| json!({"code": {"inline": {format!("a/{}", "x".repeat(bytes)): ""}}});
        check_rule(inline(PATH_COMPONENT_BYTES_MAX), "");
        check_rule(inline(PATH_COMPONENT_BYTES_MAX + 1), "more than 255 bytes");
        let variables = json!({"code": {"image": "i"}, "environment": {"variables": {"AB": "x\u{0}y"}}});
        check_rule(variables, "spec.environment.variables.AB: has a NUL");
    }
}
