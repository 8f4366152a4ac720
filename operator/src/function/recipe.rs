//! With what a Function's environments start: image, command line, folder.
//!
//! Since the shim replaces the image's command, it must be told the image's own. For a Runtime that is written
//! in the Runtime; for an image of the author's it is read from the registry, unless the author wrote it.

use std::collections::BTreeMap;

use domain::RuntimeVersion;
use protocol::link::assignment::{ConfigurationHash, Revision};
use resources::configuration::configuration_hash;
use resources::function::ImageConfig;
use resources::{Function, Reason, RuntimeSpec};

use super::Problem;
use super::status::pinned_image;
use crate::image::{ImageFacts, ImageProgress};
use crate::pod::RunImage;

/// Where code lies, and where the command starts unless an image says otherwise.
const TASK_ROOT: &str = "/var/task";

/// What the environments of one revision start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The container image.
    pub image: RunImage,
    /// The command line of the runtime, complete.
    pub command: Vec<String>,
    /// Where it starts.
    pub working_directory: String,
    /// Value of `AWS_EXECUTION_ENV`.
    pub execution_environment: String,
    /// What the runtime needs beside the image's own variables.
    pub runtime_variables: BTreeMap<String, String>,
    /// The Runtime's version, where it says one; an image of the author's has none.
    pub runtime_version: Option<RuntimeVersion>,
}

/// The revision that a Function describes now.
pub fn revision(function: &Function, runtime: Option<&RuntimeSpec>) -> Revision {
    Revision {
        namespace: function.metadata.namespace.clone().unwrap_or_default(),
        function: function.metadata.name.clone().unwrap_or_default(),
        uid: function.metadata.uid.clone().unwrap_or_default(),
        version: domain::LATEST.to_owned(),
        configuration: ConfigurationHash(configuration_hash(&function.spec, runtime)),
    }
}

/// The recipe; `Ok(None)` while the registry has not answered yet.
pub fn recipe(
    function: &Function,
    runtime: Option<&RuntimeSpec>,
    image: &ImageProgress,
) -> Result<Option<Recipe>, Problem> {
    match (&function.spec.code.image, &function.spec.runtime) {
        (Some(reference), _) => of_image(function, reference, image),
        (None, Some(name)) => of_runtime(function, name, runtime).map(Some),
        (None, None) => Err(Problem::new(Reason::InvalidSpec, "spec: set spec.runtime or spec.code.image")),
    }
}

fn of_runtime(function: &Function, name: &str, runtime: Option<&RuntimeSpec>) -> Result<Recipe, Problem> {
    let Some(runtime) = runtime else {
        let message =
            format!("spec.runtime: there is no Runtime '{name}'; `kubectl get runtimes` lists them");
        return Err(Problem::new(Reason::UnknownRuntime, message));
    };
    let mut pull_secrets = names(&runtime.image_pull_secrets);
    pull_secrets.extend(names(&function.spec.image_pull_secrets));
    pull_secrets.dedup();
    Ok(Recipe {
        image: RunImage { reference: runtime.image.clone(), pull_secrets },
        command: runtime.entry_point.iter().cloned().chain(function.spec.handler.clone()).collect(),
        working_directory: TASK_ROOT.to_owned(),
        execution_environment: format!("AWS_Lambda_{name}"),
        runtime_variables: runtime.variables.clone(),
        runtime_version: runtime.runtime_version(),
    })
}

