//! Rules for a Function's manifest that its schema cannot express.

use std::collections::BTreeMap;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::{ENVIRONMENT_VARIABLES_BYTES_MAX, MANIFEST_CODE_BYTES_MAX, UNPACKED_CODE_BYTES_MAX};
use resources::{FunctionSpec, Reason};
use zip::ZipArchive;

use super::Problem;

/// Longest component of a file's path, in bytes: what file systems take.
const PATH_COMPONENT_BYTES_MAX: usize = 255;
/// Most files in an archive.
const ARCHIVE_FILES_MAX: usize = 20_000;

/// The first rule that the manifest breaks.
pub fn validate(spec: &FunctionSpec) -> Result<(), Problem> {
    let broken = |message: String| Problem::new(Reason::InvalidSpec, message);
    if let Some(files) = &spec.code.inline {
        check_inline(files).map_err(broken)?;
    }
    if let Some(text) = &spec.code.zip_file {
        zip_bytes(text).and_then(|archive| check_archive(&archive)).map_err(broken)?;
    }
    if let Some(environment) = &spec.environment {
        check_variables(&environment.variables).map_err(broken)?;
    }
    Ok(())
}

/// The archive that `zipFile` writes in base64, with or without line breaks.
pub fn zip_bytes(text: &str) -> Result<Vec<u8>, String> {
    let compact: String = text.split_ascii_whitespace().collect();
    let archive =
        STANDARD.decode(compact).map_err(|error| format!("spec.code.zipFile is no base64: {error}"))?;
    if archive.len() > MANIFEST_CODE_BYTES_MAX {
        return Err(format!(
            "spec.code.zipFile has {} bytes before base64; at most {MANIFEST_CODE_BYTES_MAX} fit into a manifest",
            archive.len()
        ));
    }
    Ok(archive)
}

fn check_archive(archive: &[u8]) -> Result<(), String> {
    let mut archive = ZipArchive::new(Cursor::new(archive))
        .map_err(|error| format!("spec.code.zipFile is no zip archive: {error}"))?;
    if archive.len() > ARCHIVE_FILES_MAX {
        return Err(format!("spec.code.zipFile has {} files; at most {ARCHIVE_FILES_MAX}", archive.len()));
    }
    let mut unpacked = 0_u64;
    for index in 0..archive.len() {
        let file = archive
            .by_index_raw(index)
            .map_err(|error| format!("spec.code.zipFile cannot be read: {error}"))?;
        if file.enclosed_name().is_none() {
            let name = file.name().unwrap_or_default();
            return Err(format!("spec.code.zipFile: '{name}' leads out of the archive"));
        }
        unpacked = unpacked.saturating_add(file.size());
    }
    if unpacked > UNPACKED_CODE_BYTES_MAX {
        return Err(format!(
            "spec.code.zipFile unpacks to {unpacked} bytes; at most {UNPACKED_CODE_BYTES_MAX}"
        ));
    }
    Ok(())
}

fn check_inline(files: &BTreeMap<String, String>) -> Result<(), String> {
    let total: usize = files.values().map(String::len).sum();
    if total > MANIFEST_CODE_BYTES_MAX {
        return Err(format!(
            "spec.code.inline has {total} bytes in all; at most {MANIFEST_CODE_BYTES_MAX} fit into a manifest"
        ));
    }
    for name in files.keys() {
        if !is_relative_path(name) {
            return Err(format!(
                "spec.code.inline: '{name}' is no relative path without '.', '..' and empty parts"
            ));
        }
        let below = format!("{name}/");
        if files.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below)) {
            return Err(format!("spec.code.inline: '{name}' cannot be both a file and a folder"));
        }
    }
    Ok(())
}

fn is_relative_path(name: &str) -> bool {
    name.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part.len() <= PATH_COMPONENT_BYTES_MAX
            && !part.contains(['\0', '\\'])
    })
}

fn check_variables(variables: &BTreeMap<String, String>) -> Result<(), String> {
    let total: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if total > ENVIRONMENT_VARIABLES_BYTES_MAX {
        return Err(format!(
            "spec.environment.variables has {total} bytes of names and values; at most {ENVIRONMENT_VARIABLES_BYTES_MAX}"
        ));
    }
    match variables.iter().find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => {
            Err(format!("spec.environment.variables: the value of {name} has a NUL character"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(spec: Value, expected: Option<&str>) {
        let spec: FunctionSpec = serde_json::from_value(spec).unwrap();
        let message = validate(&spec).err().map(|problem| problem.message);
        match expected {
            None => assert_eq!(message, None),
            Some(part) => assert!(message.clone().unwrap_or_default().contains(part), "{message:?}"),
        }
    }

    fn inline(name: &str, text: &str) -> Value {
        json!({"code": {"inline": {name: text}}})
    }

    fn archive(name: &str) -> String {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(b"x").unwrap();
        STANDARD.encode(writer.finish().unwrap().into_inner())
    }

    #[test]
    fn inline_code_is_bounded_and_stays_in_its_folder() {
        check(inline("a/b.py", &"x".repeat(MANIFEST_CODE_BYTES_MAX)), None);
        check(inline("a.py", &"x".repeat(MANIFEST_CODE_BYTES_MAX + 1)), Some("at most 524288"));
        for name in ["/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/", "", "a\\b"] {
            check(inline(name, "x"), Some("no relative path"));
        }
        check(json!({"code": {"inline": {"a": "", "a/b": "", "a.c": ""}}}), Some("both a file and a folder"));
    }

    #[test]
    fn an_archive_is_one() {
        check(json!({"code": {"zipFile": archive("a.py")}}), None);
        check(json!({"code": {"zipFile": "AAAA"}}), Some("no zip archive"));
        check(json!({"code": {"zipFile": "A"}}), Some("no base64"));
        check(json!({"code": {"zipFile": archive("../a.py")}}), Some("leads out"));
        let large = STANDARD.encode(vec![0; MANIFEST_CODE_BYTES_MAX + 1]);
        check(json!({"code": {"zipFile": large}}), Some("at most 524288"));
    }

    #[test]
    fn variables_have_four_kilobytes_in_all() {
        let variables = |length: usize| json!({"code": {"image": "i"}, "environment": {"variables": {"AB": "x".repeat(length)}}});
        check(variables(ENVIRONMENT_VARIABLES_BYTES_MAX - 2), None);
        check(variables(ENVIRONMENT_VARIABLES_BYTES_MAX - 1), Some("at most 4096"));
    }

    proptest! {
        #[test]
        fn accepted_paths_stay_below_their_folder(name in "[a./\\\\]{0,12}") {
            if is_relative_path(&name) {
                let path = std::path::Path::new(&name);
                prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }

        #[test]
        fn no_text_makes_the_check_panic(text in "[A-Za-z0-9+/=]{0,200}") {
            drop(zip_bytes(&text).and_then(|archive| check_archive(&archive)));
        }
    }
}
