//! Whether files changed: their times, sizes and names, never their contents.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Most files of one folder that are looked at; a change of a further one is not seen.
pub(crate) const FILES_MAX: usize = 5_000;
/// How deep folders are looked into.
const DEPTH_MAX: usize = 32;
/// Folders that functions write themselves, or that hold what nobody edits.
const PASSED_OVER: [&str; 4] = ["__pycache__", "node_modules", ".git", ".aws-sam"];

/// A number that changes with the file, or with anything in the folder.
pub(crate) fn of(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = FILES_MAX;
    add(path, &mut hasher, &mut left, 0);
    hasher.finish()
}

fn add(path: &Path, hasher: &mut DefaultHasher, left: &mut usize, depth: usize) {
    if *left == 0 || depth > DEPTH_MAX {
        return;
    }
    *left -= 1;
    let Ok(metadata) = fs::metadata(path) else {
        return path.hash(hasher);
    };
    if !metadata.is_dir() {
        return (path, metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino()).hash(hasher);
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    let mut names: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    names.retain(|name| !PASSED_OVER.iter().any(|passed_over| name == passed_over));
    names.sort();
    for name in names {
        add(&path.join(name), hasher, left, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_edits_changes_the_stamp_and_what_python_writes_does_not() {
        let folder = std::env::current_exe()
            .unwrap()
            .with_file_name(format!("kubelambda-stamp-{}", std::process::id()));
        fs::create_dir_all(folder.join("package/__pycache__")).unwrap();
        fs::write(folder.join("package/a.py"), "x").unwrap();
        let before = of(&folder);
        fs::write(folder.join("package/__pycache__/a.pyc"), "x").unwrap();
        assert_eq!(of(&folder), before);
        fs::write(folder.join("package/a.py"), "xy").unwrap();
        assert_ne!(of(&folder), before);
        fs::remove_dir_all(&folder).unwrap();
    }
}
