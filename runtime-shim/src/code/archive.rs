//! Unpacking a zip archive.

use std::io::{Cursor, Read};
use std::path::Path;

use bytes::Bytes;
use domain::limits::UNPACKED_CODE_BYTES_MAX;
use zip::ZipArchive;

use super::CodeError;
use super::tree::Tree;

/// Most entries of an archive.
const ENTRIES_MAX: usize = 65_536;
/// Longest target of a link, in bytes (`PATH_MAX`).
const LINK_TARGET_BYTES_MAX: u64 = 4_096;
/// Permissions of an entry that names none.
const FILE_MODE: u32 = 0o644;

/// The part of a Unix mode that tells what an entry is, and its value for a regular file or a link.
const KIND: u32 = 0o170_000;
const PERMISSIONS: u32 = 0o777;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// Unpacks `archive` below `root`.
pub(super) fn unpack(archive: Bytes, root: &Path) -> Result<(), CodeError> {
    unpack_within(archive, root, UNPACKED_CODE_BYTES_MAX)
}

fn unpack_within(archive: Bytes, root: &Path, bytes_max: u64) -> Result<(), CodeError> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    if archive.len() > ENTRIES_MAX {
        return Err(CodeError::TooManyEntries(ENTRIES_MAX));
    }
    let tree = Tree::open(root)?;
    let mut left = bytes_max;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = String::from_utf8(entry.name_raw().to_vec())
            .map_err(|error| CodeError::Escape(error.to_string()))?;
        let mode = entry.unix_mode().unwrap_or(FILE_MODE);
        match mode & KIND {
            _ if entry.is_dir() => tree.folder(&name)?,
            LINK => {
                let mut target = String::new();
                let read = (&mut entry).take(LINK_TARGET_BYTES_MAX).read_to_string(&mut target);
                read.map_err(|error| CodeError::Write { name: name.clone(), error })?;
                tree.link(&name, &target)?;
            }
            0 | REGULAR => {
                // What the archive says of sizes is not believed: one byte over what is left is read, no more.
                let mut content = (&mut entry).take(left + 1);
                let permissions = match mode & PERMISSIONS {
                    0 => FILE_MODE,
                    permissions => permissions,
                };
                let length = tree.file(&name, permissions, &mut content)?;
                left = left.checked_sub(length).ok_or(CodeError::TooLarge(bytes_max))?;
            }
            _ => return Err(CodeError::Kind(name)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("shim-archive-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&path));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn root(&self) -> PathBuf {
            self.0.join("task")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn archive(entries: &[(&str, &str, u32)]) -> Bytes {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in entries {
            if mode & KIND == LINK {
                writer.add_symlink(*name, *content, SimpleFileOptions::default()).unwrap();
            } else {
                let options = SimpleFileOptions::default().unix_permissions(*mode);
                writer.start_file(*name, options).unwrap();
                writer.write_all(content.as_bytes()).unwrap();
            }
        }
        Bytes::from(writer.finish().unwrap().into_inner())
    }

    #[test]
    fn files_links_and_modes_come_out_as_they_went_in() {
        let folder = Folder::new("good");
        let root = folder.root();
        let entries = [
            ("bootstrap", "#!/bin/sh", 0o755),
            ("lib/a.txt", "text", 0o640),
            ("bin/a", "../lib/a.txt", LINK),
        ];
        unpack(archive(&entries), &root).unwrap();
        let mode = |name| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bootstrap"), mode("lib/a.txt")), (0o755, 0o640));
        assert_eq!(fs::read_to_string(root.join("bin/a")).unwrap(), "text");
    }

    #[test]
    fn nothing_is_written_beside_the_root() {
        for (number, entries) in [
            vec![("../out", "x", 0o644)],
            vec![("/tmp/shim-archive-absolute", "x", 0o644)],
            vec![("link", "..", LINK)],
            vec![("link", "/", LINK)],
            vec![("a/link", "../..", LINK)],
            vec![("a", ".", LINK), ("a/x", "x", 0o644)],
        ]
        .into_iter()
        .enumerate()
        {
            let folder = Folder::new(&format!("escape-{number}"));
            assert!(unpack(archive(&entries), &folder.root()).is_err(), "{entries:?}");
            let beside: Vec<_> =
                fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(beside, ["task"], "{entries:?}");
        }
        assert!(!Path::new("/tmp/shim-archive-absolute").exists());
    }

    #[test]
    fn unpacked_bytes_are_counted_not_believed() {
        for (bytes_max, fits) in [(9, false), (10, true), (11, true)] {
            let folder = Folder::new(&format!("size-{bytes_max}"));
            let archive = archive(&[("a", "12345", 0o644), ("b", "12345", 0o644)]);
            let unpacked = unpack_within(archive, &folder.root(), bytes_max);
            assert_eq!(unpacked.is_ok(), fits, "{bytes_max}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_broken_archive_is_an_error(at in 0_usize..200, value: u8) {
            let folder = Folder::new("broken");
            let mut bytes = archive(&[("a/b", "12345", 0o644), ("l", "a/b", LINK)]).to_vec();
            let length = bytes.len();
            bytes[at % length] = value;
            drop(unpack(Bytes::from(bytes), &folder.root()));
        }
    }
}
