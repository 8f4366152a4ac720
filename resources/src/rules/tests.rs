use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn check_rule(spec: Value, expected: &str) {
    let spec: FunctionSpec = serde_json::from_value(spec).unwrap();
    let found = check(&spec).err().unwrap_or_default();
    let found = found.first().map(ToString::to_string).unwrap_or_default();
    assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
}

#[test]
fn code_in_a_manifest_is_bounded() {
    let inline = |bytes| json!({"code": {"inline": {"a.py": "x".repeat(bytes)}}});
    check_rule(inline(MANIFEST_CODE_BYTES_MAX), "");
    check_rule(inline(MANIFEST_CODE_BYTES_MAX + 1), "at most 524288");
    for name in ["/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/", "", "a\\b"] {
        let expected = format!("spec.code.inline.{name} is no relative path");
        check_rule(json!({"code": {"inline": {name: ""}}}), &expected);
    }
    check_rule(json!({"code": {"inline": {"a": "", "a/b": "", "a.c": ""}}}), "both a file and a folder");
    check_rule(json!({"code": {"zipFile": "AAAA"}}), "is no zip archive");
    check_rule(json!({"code": {"zipFile": "A"}}), "is no base64");
    let large = STANDARD.encode(vec![0; MANIFEST_CODE_BYTES_MAX + 1]);
    check_rule(json!({"code": {"zipFile": large}}), "at most 524288");
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
    check_rule(variables, "spec.environment.variables.AB has a NUL");
}

#[test]
fn variables_have_four_kilobytes_in_all() {
    let variables = |length: usize| json!({"code": {"image": "i"}, "environment": {"variables": {"AB": "x".repeat(length)}}});
    check_rule(variables(ENVIRONMENT_VARIABLES_BYTES_MAX - 2), "");
    check_rule(variables(ENVIRONMENT_VARIABLES_BYTES_MAX - 1), "at most 4096");
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
        drop(zip_bytes(&text).and_then(|archive| is_archive(&archive)));
    }
}
