//! The catalog of a folder: read once at the start, and again whenever something in it is saved.
//!
//! A file that is broken keeps what was last right in it, and says what is wrong. Nothing is watched by the
//! kernel: a look at a few file times every [`LOOK_MILLIS`] costs less than it is worth to depend on.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use gateway::catalog::{CatalogSource, DeclaredSender};
use tokio::sync::watch;

use super::look::Look;
use super::report::report;
use super::snapshot::Snapshot;
use super::stamp;
use crate::manifest::Schemas;
use crate::output;
use crate::project::{BrokenFunction, Choices, LocalCode, LocalFunction, Problem, Project};
use crate::reading;

/// How often the folder is looked at, in milliseconds.
const LOOK_MILLIS: u64 = 200;

/// The files of a folder and what was last right in each.
#[derive(Debug)]
pub(crate) struct Shelf {
    root: PathBuf,
    choices: Choices,
    debug: bool,
    schemas: Schemas,
    files: BTreeMap<PathBuf, Held>,
    code: BTreeMap<PathBuf, u64>,
}

#[derive(Debug, Default)]
struct Held {
    stamp: u64,
    good: Project,
    problems: Vec<Problem>,
    /// Functions of it that cannot be served as they are now.
    broken: Vec<BrokenFunction>,
    /// What is worth knowing of it, as it was last told.
    told: Vec<String>,
}

impl Shelf {
    /// A shelf that was not looked at yet.
    pub(crate) fn new(root: PathBuf, choices: Choices, debug: bool) -> Self {
        let (files, code) = (BTreeMap::new(), BTreeMap::new());
        Self { root, choices, debug, schemas: Schemas::new(), files, code }
    }

    /// Looks at every file; blocks while it reads.
    pub(crate) fn look(&mut self) -> io::Result<Look> {
        let mut look = Look { changed: None, saved: Vec::new(), problems: Vec::new(), notes: Vec::new() };
        let found = reading::files(&self.root)?;
        look.saved.extend(self.files.keys().filter(|path| !found.contains(path)).cloned());
        self.files.retain(|path, _| found.contains(path));
        let mut changed = !look.saved.is_empty();
        for path in found {
            changed |= self.look_at(path, &mut look);
        }
        changed |= self.look_at_code(&mut look.saved);
        if changed {
            let (snapshot, notes) = self.snapshot();
            look.notes.extend(notes);
            look.changed = Some(snapshot);
        }
        Ok(look)
    }

    /// Reads a file if it was saved; true if what is served changes.
    fn look_at(&mut self, path: PathBuf, look: &mut Look) -> bool {
        let stamp = stamp::of(&path);
        let known = self.files.get(&path);
        if known.is_some_and(|held| held.stamp == stamp) {
            return false;
        }
        // Editors empty a file before they write it.
        if known.is_some() && std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0) {
            return false;
        }
        let mut read = reading::read_file(&self.schemas, &self.choices, &path);
        let problems = std::mem::take(&mut read.problems);
        look.problems.extend(problems.iter().cloned());
        look.saved.push(path.clone());
        let held = self.files.entry(path).or_default();
        let notes = std::mem::take(&mut read.notes);
        look.notes.extend(notes.iter().filter(|note| !held.told.contains(note)).cloned());
        held.told = notes;
        let first = held.stamp == 0;
        held.stamp = stamp;
        held.problems = problems;
        let mut broken = std::mem::take(&mut read.broken);
        let is_good = held.problems.is_empty() || first;
        if is_good {
            held.good = read;
        }
        let served = |name: &String| held.good.functions.iter().any(|of| of.function.aws_name() == *name);
        broken.retain(|broken| !served(&broken.name));
        let is_broken_otherwise = broken != held.broken;
        held.broken = broken;
        is_good || is_broken_otherwise
    }

    /// Looks at code and layers that lie beside the manifests; true if what is served changes.
    fn look_at_code(&mut self, saved: &mut Vec<PathBuf>) -> bool {
        let functions = self.files.values().flat_map(|held| &held.good.functions);
        let mut paths: Vec<_> = functions.flat_map(outside).collect();
        paths.sort();
        paths.dedup();
        let now: BTreeMap<_, _> = paths.into_iter().map(|path| (path.clone(), stamp::of(&path))).collect();
        let changed = now != self.code;
        let is_other =
            |(path, stamp): &(&PathBuf, &u64)| self.code.get(*path).is_some_and(|old| old != *stamp);
        saved.extend(now.iter().filter(is_other).map(|(path, _)| path.clone()));
        self.code = now;
        changed
    }

    fn snapshot(&self) -> (Snapshot, Vec<String>) {
        let held = || self.files.values().map(|held| &held.good);
        let runtimes = held().flat_map(|project| &project.runtimes);
        let runtimes = runtimes
            .map(|runtime| (runtime.metadata.name.clone().unwrap_or_default(), runtime.spec.clone()))
            .collect();
        let functions = held().flat_map(|project| &project.functions).map(|function| {
            let stamps = outside(function).map(|path| self.code.get(&path).copied().unwrap_or_default());
            let stamp = stamps.fold(0, |all: u64, stamp| all.rotate_left(7) ^ stamp);
            (function.clone(), stamp)
        });
        let (mut snapshot, notes) = Snapshot::build(functions.collect(), &runtimes, self.debug);
        self.files.values().flat_map(|held| &held.broken).for_each(|broken| snapshot.add_broken(broken));
        (snapshot, notes)
    }
}