fn of_image(function: &Function, reference: &str, image: &ImageProgress) -> Result<Option<Recipe>, Problem> {
    let written = function.spec.image_config.clone().unwrap_or_default();
    let facts = match image {
        ImageProgress::Asking => return Ok(None),
        ImageProgress::Known(facts) => facts.clone(),
        ImageProgress::Missing(message) => {
            return Err(Problem::new(Reason::ImagePullFailed, message.clone()));
        }
        ImageProgress::Unreadable(_) if written.entry_point.is_some() => {
            let pinned = pinned_image(function.metadata.generation, function.status.as_ref());
            ImageFacts { reference: pinned.unwrap_or(reference).to_owned(), ..ImageFacts::default() }
        }
        ImageProgress::Unreadable(message) => {
            let message = format!(
                "{message}. Where the registry cannot be asked, write spec.imageConfig.entryPoint and command"
            );
            return Err(Problem::new(Reason::ImageConfigUnknown, message));
        }
    };
    let ImageConfig { entry_point, command, working_directory } = written;
    let command: Vec<String> =
        [entry_point.unwrap_or(facts.entry_point), command.unwrap_or(facts.command)].concat();
    if command.is_empty() {
        let message =
            format!("{reference} has neither ENTRYPOINT nor CMD: write spec.imageConfig.entryPoint");
        return Err(Problem::new(Reason::ImageConfigUnknown, message));
    }
    let written_or_image = working_directory.or(facts.working_directory);
    Ok(Some(Recipe {
        image: RunImage {
            reference: facts.reference,
            pull_secrets: names(&function.spec.image_pull_secrets),
        },
        command,
        working_directory: written_or_image.unwrap_or_else(|| "/".to_owned()),
        execution_environment: "AWS_Lambda_Image".to_owned(),
        runtime_variables: BTreeMap::new(),
        runtime_version: None,
    }))
}

fn names(references: &[resources::function::LocalObjectReference]) -> Vec<String> {
    references.iter().map(|reference| reference.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn function(spec: Value) -> Function {
        Function::new("f", serde_json::from_value(spec).unwrap())
    }

    fn facts() -> ImageProgress {
        ImageProgress::Known(ImageFacts {
            reference: "r/i@sha256:0".into(),
            entry_point: vec!["/entry".into()],
            command: vec!["handler".into()],
            working_directory: Some("/app".into()),
        })
    }

    #[test]
    fn a_runtimes_command_ends_with_the_handler() {
        let runtime = json!({"image": "python", "version": "python:3.13.v45"});
        let runtime: RuntimeSpec = serde_json::from_value(runtime).unwrap();
        let function =
            function(json!({"runtime": "python3.13", "handler": "a.b", "code": {"inline": {"a.py": ""}}}));
        let recipe = recipe(&function, Some(&runtime), &ImageProgress::Asking).unwrap().unwrap();
        assert_eq!(recipe.command, ["/lambda-entrypoint.sh", "a.b"]);
        assert_eq!(recipe.execution_environment, "AWS_Lambda_python3.13");
        assert_eq!(recipe.working_directory, "/var/task");
        assert_eq!(recipe.runtime_version.unwrap().version, "python:3.13.v45");
    }

    #[test]
    fn a_runtime_that_does_not_exist_is_named() {
        let function = function(json!({"runtime": "cobol", "handler": "a.b", "code": {"inline": {"a": ""}}}));
        let problem = recipe(&function, None, &ImageProgress::Asking).unwrap_err();
        assert_eq!(problem.reason, Reason::UnknownRuntime);
        assert!(problem.message.contains("'cobol'"));
    }

    #[test]
    fn an_image_is_started_as_it_says_unless_the_author_says_otherwise() {
        let command = |config: Value, image: &ImageProgress| {
            let function = function(json!({"code": {"image": "r/i:1"}, "imageConfig": config}));
            recipe(&function, None, image)
        };
        let plain = command(json!({}), &facts()).unwrap().unwrap();
        assert_eq!(
            (plain.command.join(" ").as_str(), plain.working_directory.as_str()),
            ("/entry handler", "/app")
        );
        assert_eq!(plain.image.reference, "r/i@sha256:0");
        assert_eq!(plain.runtime_version, None);
        let own = command(json!({"entryPoint": ["/mine"], "command": ["x"]}), &facts()).unwrap().unwrap();
        assert_eq!(own.command, ["/mine", "x"]);
        let silent = ImageProgress::Unreadable("no answer".into());
        let unread = command(json!({"entryPoint": ["/mine"]}), &silent).unwrap().unwrap();
        assert_eq!((unread.command.join(" ").as_str(), unread.image.reference.as_str()), ("/mine", "r/i:1"));
        assert_eq!(command(json!({}), &silent).unwrap_err().reason, Reason::ImageConfigUnknown);
        let missing = ImageProgress::Missing("manifest unknown".into());
        let refused = command(json!({"entryPoint": ["/mine"]}), &missing).unwrap_err();
        assert_eq!((refused.reason, refused.message.as_str()), (Reason::ImagePullFailed, "manifest unknown"));
        assert_eq!(command(json!({}), &ImageProgress::Asking), Ok(None));
    }
}
