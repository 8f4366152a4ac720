//! `Function`: what a user applies.

use std::collections::BTreeMap;

use domain::limits;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::Condition;
use crate::logging::LoggingConfig;
use crate::pod::PodSettings;
use crate::tenancy::TenancyConfig;
use crate::tracing::TracingConfig;

/// An AWS Lambda function that runs in this cluster.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "kubelambda.dev",
    version = "v1alpha1",
    kind = "Function",
    shortname = "fn",
    category = "kubelambda",
    namespaced,
    status = "FunctionStatus",
    derive = "PartialEq",
    doc = "An AWS Lambda function that runs in this cluster, unmodified.",
    printcolumn = r#"{"name":"Runtime","type":"string","jsonPath":".spec.runtime"}"#,
    printcolumn = r#"{"name":"Memory","type":"integer","jsonPath":".spec.memorySize","description":"MB"}"#,
    printcolumn = r#"{"name":"Timeout","type":"integer","jsonPath":".spec.timeout","description":"Seconds"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Environments","type":"integer","jsonPath":".status.environments"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.runtime) != has(self.code.image)")
        .message("spec: set either runtime (with code.inline or code.zipFile) or code.image, not both and not neither")
        .field_path(".runtime"),
    validation = Rule::new("!has(self.runtime) || has(self.handler)")
        .message("spec.handler is required when spec.runtime is set, such as 'lambda_function.lambda_handler'")
        .field_path(".handler"),
    validation = Rule::new("has(self.functionName) == has(oldSelf.functionName) && (!has(self.functionName) || self.functionName == oldSelf.functionName)")
        .message("spec.functionName is immutable: delete the Function and create another")
        .field_path(".functionName"),
    validation = Rule::new("has(self.tenancyConfig) == has(oldSelf.tenancyConfig)")
        .message("spec.tenancyConfig is immutable: delete the Function and create another")
        .field_path(".tenancyConfig"),
    validation = Rule::new("!has(self.variablesFrom)")
        .message("spec.variablesFrom is reserved for a later version and not supported yet: use spec.environment.variables")
        .field_path(".variablesFrom"),
    validation = Rule::new("!has(self.imageConfig) || has(self.code.image)")
        .message("spec.imageConfig is only for functions with spec.code.image")
        .field_path(".imageConfig")
)]
pub struct FunctionSpec {
    /// The function's AWS name, where it is not `metadata.name`: 1 to 64 letters, digits, hyphens and
    /// underscores. It cannot be changed. Of two Functions with one name in a namespace, the oldest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-zA-Z0-9_-]+$"))]
    pub function_name: Option<String>,

    /// What the function does, for people. At most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub description: Option<String>,

    /// The name of a Runtime, such as `python3.13`, `nodejs22.x` or `provided.al2023`; `kubectl get runtimes`
    /// lists them. Not for functions whose code is an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub runtime: Option<String>,

    /// The method that the runtime calls, such as `lambda_function.lambda_handler`: at most 128 characters
    /// without white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^\S+$"))]
    pub handler: Option<String>,

    /// Where the code is: exactly one of `inline`, `zipFile` and `image`.
    pub code: FunctionCode,

    /// Memory for the function, in MB: 128 to 10240. CPU follows memory: 1769 MB is one full CPU.
    #[serde(default = "default_memory")]
    #[schemars(range(min = 128, max = 10240))]
    pub memory_size: u32,

    /// How long an invocation may take, in seconds: 1 to 900.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 900))]
    pub timeout: u32,

    /// Variables that the function reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<FunctionEnvironment>,

    /// Reserved for a later version; refused until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub variables_from: Option<Vec<VariableSource>>,

    /// Size of `/tmp`, in MB: 512 to 10240.
    #[serde(default = "default_ephemeral_storage")]
    #[schemars(range(min = 512, max = 10240))]
    pub ephemeral_storage: u32,

