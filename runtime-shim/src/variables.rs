//! The environment variables of a runtime.
//!
//! From the weakest to the strongest: the image's own, defaults where the image has none, the function's, and
//! those of the platform, which nothing replaces.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::Path;

use domain::ids::MetadataToken;
use domain::log_stream::{Day, log_stream_name};
use protocol::link::assignment::Assignment;

use crate::settings::is_setting;

/// Where an image's managed runtime lies.
const RUNTIME_DIRECTORY: &str = "/var/runtime";
/// What a function finds where neither its image nor its author says otherwise.
const DEFAULTS: [(&str, &str); 5] = [
    ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("HOME", "/tmp"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
];

/// Makes AWS's clients fork or run handlers in several threads, of which each asks for an invocation; an environment
/// here runs one at a time.
const NEVER: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// What extensions do not get, beside every name with an underscore in front (recorded from the service).
const NOT_FOR_EXTENSIONS: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// What the variables are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variables<'a> {
    /// The function.
    pub assignment: &'a Assignment,
    /// Address of the Runtime API.
    pub runtime_api: SocketAddr,
    /// What the metadata endpoint is asked with.
    pub metadata_token: MetadataToken,
    /// Where the X-Ray daemon's port is.
    pub xray_daemon: SocketAddr,
    /// Where the code is.
    pub task_root: &'a Path,
    /// The day that the log stream is named after.
    pub day: Day,
}

impl Variables<'_> {
    /// All variables; `own` are the shim's, which are the image's.
    pub(crate) fn all(self, own: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let mut all: BTreeMap<OsString, OsString> = own.filter(|(name, _)| is_the_image_s(name)).collect();
        for (name, value) in DEFAULTS {
            all.entry(name.into()).or_insert_with(|| value.into());
        }
        all.entry("AWS_XRAY_DAEMON_ADDRESS".into()).or_insert_with(|| self.xray_daemon.to_string().into());
        let logging = self.assignment.logging;
        if logging.is_json() {
            // The function may say otherwise, to its client only.
            all.insert("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into());
            all.insert("AWS_LAMBDA_LOG_LEVEL".into(), logging.application_level.name().into());
        }
        // AWS drops names that begin with an underscore; a name or value that no process can have is no variable.
        let allowed = |name: &str, value: &str| {
            !name.is_empty() && !name.starts_with('_') && !name.contains(['=', '\0']) && !value.contains('\0')
        };
        let function_s = self.assignment.variables.iter().filter(|(name, value)| allowed(name, value));
        all.extend(function_s.map(|(name, value)| (name.into(), value.into())));
        all.extend(self.platform().into_iter().map(|(name, value)| (name.into(), value.into())));
        all.remove(OsStr::new(NEVER));
        all.into_iter().collect()
    }

    /// What an external extension gets: all, but what is the runtime's alone.
    pub(crate) fn of_extension(
        self,
        own: impl Iterator<Item = (OsString, OsString)>,
    ) -> Vec<(OsString, OsString)> {
        let mut all = self.all(own);
        all.retain(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with('_') && !NOT_FOR_EXTENSIONS.contains(&name.as_ref())
        });
        all
    }

    fn platform(self) -> Vec<(&'static str, String)> {
        let assignment = self.assignment;
        let version = &assignment.revision.version;
        let mut platform = vec![
            ("AWS_LAMBDA_FUNCTION_NAME", assignment.function_name.to_string()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", assignment.memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", assignment.log_group.clone()),
            ("AWS_LAMBDA_RUNTIME_API", self.runtime_api.to_string()),
            ("AWS_LAMBDA_METADATA_API", self.runtime_api.to_string()),
            ("AWS_LAMBDA_METADATA_TOKEN", self.metadata_token.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_EXECUTION_ENV", assignment.execution_environment.clone()),
            ("AWS_REGION", assignment.region.to_string()),
            ("AWS_DEFAULT_REGION", assignment.region.to_string()),
            ("LAMBDA_TASK_ROOT", self.task_root.display().to_string()),
            ("_AWS_XRAY_DAEMON_ADDRESS", self.xray_daemon.ip().to_string()),
            ("_AWS_XRAY_DAEMON_PORT", self.xray_daemon.port().to_string()),
            ("LAMBDA_RUNTIME_DIR", RUNTIME_DIRECTORY.to_owned()),
        ];
        if assignment.logging.enabled || insists_on_a_log_stream(assignment) {
            let group = (assignment.log_group.as_str(), &assignment.function_name);
            let stream = log_stream_name(self.day, group, version, &assignment.log_stream_id);
            platform.push(("AWS_LAMBDA_LOG_STREAM_NAME", stream));
        }
        if let Some(handler) = &assignment.handler {
            platform.push(("_HANDLER", handler.clone()));
        }
        platform
    }
}

/// AWS's client for Node.js, version 4, exits without the log stream's name. An image's client is not known.
fn insists_on_a_log_stream(assignment: &Assignment) -> bool {
    assignment.execution_environment.starts_with("AWS_Lambda_nodejs")
}

/// False for what the shim was started with and what Kubernetes adds: a function sees what its image sets. Pods are
/// created without variables that tell of services, so a name such as `DB_SERVICE_HOST` is the image's.
fn is_the_image_s(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return true };
    !(name.starts_with("KUBERNETES_") || name == "HOSTNAME" || is_setting(name))
}

#[cfg(test)]
mod tests;
