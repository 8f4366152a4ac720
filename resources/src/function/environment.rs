//! The variables that a function reads.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Variables that the function reads.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FunctionEnvironment {
    /// Name → value, 4 KB in all. Names start with a letter and have at least two characters; the names that
    /// AWS reserves (`AWS_REGION`, `_HANDLER` …) are refused. AWS's credentials (`AWS_ACCESS_KEY_ID` …) are
    /// allowed: AWS reserves them for the role's own, and here nothing else gives a function any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    #[x_kube(
        validation = Rule::new("self.all(name, name.matches('^[a-zA-Z][a-zA-Z0-9_]+$'))")
            .message("spec.environment.variables: a name must match [a-zA-Z]([a-zA-Z0-9_])+"),
        validation = Rule::new("self.all(name, !(name in ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_EXECUTION_ENV', 'AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION', 'AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME', 'AWS_LAMBDA_RUNTIME_API', 'AWS_LAMBDA_MAX_CONCURRENCY', 'AWS_LAMBDA_METADATA_API', 'AWS_LAMBDA_METADATA_TOKEN', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR']))")
            .message("spec.environment.variables: AWS_REGION, AWS_DEFAULT_REGION, AWS_EXECUTION_ENV, LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR and the AWS_LAMBDA_… names that tell of the function and its environment are reserved by Lambda and cannot be set; credentials (AWS_ACCESS_KEY_ID …) can")
    )]
    pub variables: BTreeMap<String, String>,
}

/// Reserved: a source of variables.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VariableSource {
    /// A Secret of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// A ConfigMap of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<LocalObjectReference>,
}

/// An object of the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct LocalObjectReference {
    /// `metadata.name` of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
