//! What a person is told when something in the folder was saved: what changed, and what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::look::Look;
use super::snapshot::{Served, Snapshot};
use crate::output;

/// Tells what a look at `root` found; `before` is what was served until now.
pub(super) fn report(look: &Look, root: &Path, before: &Snapshot) {
    look.problems.iter().for_each(output::note);
    if !look.problems.is_empty() {
        output::note("The file's functions stay as they were.");
    }
    look.notes.iter().for_each(output::note);
    let Some(after) = &look.changed else { return };
    let became = became(before, after);
    // What is wrong says all where nothing came of it.
    if look.problems.is_empty() || !became.is_empty() {
        output::note(changed(&look.saved, root, &became));
    }
}

/// Which files changed, and what came of it.
fn changed(saved: &[PathBuf], root: &Path, became: &[String]) -> String {
    let files: Vec<_> = saved.iter().map(|path| seen_from(root, path)).collect();
    let became = if became.is_empty() { "No function changed".to_owned() } else { became.join(". ") };
    format!("Changed: {}. {became}.", files.join(", "))
}

/// What became of which functions.
fn became(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let name = |served: &Served| served.local.function.aws_name().to_owned();
    let (mut reloaded, mut new) = (Vec::new(), Vec::new());
    for served in &after.functions {
        match before.find(served.local.function.aws_name()) {
            Some(old) if old.revision == served.revision => {}
            Some(_) => reloaded.push(name(served)),
            None => new.push(name(served)),
        }
    }
    let is_gone = |served: &&Arc<Served>| after.find(&name(served)).is_none();
    let gone: Vec<_> = before.functions.iter().filter(is_gone).map(|served| name(served)).collect();
    let all = [("Reloaded", reloaded), ("New", new), ("Gone", gone)];
    let some = all.into_iter().filter(|(_, names)| !names.is_empty());
    some.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect()
}

/// A path as it is written by whoever stands in the folder.
fn seen_from(root: &Path, path: &Path) -> String {
    let folder = if path == root { root.parent() } else { None };
    path.strip_prefix(folder.unwrap_or(root)).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use resources::Function;
    use serde_json::json;

    use super::*;
    use crate::project::LocalFunction;

    fn snapshot(functions: &[(&str, &str)]) -> Snapshot {
        let function = |(name, text): &(&str, &str)| {
            let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": text}}});
            let function = Function::new(name, serde_json::from_value(spec).unwrap());
            (LocalFunction::of_manifest(function, Path::new("f.yaml")), 0)
        };
        Snapshot::build(functions.iter().map(function).collect(), &BTreeMap::new(), false).0
    }

    #[test]
    fn files_that_changed_and_what_became_of_functions_are_told() {
        let before = snapshot(&[("f", "1"), ("g", "1"), ("h", "1")]);
        let check = |saved: &[&str], after: &[(&str, &str)], expected: &str| {
            let saved: Vec<_> = saved.iter().map(PathBuf::from).collect();
            let became = became(&before, &snapshot(after));
            assert_eq!(changed(&saved, Path::new("/here"), &became), expected);
        };
        let same = [("f", "1"), ("g", "1"), ("h", "1")];
        check(&["/here/f.yaml"], &same, "Changed: f.yaml. No function changed.");
        let other = [("f", "2"), ("g", "1"), ("i", "1")];
        let expected = "Changed: src/app.py, /there/layer. Reloaded: f. New: i. Gone: h.";
        check(&["/here/src/app.py", "/there/layer"], &other, expected);
        check(&["/here"], &other[..1], "Changed: here. Reloaded: f. Gone: g, h.");
    }
}
