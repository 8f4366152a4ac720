//! A folder into which a stranger's files are written, and never beside it.
//!
//! Each step of a path is opened from the folder before it, and never through a link, so what a name means
//! cannot change under way.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::CodeError;

const DIRECTORY_MODE: u32 = 0o755;

/// The folder.
#[derive(Debug)]
pub(super) struct Tree(OwnedFd);

impl Tree {
    pub(super) fn open(root: &Path) -> Result<Self, CodeError> {
        let name = root.display().to_string();
        std::fs::create_dir_all(root).map_err(|error| CodeError::Write { name: name.clone(), error })?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, root, flags, Mode::empty()).map(Self).map_err(|error| failed(&name, error.into()))
    }

    /// Writes a file with these permissions; returns its length in bytes.
    pub(super) fn file(&self, name: &str, mode: u32, content: &mut dyn Read) -> Result<u64, CodeError> {
        let (folder, last) = self.folder_of(name)?;
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut write = || {
            // A later entry of the same name takes the place of a link; it is not written through.
            remove(&folder, last)?;
            let mut file = File::from(openat(&folder, last, flags, Mode::from_raw_mode(0o600))?);
            let length = io::copy(content, &mut file)?;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            Ok(length)
        };
        write().map_err(|error| failed(name, error))
    }

    /// Makes a folder, and those above it.
    pub(super) fn folder(&self, name: &str) -> Result<(), CodeError> {
        self.walk(name, steps(name)?).map(drop)
    }

    /// Makes a link, if its target lies inside.
    pub(super) fn link(&self, name: &str, target: &str) -> Result<(), CodeError> {
        let depth = steps(name)?.len() - 1;
        if !stays_inside(target, depth) {
            return Err(CodeError::Escape(format!("{name} -> {target}")));
        }
        let (folder, last) = self.folder_of(name)?;
        remove(&folder, last)
            .and_then(|()| Ok(symlinkat(target, &folder, last)?))
            .map_err(|error| failed(name, error))
    }

    fn folder_of<'a>(&self, name: &'a str) -> Result<(OwnedFd, &'a str), CodeError> {
        let mut steps = steps(name)?;
        let last = steps.pop().ok_or_else(|| CodeError::Escape(name.to_owned()))?;
        Ok((self.walk(name, steps)?, last))
    }

    fn walk(&self, name: &str, steps: Vec<&str>) -> Result<OwnedFd, CodeError> {
        let walk = || -> io::Result<OwnedFd> {
            let mut folder = self.0.try_clone()?;
            for step in steps {
                match mkdirat(&folder, step, Mode::from_raw_mode(DIRECTORY_MODE)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                folder = openat(&folder, step, flags, Mode::empty())?;
            }
            Ok(folder)
        };
        walk().map_err(|error| failed(name, error))
    }
}

fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn failed(name: &str, error: io::Error) -> CodeError {
    CodeError::Write { name: name.to_owned(), error }
}

/// The steps of a relative path without `..`; a name without any is refused.
fn steps(name: &str) -> Result<Vec<&str>, CodeError> {
    let refused = || CodeError::Escape(name.to_owned());
    let mut steps = Vec::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(step) => steps.push(step.to_str().ok_or_else(refused)?),
            Component::CurDir => {}
            _ => return Err(refused()),
        }
    }
    if steps.is_empty() || name.contains('\0') { Err(refused()) } else { Ok(steps) }
}

/// A link `depth` folders below the root, followed step by step, never leaves it.
fn stays_inside(target: &str, depth: usize) -> bool {
    let mut depth = depth;
    for component in Path::new(target).components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    !target.is_empty() && !target.contains('\0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_lead_outside_are_refused() {
        for name in ["", "/etc/passwd", "../a", "a/../../b", ".", "a/..", "a\0b"] {
            assert!(steps(name).is_err(), "{name:?}");
        }
        assert_eq!(steps("./a//b/./c").unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn links_may_point_up_as_far_as_the_root() {
        for (target, depth, inside) in [
            ("../lib/a", 1, true),
            ("../../lib", 1, false),
            ("a/../../b", 0, false),
            ("/etc", 5, false),
            ("a", 0, true),
            ("", 1, false),
        ] {
            assert_eq!(stays_inside(target, depth), inside, "{target}");
        }
    }

    proptest! {
        #[test]
        fn accepted_steps_hold_no_way_up(name in "[a./\\\\]{0,20}") {
            if let Ok(steps) = steps(&name) {
                prop_assert!(steps.iter().all(|step| !step.contains('/') && *step != ".." && *step != "."));
            }
        }
    }
}
