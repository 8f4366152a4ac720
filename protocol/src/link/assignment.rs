//! What makes a generic environment one version's: sent once in a pod's life, by the operator.

use std::collections::BTreeMap;

use domain::log_format::Logging;
use domain::log_stream::LogStreamId;
use domain::{AccountId, FunctionName, Region, RuntimeVersion};
use serde::{Deserialize, Serialize};

/// The digest of everything in a function that its environments depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigurationHash(pub String);

/// The version and configuration that an environment belongs to. Two revisions never share an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The namespace of the Function object.
    pub namespace: String,
    /// `metadata.name` of the Function object.
    pub function: String,
    /// `metadata.uid` of the Function object: one that was deleted and made anew is another function.
    pub uid: String,
    /// `$LATEST` or a version number.
    pub version: String,
    /// See [`ConfigurationHash`].
    pub configuration: ConfigurationHash,
}

/// Where the code comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Code {
    /// The image has it.
    Image,
    /// File name → text, written under `/var/task`.
    Inline {
        /// Relative paths with `/`, and their text.
        files: BTreeMap<String, String>,
    },
    /// A zip archive in the frame's body, unpacked under `/var/task`.
    Zip,
}

/// What the environment does between invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Idle {
    /// Processes are stopped after a grace, as on AWS.
    #[default]
    Freeze,
    /// Processes run on: for debuggers and background work.
    Run,
}

/// Everything that an environment needs to become one version's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// What this environment is from now on.
    pub revision: Revision,
    /// The AWS name, which the function reads.
    pub function_name: FunctionName,
    /// The account that stands for the namespace.
    pub account: AccountId,
    /// The installation's region.
    pub region: Region,
    /// The handler, as the runtime client understands it; none for images that bring their own.
    pub handler: Option<String>,
    /// The code.
    pub code: Code,
    /// The runtime's command line, complete: entry point and its arguments.
    pub command: Vec<String>,
    /// Where the command starts.
    pub working_directory: String,
    /// The function's own variables. They never replace the platform's.
    pub variables: BTreeMap<String, String>,
    /// Value of `AWS_EXECUTION_ENV`, such as `AWS_Lambda_python3.13`.
    pub execution_environment: String,
    /// `memorySize` in MB.
    pub memory_mb: u32,
    /// `timeout` in seconds.
    pub timeout_seconds: u32,
    /// Size of `/tmp` in MB.
    pub ephemeral_storage_mb: u32,
    /// Name of the log group.
    pub log_group: String,
    /// The digits that end the log stream's name and that the pod carries as a label.
    pub log_stream_id: LogStreamId,
    /// Freeze or run between invocations.
    #[serde(default)]
    pub idle: Idle,
    /// How the log is written; an operator of an older version does not say.
    #[serde(default)]
    pub logging: Logging,
    /// The version of the managed runtime, where one is known; an operator of an older version does not say.
    #[serde(default)]
    pub runtime_version: Option<RuntimeVersion>,
    /// The environment serves the tenant of its first invocation and no other.
    #[serde(default)]
    pub isolates_tenants: bool,
}
