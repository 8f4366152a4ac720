//! Layers and archives, laid out on disk.

use std::io::Write;
use std::sync::Barrier;

use serde_json::json;
use zip::write::SimpleFileOptions;

use super::*;
use crate::local::starter::random;

/// More than two, and many files, so that starts without a lock would meet.
const STARTS: usize = 8;
const FILES: usize = 200;

fn archive(path: PathBuf, name: &str) -> PathBuf {
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for index in 0..FILES {
        zip.start_file(format!("{name}/{index}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn function(code: LocalCode, layers: Vec<PathBuf>) -> LocalFunction {
    let manifest = json!({
        "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function", "metadata": {"name": "f"},
        "spec": {"runtime": "python3.13", "handler": "a.b", "code": {}},
    });
    LocalFunction {
        function: serde_json::from_value(manifest).unwrap(),
        code,
        layers,
        source: PathBuf::new(),
    }
}

#[test]
fn environments_that_start_at_once_share_what_one_lays_out() {
    let workspace = Workspace::create(random().unwrap()).unwrap();
    let made = |name: &str| archive(workspace.folder().join(format!("{name}.zip")), name);
    let function = function(LocalCode::Archive(made("code")), vec![made("one"), made("two")]);
    let barrier = Barrier::new(STARTS);
    let start = || {
        barrier.wait();
        (workspace.layers(&function), workspace.code(&function))
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let layers = all[0].0.clone().unwrap().unwrap();
    let code = all[0].1.clone().unwrap().unwrap();
    assert!(all.iter().all(|one| *one == (Ok(Some(layers.clone())), Ok(Some(code.clone())))), "{all:?}");
    for (folder, name) in [(&layers, "one"), (&layers, "two"), (&code, "code")] {
        assert_eq!(fs::read_dir(folder.join(name)).unwrap().count(), FILES, "{name}");
    }
}

#[test]
fn a_layer_is_not_written_through_links_of_an_earlier_one() {
    let workspace = Workspace::create(random().unwrap()).unwrap();
    let [elsewhere, one, two] = ["elsewhere", "one", "two"].map(|name| workspace.folder().join(name));
    for folder in [&elsewhere, &one, &two.join("folder")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(elsewhere.join("kept"), "as it was").unwrap();
    symlink(&elsewhere, one.join("folder")).unwrap();
    symlink(elsewhere.join("kept"), one.join("file")).unwrap();
    fs::write(two.join("folder/kept"), "of the layer").unwrap();
    fs::write(two.join("file"), "of the layer").unwrap();

    let function = function(LocalCode::Manifest, vec![one, two]);
    let layers = workspace.layers(&function).unwrap().unwrap();

    assert_eq!(fs::read_to_string(elsewhere.join("kept")).unwrap(), "as it was");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
    for file in ["folder/kept", "file"] {
        assert_eq!(fs::read_to_string(layers.join(file)).unwrap(), "of the layer", "{file}");
    }
}

#[test]
fn what_a_failed_attempt_left_is_cleared() {
    let workspace = Workspace::create(random().unwrap()).unwrap();
    let code = archive(workspace.folder().join("code.zip"), "code");
    let state = stamp::of(&code);
    let left = workspace.folder().join(format!("code-{state:016x}.partial"));
    fs::create_dir_all(left.join("stale")).unwrap();
    let code = workspace.code(&function(LocalCode::Archive(code), Vec::new())).unwrap().unwrap();
    assert!(code.join("code/0").is_file() && !code.join("stale").exists());
}
