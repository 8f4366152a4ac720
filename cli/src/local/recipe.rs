//! From a function to what its environment is started with: variables, folders, and the assignment.
//!
//! The shim is told the same as in a pod. What an image would set there (`PATH`, where modules are) is set here
//! on the shim's own process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::Region;
use domain::log_stream::{LogStreamId, default_log_group};
use protocol::link::assignment::{Assignment, Code, Idle};
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::Frame;
use resources::function::IdlePolicy;

use super::runtimes::Interpreter;
use super::snapshot::{DEBUG_SECONDS, Served, account};
use super::workspace::Place;
use crate::manifest::zip_bytes;
use crate::project::LocalCode;

/// Variables that join what a function sets with what its runtime needs, separated by colons.
const SEARCH_PATHS: [&str; 2] = ["PYTHONPATH", "NODE_PATH"];

/// What an environment is started with.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Where code is laid out, or lies.
    pub task_root: PathBuf,
    /// Variables of the shim's process, which take the place of an image's.
    pub variables: BTreeMap<String, String>,
    /// The assignment.
    pub assignment: Frame<ToEnvironment>,
}

/// Folders that a function's code and layers are in, unpacked where they were archives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folders {
    /// The code's folder; none where the manifest has it.
    pub code: Option<PathBuf>,
    /// The layers', in order.
    pub layers: Vec<PathBuf>,
}

/// The recipe of a function for one environment.
pub(crate) fn recipe(
    served: &Served,
    interpreter: Option<&Interpreter>,
    folders: &Folders,
    place: &Place,
    region: &Region,
    log_stream: [u8; 16],
) -> Result<Recipe, String> {
    let spec = &served.local.function.spec;
    let task_root = folders.code.clone().unwrap_or_else(|| place.task_root.clone());
    let handler = spec.handler.clone().unwrap_or_default();
    let command = match (&served.runtime, interpreter) {
        (Some(runtime), _) => runtime.entry_point.iter().cloned().chain([handler.clone()]).collect(),
        (None, Some(interpreter)) => command(interpreter, &task_root, &folders.layers, &handler),
        (None, None) => return Err("the function names no runtime".to_owned()),
    };
    let mut variables = surroundings(place);
    if let Some(interpreter) = interpreter {
        variables.extend(search_paths(interpreter, &task_root, &folders.layers));
    }
    let mut own = served.runtime.as_ref().map(|runtime| runtime.variables.clone()).unwrap_or_default();
    own.extend(spec.environment.clone().unwrap_or_default().variables);
    for name in SEARCH_PATHS {
        // A function that sets the search path itself must not lose the runtime client by it.
        if let (Some(own), Some(ours)) = (own.get_mut(name), variables.get(name)) {
            *own = format!("{own}:{ours}");
        }
    }
    let (code, body) = code(&served.local.code, spec)?;
    let function_name = served.local.function.aws_name().parse().map_err(|error| format!("{error}"))?;
    let is_debugged = served.timeout_seconds == DEBUG_SECONDS;
    let runtime_name = spec.runtime.as_deref().unwrap_or_default();
    let assignment = Assignment {
        revision: served.revision.clone(),
        log_group: default_log_group(&function_name),
        function_name,
        account: account(),
        region: region.clone(),
        handler: spec.handler.clone(),
        code,
        command,
        working_directory: task_root.display().to_string(),
        variables: own,
        execution_environment: format!("AWS_Lambda_{runtime_name}"),
        memory_mb: spec.memory_size,
        timeout_seconds: served.timeout_seconds,
        ephemeral_storage_mb: spec.ephemeral_storage,
        log_stream_id: LogStreamId::from_random_bytes(log_stream),
        idle: if is_debugged || spec.idle == IdlePolicy::Run { Idle::Run } else { Idle::Freeze },
    };
    let assignment = Frame { header: ToEnvironment::Assign(Box::new(assignment)), body };
    Ok(Recipe { task_root, variables, assignment })
}

fn code(code: &LocalCode, spec: &resources::FunctionSpec) -> Result<(Code, Bytes), String> {
    match (code, &spec.code.inline, &spec.code.zip_file) {
        (LocalCode::Manifest, Some(files), _) => Ok((Code::Inline { files: files.clone() }, Bytes::new())),
        (LocalCode::Manifest, None, Some(text)) => Ok((Code::Zip, Bytes::from(zip_bytes(text)?))),
        // It lies where it is used, as in an image.
        _ => Ok((Code::Image, Bytes::new())),
    }
}

/// What any image has, and folders of the environment's own in place of `/tmp`.
fn surroundings(place: &Place) -> BTreeMap<String, String> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use resources::Function;
    use serde_json::{Value, json};

    use super::super::snapshot::Snapshot;
    use super::*;
    use crate::project::LocalFunction;

    fn made(
        spec: Value,
        interpreter: &Interpreter,
        folders: &Folders,
    ) -> (Assignment, BTreeMap<String, String>) {
        let function = Function::new("f", serde_json::from_value(spec).unwrap());
        let local = LocalFunction::of_manifest(function, Path::new("f.yaml"));
        let (snapshot, _) = Snapshot::build(vec![(local, 0)], &BTreeMap::new(), false);
        let place =
            Place { task_root: "/own/task".into(), temporary: "/own/tmp".into(), addresses: "/own/a".into() };
        let region = "eu-west-1".parse().unwrap();
        let made =
            recipe(&snapshot.functions[0], Some(interpreter), folders, &place, &region, [1; 16]).unwrap();
        let ToEnvironment::Assign(assignment) = made.assignment.header else { panic!() };
        (*assignment, made.variables)
    }

    fn python() -> Interpreter {
        Interpreter::Python {
            program: "/bin/python".into(),
            version: "3.11".into(),
            client: "/client".into(),
        }
    }

    #[test]
    fn python_runs_aws_s_client_on_the_handler() {
        let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}},
            "environment": {"variables": {"PYTHONPATH": "mine"}}});
        let (assignment, variables) = made(spec, &python(), &Folders::default());
        assert_eq!(assignment.command, ["/bin/python", "-m", "awslambdaric", "a.b"]);
        assert_eq!(assignment.working_directory, "/own/task");
        assert_eq!(variables["PYTHONPATH"], "/own/task:/client");
        assert_eq!(assignment.variables["PYTHONPATH"], "mine:/own/task:/client");
        assert_eq!((variables["TMPDIR"].as_str(), variables["HOME"].as_str()), ("/own/tmp", "/own/tmp"));
    }

    #[test]
    fn later_layers_go_before_earlier_ones() {
        let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
        let folders = Folders { code: Some("/code".into()), layers: vec!["/one".into(), "/two".into()] };
        let (assignment, variables) = made(spec, &python(), &folders);
        let expected = "/code:/two/python/lib/python3.11/site-packages:/one/python/lib/python3.11/site-packages:\
            /two/python:/one/python:/client";
        assert_eq!(variables["PYTHONPATH"], expected);
        assert_eq!(variables["LD_LIBRARY_PATH"], "/two/lib:/one/lib");
        assert_eq!(assignment.working_directory, "/code");
    }

    #[test]
    fn a_provided_runtime_is_the_code_s_bootstrap() {
        let spec =
            json!({"runtime": "provided.al2023", "handler": "h", "code": {"inline": {"bootstrap": ""}}});
        let (assignment, _) = made(spec, &Interpreter::Bootstrap, &Folders::default());
        assert_eq!(assignment.command, ["/own/task/bootstrap"]);
        assert_eq!(assignment.execution_environment, "AWS_Lambda_provided.al2023");
    }
}