fn outside(function: &LocalFunction) -> impl Iterator<Item = PathBuf> {
    let code = match &function.code {
        LocalCode::Manifest | LocalCode::Image { .. } => None,
        LocalCode::Folder(path) | LocalCode::Archive(path) => Some(path.clone()),
    };
    code.into_iter().chain(function.layers.clone())
}

/// The seam to the gateway: tells what the folder declares, and follows its changes.
#[derive(Debug)]
pub(crate) struct FolderCatalog {
    shelf: Shelf,
    served: watch::Sender<Arc<Snapshot>>,
}

impl FolderCatalog {
    /// Follows a shelf that was looked at; `served` holds what was found.
    pub(crate) fn new(shelf: Shelf, served: watch::Sender<Arc<Snapshot>>) -> Self {
        Self { shelf, served }
    }

    async fn run(self, declared: DeclaredSender) {
        let Self { mut shelf, served } = self;
        let tell = |snapshot: &Snapshot| drop(declared.send_replace(Some(Arc::new(snapshot.declared()))));
        tell(&served.borrow());
        let mut can_be_read = true;
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
            let looked = tokio::task::spawn_blocking(move || {
                let look = shelf.look();
                (shelf, look)
            });
            let Ok((same, look)) = looked.await else { return };
            shelf = same;
            let root = shelf.root.display();
            match look {
                Ok(look) => {
                    if !std::mem::replace(&mut can_be_read, true) {
                        output::note(format_args!("{root} is there again."));
                    }
                    report(&look, &shelf.root, &served.borrow());
                    if let Some(snapshot) = look.changed {
                        tell(&snapshot);
                        served.send_replace(Arc::new(snapshot));
                    }
                }
                Err(error) if std::mem::replace(&mut can_be_read, false) => {
                    output::note(format_args!(
                        "{root} cannot be read any more: {error}. Its functions stay as they were."
                    ));
                }
                Err(_) => {}
            }
        }
    }
}

impl CatalogSource for FolderCatalog {
    fn follow(self: Box<Self>, declared: DeclaredSender) -> BoxFuture<'static, ()> {
        Box::pin(self.run(declared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "apiVersion: kubelambda.dev/v1alpha1\nkind: Function\nmetadata: {name: f}\n\
        spec: {runtime: python3.11, handler: a.b, timeout: 3, code: {inline: {a.py: 'x'}}}\n";

    fn served(look: &Look) -> Option<Vec<u32>> {
        let snapshot = look.changed.as_ref()?;
        Some(snapshot.functions.iter().map(|served| served.timeout_seconds).collect())
    }

    #[test]
    fn a_broken_file_keeps_what_was_right_and_is_told_once() {
        let folder = std::env::current_exe()
            .unwrap()
            .with_file_name(format!("kubelambda-shelf-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("f.yaml");
        std::fs::write(&file, MANIFEST).unwrap();
        let mut shelf = Shelf::new(folder.clone(), Choices::default(), false);
        assert_eq!(served(&shelf.look().unwrap()), Some(vec![3]));
        assert_eq!(served(&shelf.look().unwrap()), None);
        std::fs::write(&file, MANIFEST.replace("timeout: 3", "timeout: 1000")).unwrap();
        let look = shelf.look().unwrap();
        assert_eq!(served(&look), None);
        assert!(look.problems[0].to_string().contains("f.yaml:4: spec.timeout: should be less"));
        assert!(shelf.look().unwrap().problems.is_empty());
        std::fs::write(&file, "").unwrap();
        assert_eq!(served(&shelf.look().unwrap()), None);
        std::fs::write(&file, MANIFEST.replace("timeout: 3", "timeout: 10")).unwrap();
        assert_eq!(served(&shelf.look().unwrap()), Some(vec![10]));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(served(&shelf.look().unwrap()), Some(vec![]));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
