//! What an image would bring: the runtime's command, and variables that tell where programs and modules are.
//!
//! They are set on the shim's own process, which takes them for its image's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::interpreters::Interpreter;
use super::java;
use super::opt::Layers;
use super::snapshot::Served;
use super::workspace::{Folders, Place};
use crate::command_line::{EMULATOR_VARIABLE, LOG_VARIABLE};
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
        // This very process was started by the image, with two settings of its own.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| ![EMULATOR_VARIABLE, LOG_VARIABLE].contains(&name.as_str()));
        let (command, working_directory) = (command.clone(), working_directory.clone());
        return Ok(Surroundings { command, working_directory, variables: variables.collect() });
    }
    let handler = served.local.function.spec.handler.clone().unwrap_or_default();
    let mut variables = of_any_image(place);
    let opt = folders.layers.as_ref().map(Layers::seen);
    variables.extend(opt.into_iter().flat_map(|opt| of_layers(opt, task_root)));
    let command = match (&served.runtime, interpreter) {
        (Some(runtime), _) => runtime.entry_point.iter().cloned().chain([handler]).collect(),
        (None, Some(interpreter)) => {
            variables.extend(search_path(interpreter, task_root, opt));
            let memory_mb = served.local.function.spec.memory_size;
            command(interpreter, task_root, folders.layers.as_ref(), &handler, memory_mb)
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

fn command(
    interpreter: &Interpreter,
    task_root: &Path,
    layers: Option<&Layers>,
    handler: &str,
    memory_mb: u32,
) -> Vec<String> {
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
        Interpreter::Java { program, client, native, .. } => {
            let elsewhere = layers.filter(|layers| !layers.is_bound).map(Layers::seen);
            let arguments = java::arguments(client, native.as_deref(), elsewhere, memory_mb);
            [vec![text(program)], arguments, vec![handler.to_owned()]].concat()
        }
        Interpreter::Bootstrap => {
            // The code's, where the manifest has it, is not laid out yet.
            let in_layers = |layers: &&Layers| {
                !task_root.join("bootstrap").is_file() && layers.folder.join("bootstrap").is_file()
            };
            vec![text(&layers.filter(in_layers).map_or(task_root, Layers::seen).join("bootstrap"))]
        }
    }
}

/// Where AWS's images look for programs and libraries of layers.
fn of_layers(opt: &Path, task_root: &Path) -> [(String, String); 2] {
    let path = std::env::var("PATH").unwrap_or_default();
    let (opt, code) = (opt.display(), task_root.display());
    [
        ("PATH".to_owned(), format!("{path}:{opt}/bin")),
        ("LD_LIBRARY_PATH".to_owned(), format!("{code}:{code}/lib:{opt}/lib")),
    ]
}

/// Where an interpreter looks for modules: the code, the layers, its client.
fn search_path(interpreter: &Interpreter, task_root: &Path, opt: Option<&Path>) -> Option<(String, String)> {
    let below = |part: String| opt.map(|opt| opt.join(part));
    let (name, folders) = match interpreter {
        Interpreter::Python { version, client, .. } => {
            let packages = below(format!("python/lib/python{version}/site-packages"));
            let own = [packages, below("python".to_owned()), Some(client.clone())];
            ("PYTHONPATH", [vec![Some(task_root.to_owned())], own.to_vec()].concat())
        }
        Interpreter::Node { client, major, .. } => {
            let versioned = below(format!("nodejs/node{major}/node_modules"));
            let client = Some(client.join("node_modules"));
            ("NODE_PATH", vec![versioned, below("nodejs/node_modules".to_owned()), client])
        }
        Interpreter::Java { .. } | Interpreter::Bootstrap => return None,
    };
    let folders: Vec<_> = folders.iter().flatten().map(|folder| folder.display().to_string()).collect();
    Some((name.to_owned(), folders.join(":")))
}
