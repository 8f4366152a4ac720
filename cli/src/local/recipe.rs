//! From a function to the assignment of one environment: the same that the operator would send to a pod.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use domain::log_stream::LogStreamId;
use domain::{Region, RuntimeVersion};
use protocol::link::assignment::{Assignment, Code, Idle};
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::Frame;
use resources::function::IdlePolicy;
use resources::rules::zip_bytes;

use super::debugging;
use super::interpreters::Interpreter;
use super::snapshot::{Served, account};
use super::surroundings::{Surroundings, surroundings};
use super::workspace::{Folders, Place};
use crate::project::LocalCode;

/// Variables that join what a function sets with what its runtime or a debugger needs, and what separates them.
const JOINED: [(&str, char); 4] =
    [("PYTHONPATH", ':'), ("NODE_PATH", ':'), ("NODE_OPTIONS", ' '), ("JAVA_TOOL_OPTIONS", ' ')];

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
    let Surroundings { command, working_directory, mut variables } =
        surroundings(served, interpreter, folders, &task_root, place)?;
    let is_debugged = served.is_debugged();
    if is_debugged {
        variables.extend(debugging::variables());
    }
    let (code, body) = code(&served.local.code, spec)?;
    let function_name = served.local.function.aws_name().parse().map_err(|error| format!("{error}"))?;
    let assignment = Assignment {
        revision: served.revision.clone(),
        log_group: spec.log_group(&function_name),
        function_name,
        account: account(),
        region: region.clone(),
        handler: spec.handler.clone(),
        code,
        command,
        working_directory: working_directory.display().to_string(),
        variables: own_variables(served, &variables),
        execution_environment: format!("AWS_Lambda_{}", spec.runtime.as_deref().unwrap_or("Image")),
        memory_mb: spec.memory_size,
        timeout_seconds: served.timeout_seconds,
        ephemeral_storage_mb: spec.ephemeral_storage,
        log_stream_id: LogStreamId::from_random_bytes(log_stream),
        idle: if is_debugged || spec.idle == IdlePolicy::Run { Idle::Run } else { Idle::Freeze },
        logging: spec.logging(),
        runtime_version: runtime_version(served, interpreter),
        isolates_tenants: spec.isolates_tenants(),
    };
    let assignment = Frame { header: ToEnvironment::Assign(Box::new(assignment)), body };
    Ok(Recipe { task_root, variables, assignment })
}

/// A Runtime of the folder says its own version, or none; an image, which has no interpreter of ours, has none.
fn runtime_version(served: &Served, interpreter: Option<&Interpreter>) -> Option<RuntimeVersion> {
    match &served.runtime {
        Some(runtime) => runtime.runtime_version(),
        None => Some(interpreter?.runtime_version(served.local.function.spec.runtime.as_deref()?)),
    }
}

/// What the function and its Runtime set. One that sets a search path must not lose the runtime client by it.
fn own_variables(served: &Served, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut own = served.runtime.as_ref().map(|runtime| runtime.variables.clone()).unwrap_or_default();
    own.extend(served.local.function.spec.environment.clone().unwrap_or_default().variables);
    for (name, separator) in JOINED {
        if let (Some(own), Some(ours)) = (own.get_mut(name), variables.get(name)) {
            *own = format!("{own}{separator}{ours}");
        }
    }
    own
}

fn code(code: &LocalCode, spec: &resources::FunctionSpec) -> Result<(Code, Bytes), String> {
    match (code, &spec.code.inline, &spec.code.zip_file) {
        (LocalCode::Manifest, Some(files), _) => Ok((Code::Inline { files: files.clone() }, Bytes::new())),
        (LocalCode::Manifest, None, Some(text)) => Ok((Code::Zip, Bytes::from(zip_bytes(text)?))),
        // It lies where it is used, as in an image.
        _ => Ok((Code::Image, Bytes::new())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use resources::Function;
    use serde_json::{Value, json};

    use super::super::opt::Layers;
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
        let place = Place {
            task_root: "/own/task".into(),
            temporary: "/own/tmp".into(),
            temporary_is_own: true,
            addresses: "/own/a".into(),
        };
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
        assert_eq!(assignment.runtime_version.unwrap().version, "python:3.11.v1");
        assert_eq!(assignment.working_directory, "/own/task");
        assert_eq!(variables["PYTHONPATH"], "/own/task:/client");
        assert_eq!(assignment.variables["PYTHONPATH"], "mine:/own/task:/client");
        assert_eq!((variables["TMPDIR"].as_str(), variables["HOME"].as_str()), ("/own/tmp", "/own/tmp"));
    }

    #[test]
    fn layers_are_searched_where_the_environment_sees_them() {
        for (is_bound, seen) in [(true, "/opt"), (false, "/run/layers")] {
            let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
            let layers = Layers { folder: "/run/layers".into(), is_bound };
            let folders = Folders { code: Some("/code".into()), layers: Some(layers) };
            let (assignment, variables) = made(spec, &python(), &folders);
            let expected = "/code:/opt/python/lib/python3.11/site-packages:/opt/python:/client";
            assert_eq!(variables["PYTHONPATH"], expected.replace("/opt", seen));
            assert_eq!(variables["LD_LIBRARY_PATH"], "/code:/code/lib:/opt/lib".replace("/opt", seen));
            assert!(variables["PATH"].ends_with(&format!(":{seen}/bin")));
            assert_eq!(assignment.working_directory, "/code");
        }
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
