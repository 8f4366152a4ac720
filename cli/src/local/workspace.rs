//! Folders of a run: one for each environment, and unpacked archives. All is gone at the end.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::limits::UNPACKED_CODE_BYTES_MAX;

use super::opt::Layers;
use super::stamp;
use crate::project::{LocalCode, LocalFunction};

/// Only its owner looks into a run's folders: code and tickets are there.
const PRIVATE: u32 = 0o700;

/// The folders of one environment.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Where the shim lays out code.
    pub task_root: PathBuf,
    /// In the place of `/tmp`.
    pub temporary: PathBuf,
    /// Whether nothing else uses that folder; the shim clears only such a one.
    pub temporary_is_own: bool,
    /// Where the shim writes its addresses.
    pub addresses: PathBuf,
}

/// Folders that a function's code and layers are in, unpacked where they were archives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folders {
    /// The code's folder; none where the manifest has it.
    pub code: Option<PathBuf>,
    /// The layers'; none where there are none.
    pub layers: Option<Layers>,
}

/// The folder of a run; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
    /// Held while a folder is laid out that several environments use: those that start at once wait for the first.
    laying_out: Mutex<()>,
}

impl Workspace {
    /// A new one, whose name no other program can have taken.
    pub(crate) fn create(random: [u8; 16]) -> io::Result<Self> {
        let name = format!("kubelambda-{:016x}", u128::from_be_bytes(random) >> 64);
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(PRIVATE).create(&path)?;
        Ok(Self { folder: path, laying_out: Mutex::default() })
    }

    /// The folders of the environment `name`, made anew.
    pub(crate) fn place(&self, name: &str) -> io::Result<Place> {
        let own = self.folder.join(name);
        let place = Place {
            task_root: own.join("task"),
            temporary: own.join("tmp"),
            temporary_is_own: true,
            addresses: own.join("addresses"),
        };
        fs::create_dir_all(&place.task_root)?;
        fs::create_dir_all(&place.temporary)?;
        Ok(place)
    }

    /// Removes an environment's folders.
    pub(crate) fn remove(&self, name: &str) {
        if let Err(error) = fs::remove_dir_all(self.folder.join(name)) {
            tracing::debug!(%error, name, "An environment's folder stays behind");
        }
    }

    /// The run's own folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a function's code; an archive is unpacked once for each of its states.
    pub(crate) fn code(&self, local: &LocalFunction) -> Result<Option<PathBuf>, String> {
        Ok(match &local.code {
            LocalCode::Manifest => None,
            LocalCode::Image { task_root, .. } => Some(task_root.clone()),
            LocalCode::Folder(path) => Some(path.clone()),
            LocalCode::Archive(path) => Some(self.unpacked(path, &self.lock())?),
        })
    }

    /// The folder of a function's layers. Of several one is made, once for each of their states, in which later
    /// ones go over earlier ones, as on AWS.
    pub(crate) fn layers(&self, local: &LocalFunction) -> Result<Option<PathBuf>, String> {
        let alone = self.lock();
        let layer =
            |path: &PathBuf| if path.is_dir() { Ok(path.clone()) } else { self.unpacked(path, &alone) };
        let layers = local.layers.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
        let [_, _, ..] = layers.as_slice() else { return Ok(layers.into_iter().next()) };
        let state = layers.iter().fold(0, |all: u64, layer| all.rotate_left(7) ^ stamp::of(layer));
        let target = self.folder.join(format!("layers-{state:016x}"));
        if !target.is_dir() {
            let partial = emptied(&target)?;
            let mut left = UNPACKED_CODE_BYTES_MAX;
            for layer in &layers {
                copy(layer, &partial, &mut left)
                    .map_err(|error| format!("the layer {} cannot be laid out: {error}", layer.display()))?;
            }
            fs::rename(&partial, &target).map_err(|error| format!("{}: {error}", target.display()))?;
        }
        Ok(Some(target))
    }

    /// What it guards is on disk, and is made anew where it was left half done.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.laying_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unpacked(&self, archive: &Path, _alone: &MutexGuard<'_, ()>) -> Result<PathBuf, String> {
        let cannot = |error: String| format!("{} cannot be unpacked: {error}", archive.display());
        let target = self.folder.join(format!("code-{:016x}", stamp::of(archive)));
        if target.is_dir() {
            return Ok(target);
        }
        let file = fs::File::open(archive).map_err(|error| cannot(error.to_string()))?;
        let mut zip = zip::ZipArchive::new(file).map_err(|error| cannot(error.to_string()))?;
        if zip.decompressed_size().is_none_or(|bytes| bytes > u128::from(UNPACKED_CODE_BYTES_MAX)) {
            return Err(cannot(format!("it unpacks to more than {UNPACKED_CODE_BYTES_MAX} bytes")));
        }
        let partial = emptied(&target).map_err(cannot)?;
        zip.extract(&partial).map_err(|error| cannot(error.to_string()))?;
        fs::rename(&partial, &target).map_err(|error| cannot(error.to_string()))?;
        Ok(target)
    }
}

/// Where `target` is laid out before it gets its name, without what an attempt that failed has left there.
fn emptied(target: &Path) -> Result<PathBuf, String> {
    let partial = target.with_extension("partial");
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", partial.display()))
        }
        _ => Ok(partial),
    }
}

/// Copies a folder over another, of at most `left` bytes; what is written stays below `to`.
fn copy(from: &Path, to: &Path, left: &mut u64) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        // Through a link that stays, something else would be written: a file, or a whole folder.
        let stays = fs::symlink_metadata(&target).is_ok_and(|there| there.is_dir() && kind.is_dir());
        if !stays {
            drop(fs::remove_file(&target));
        }
        if kind.is_dir() {
            copy(&source, &target, left)?;
            continue;
        }
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            let more = || io::Error::other(format!("layers have more than {UNPACKED_CODE_BYTES_MAX} bytes"));
            *left = left.checked_sub(entry.metadata()?.len()).ok_or_else(more)?;
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "The run's folder stays behind");
        }
    }
}

#[cfg(test)]
mod tests;
