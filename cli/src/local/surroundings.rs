//! What an image would bring: the runtime's command, and variables that tell where programs and modules are.
//!
//! They are set on the shim's own process, which takes them for its image's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recipe::Folders;
use super::runtimes::Interpreter;
use super::snapshot::Served;
use super::workspace::Place;
use crate::project::LocalCode;

/// What a runtime is started in.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Its command, complete.
    pub command: Vec<String>,
    /// Where that starts.
    pub working_directory: PathBuf,
    /// What an image would set.
    pub variables: BTreeMap<String, String>,
}

/// The surroundings of a function's runtime.
pub(super) fn surroundings(
    served: &Served,
    interpreter: Option<&Interpreter>,
    folders: &Folders,
    task_root: &Path,
    place: &Place,
) -> Result<Surroundings, String> {
    if let LocalCode::Image { command, working_directory, .. } = &served.local.code {
        // This very process was started by the image.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (command, working_directory) = (command.clone(), working_directory.clone());
        return Ok(Surroundings { command, working_directory, variables: variables.collect() });
    }
    let handler = served.local.function.spec.handler.clone().unwrap_or_default();
    let mut variables = of_any_image(place);
    let command = match (&served.runtime, interpreter) {
        (Some(runtime), _) => runtime.entry_point.iter().cloned().chain([handler]).collect(),
        (None, Some(interpreter)) => {
            variables.extend(search_paths(interpreter, task_root, &folders.layers));
            command(interpreter, task_root, &folders.layers, &handler)
        }
        (None, None) => return Err("the function names no runtime".to_owned()),
    };
    Ok(Surroundings { command, working_directory: task_root.to_owned(), variables })
}

/// What any image has, and folders of the environment's own in place of `/tmp`.
fn of_any_image(place: &Place) -> BTreeMap<String, String> {
    let temporary = place.temporary.display().to_string();
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    [("PATH", path), ("HOME", temporary.clone()), ("TMPDIR", temporary)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn command(interpreter: &Interpreter, task_root: &Path, layers: &[PathBuf], handler: &str) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    match interpreter {
        Interpreter::Python { program, .. } => {
            vec![text(program), "-m".to_owned(), "awslambdaric".to_owned(), handler.to_owned()]
        }
        Interpreter::Node { program, client, major } => {
            let client = client.join("node_modules/aws-lambda-ric");
            let entry = if *major >= 22 { client.join("index.mjs") } else { client.join("bin/index.mjs") };
            vec![text(program), text(&entry), handler.to_owned()]
        }
        Interpreter::Bootstrap => {
            let mut places = std::iter::once(task_root).chain(layers.iter().map(PathBuf::as_path));
            let found = places.find(|folder| folder.join("bootstrap").is_file()).unwrap_or(task_root);
            vec![text(&found.join("bootstrap"))]
        }
    }
}

/// Where an interpreter looks for modules and programs: the code, the layers in the place of `/opt`, its client.
fn search_paths(interpreter: &Interpreter, task_root: &Path, layers: &[PathBuf]) -> Vec<(String, String)> {
    let join = |folders: Vec<PathBuf>| {
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":")
    };
    let below = |part: &str| layers.iter().rev().map(|layer| layer.join(part)).collect::<Vec<_>>();
    let mut paths = match interpreter {
        Interpreter::Python { version, client, .. } => {
            let packages = format!("python/lib/python{version}/site-packages");
            let folders =
                [vec![task_root.to_owned()], below(&packages), below("python"), vec![client.clone()]];
            vec![("PYTHONPATH".to_owned(), join(folders.concat()))]
        }
        Interpreter::Node { client, major, .. } => {
            let versioned = below(&format!("nodejs/node{major}/node_modules"));
            let folders = [versioned, below("nodejs/node_modules"), vec![client.join("node_modules")]];
            vec![("NODE_PATH".to_owned(), join(folders.concat()))]
        }
        Interpreter::Bootstrap => Vec::new(),
    };
    if !layers.is_empty() {
        let path = std::env::var("PATH").unwrap_or_default();
        paths.push(("PATH".to_owned(), format!("{}:{path}", join(below("bin")))));
        paths.push(("LD_LIBRARY_PATH".to_owned(), join(below("lib"))));
    }
    paths
}
