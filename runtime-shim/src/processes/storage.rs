//! How much the function's `/tmp` holds.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries that one look goes through; beyond them the figure is too low rather than the look too long.
const ENTRIES_MAX: usize = 20_000;
/// Unit of `st_blocks`, in bytes.
const BLOCK_BYTES: u64 = 512;

/// Bytes that files below `root` take on disk, or none where the file system itself is no larger than
/// `limit_bytes` and so bounds them.
pub(crate) fn used_bytes(root: &Path, limit_bytes: u64) -> u64 {
    let whole = rustix::fs::statvfs(root).map(|system| system.f_blocks.saturating_mul(system.f_frsize));
    if whole.is_ok_and(|bytes| bytes <= limit_bytes) {
        return 0;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_are_counted_and_links_are_not_followed() {
        let root = std::env::temp_dir().join(format!("shim-storage-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        let used = used_bytes(&root, 0);
        fs::remove_dir_all(&root).unwrap();
        assert!((100_000..1_000_000).contains(&used), "{used}");
    }
}
