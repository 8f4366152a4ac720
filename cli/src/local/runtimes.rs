//! AWS's runtime identifiers, mapped to interpreters of this machine.
//!
//! The exact version is preferred; where it is missing, the newest that is there runs the function, and it is
//! said. A `Runtime` of the folder goes before all of this: its entry point is started as it is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::process::Command;

use super::clients::{self, Client};
use super::interpreters::{Interpreter, ask_python, versions_on_path};
use super::java;
use super::node;
use crate::output;

/// What was found, or why nothing was; still looked for, maybe.
type Found = Shared<BoxFuture<'static, Result<Interpreter, String>>>;

/// Finds interpreters and clients, and remembers for this run what came of it.
#[derive(Debug)]
pub(crate) struct Runtimes {
    cache: PathBuf,
    found: Mutex<HashMap<String, Found>>,
}

impl Runtimes {
    /// With clients in `cache`.
    pub(crate) fn new(cache: PathBuf) -> Self {
        Self { cache, found: Mutex::default() }
    }

    /// What runs functions of the runtime `name`. What is missing is fetched, once, by a task of its own: it goes
    /// on if nobody waits for it, and no other runtime waits for it. That it failed is said once.
    pub(crate) fn of(&self, name: &str) -> Found {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || {
            let (search, name) = (Search { cache: self.cache.clone() }, name.to_owned());
            let looked_for = tokio::spawn(async move {
                let found = search.find(&name).await;
                if let Err(message) = &found {
                    output::note(format_args!("Functions of {name} cannot run: {message}"));
                }
                found
            });
            looked_for.map(|found| found.unwrap_or_else(|error| Err(error.to_string()))).boxed().shared()
        };
        found.entry(name.to_owned()).or_insert_with(look).clone()
    }
}

/// One search.
struct Search {
    cache: PathBuf,
}

impl Search {
    async fn find(&self, name: &str) -> Result<Interpreter, String> {
        if let Some(version) = name.strip_prefix("python") {
            return self.python(name, version).await;
        }
        if let Some(version) = name.strip_prefix("nodejs") {
            return node::find(&self.cache, name, version.trim_end_matches(".x")).await;
        }
        if let Some(version) = name.strip_prefix("java") {
            return java::find(&self.cache, name, version).await;
        }
        if name == "provided" || name.starts_with("provided.") || name == "go1.x" {
            return Ok(Interpreter::Bootstrap);
        }
        Err(format!(
            "local mode has no interpreter for '{name}': it runs python3.x, nodejsNN.x, javaNN and provided.*; for another, \
             put a Runtime of this name into the folder, whose entryPoint is a command of this machine"
        ))
    }

    async fn python(&self, name: &str, version: &str) -> Result<Interpreter, String> {
        let mut candidates = vec![name.to_owned(), "python3".to_owned()];
        candidates
            .extend(versions_on_path("python3.").into_iter().rev().map(|minor| format!("python3.{minor}")));
        for candidate in &candidates {
            let Some((program, found)) = ask_python(candidate).await else { continue };
            if found != version {
                output::note(format_args!(
                    "There is no {name} here: Python {found} runs its functions ({})",
                    program.display()
                ));
            }
            let pip = program.clone();
            let install = |to: &Path, client: Client| {
                let mut command = Command::new(pip);
                command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
                command.arg(to).arg(format!("{}=={}", client.package, client.version));
                command
            };
            let client = clients::PYTHON.ready(&self.cache, &format!("python{found}"), install).await?;
            return Ok(Interpreter::Python { program, version: found, client });
        }
        Err(format!("there is no Python 3 in PATH to run '{name}'"))
    }
}
