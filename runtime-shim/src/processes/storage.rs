//! How much the function's `/tmp` holds.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries that one look goes through; beyond them the figure is too low rather than the look too long.
const ENTRIES_MAX: usize = 20_000;
/// Unit of `st_blocks`, in bytes.
const BLOCK_BYTES: u64 = 512;

/// The file system that a folder is on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    /// Its size.
    pub whole_bytes: u64,
    /// What it has left, for whomever.
    pub free_bytes: u64,
}

impl Disk {
    /// That of `root`; none where the kernel does not say.
    pub(crate) fn of(root: &Path) -> Option<Self> {
        let told = rustix::fs::statvfs(root).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Some(Self { whole_bytes: bytes(told.f_blocks), free_bytes: bytes(told.f_bfree) })
    }
}

/// Bytes that files below `root` take on disk.
pub(crate) fn used_bytes(root: &Path) -> u64 {
    let mut waiting: VecDeque<PathBuf> = VecDeque::from([root.to_owned()]);
    let (mut used, mut entries) = (0_u64, 0);
    while let Some(directory) = waiting.pop_front() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            entries += 1;
            if entries > ENTRIES_MAX {
                return used;
            }
            // Of the entry itself: a link is not followed.
            let Ok(metadata) = entry.metadata() else { continue };
            used = used.saturating_add(metadata.blocks().saturating_mul(BLOCK_BYTES));
            if metadata.is_dir() {
                waiting.push_back(entry.path());
            }
        }
    }
    used
}

/// Removes what is below `root`, and not `root`, which is a mount.
pub(crate) fn clear(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // What cannot be removed is found again at the next look.
        drop(if folder { fs::remove_dir_all(path) } else { fs::remove_file(path) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_are_counted_and_links_are_not_followed() {
        let root = std::env::temp_dir().join(format!("shim-storage-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        let used = used_bytes(&root);
        fs::remove_dir_all(&root).unwrap();
        assert!((100_000..1_000_000).contains(&used), "{used}");
    }
}