    /// What to start in an image of your own, where it is not what the image says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_config: Option<ImageConfig>,

    /// Secrets of type `kubernetes.io/dockerconfigjson` in this namespace, to pull the image with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub image_pull_secrets: Vec<LocalObjectReference>,

    /// The processor that the code is built for. It becomes a node affinity.
    #[serde(default = "default_architectures")]
    #[schemars(length(min = 1, max = 1))]
    pub architectures: Vec<Architecture>,

    /// How many environments there may be, and for how long.
    #[serde(default)]
    pub scaling: Scaling,

    /// What happens between invocations: `Freeze` stops the function's processes as on AWS, `Run` lets them
    /// run on, for debuggers and background work.
    #[serde(default)]
    pub idle: IdlePolicy,

    /// How the function's log is written, and what of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_config: Option<LoggingConfig>,

    /// Whether the platform traces the function by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing_config: Option<TracingConfig>,

    /// Whether each environment serves one tenant only. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenancy_config: Option<TenancyConfig>,

    /// Settings of the function's pods: an allow-list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSettings>,
}

/// Where the code is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.inline), has(self.zipFile), has(self.image)].filter(set, set).size() == 1")
    .message("spec.code: set exactly one of inline, zipFile and image"))]
pub struct FunctionCode {
    /// File name → text, such as `lambda_function.py`. Names may contain `/`. At most 512 KiB in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    pub inline: Option<BTreeMap<String, String>>,

    /// A zip archive, base64. At most 512 KiB before base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 699_052), regex(pattern = r"^[A-Za-z0-9+/\s]+={0,2}\s*$"))]
    pub zip_file: Option<String>,

    /// A container image that contains a runtime client, such as one built on AWS's base images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^\S+$"))]
    pub image: Option<String>,
}

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

/// What to start in an image.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ImageConfig {
    /// Replaces the image's ENTRYPOINT. Required where the registry cannot be asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's CMD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub command: Option<Vec<String>>,
    /// Replaces the image's WORKDIR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), regex(pattern = "^/"))]
    pub working_directory: Option<String>,
}

/// The processor that code is built for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM.
    #[serde(rename = "arm64")]
    Arm64,
}

/// How many environments there may be, and for how long.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// Most environments at once, and so most invocations at once; beyond it an invoke is throttled (429).
    #[serde(default = "default_max_environments")]
    #[schemars(range(min = 0, max = 10000))]
    pub max_environments: u32,
    /// How long an environment without an invocation is kept, in seconds. Where it is not set, the operator's
    /// setting applies (600).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub idle_timeout_seconds: Option<u32>,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { max_environments: default_max_environments(), idle_timeout_seconds: None }
    }
}

/// What happens between invocations.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdlePolicy {
    /// Processes are stopped after a grace, as on AWS.
    #[default]
    Freeze,
    /// Processes run on.
    Run,
}

/// What the operator knows of a Function.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FunctionStatus {
    /// The generation that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Pending`, `Active` or `Failed`, as the Lambda API shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The function's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Environments that exist now.
    #[serde(default)]
    pub environments: i32,
    /// The image that environments run, by digest, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `Ready`: whether the function can be invoked, and if not, why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl Function {
    /// The function's AWS name: `spec.functionName`, or `metadata.name`.
    pub fn aws_name(&self) -> &str {
        self.spec.function_name.as_deref().or(self.metadata.name.as_deref()).unwrap_or_default()
    }
}

fn default_memory() -> u32 {
    limits::MEMORY_MB_MIN
}

fn default_timeout() -> u32 {
    limits::TIMEOUT_SECONDS_DEFAULT
}

fn default_ephemeral_storage() -> u32 {
    limits::EPHEMERAL_STORAGE_MB_MIN
}

fn default_architectures() -> Vec<Architecture> {
    vec![Architecture::X86_64]
}

fn default_max_environments() -> u32 {
    100
}
