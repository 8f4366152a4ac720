//! `Function`: what a user applies.

mod code;
mod environment;
mod scaling;
mod status;

use domain::log_format::Logging;
use domain::log_stream::default_log_group;
use domain::{FunctionName, TracingMode, limits};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use code::{Architecture, FunctionCode, ImageConfig};
pub use environment::{FunctionEnvironment, LocalObjectReference, VariableSource};
pub use scaling::{IdlePolicy, Scaling};
pub use status::FunctionStatus;

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

impl Function {
    /// The function's AWS name: `spec.functionName`, or `metadata.name`.
    pub fn aws_name(&self) -> &str {
        self.spec.function_name.as_deref().or(self.metadata.name.as_deref()).unwrap_or_default()
    }
}

impl FunctionSpec {
    /// What an environment needs to know of the log.
    pub fn logging(&self) -> Logging {
        self.logging_config.as_ref().map(Logging::from).unwrap_or_default()
    }

    /// The log group of a function of this name.
    pub fn log_group(&self, name: &FunctionName) -> String {
        let own = self.logging_config.as_ref().and_then(|config| config.log_group.clone());
        own.unwrap_or_else(|| default_log_group(name))
    }

    /// Whether the platform traces the function by itself.
    pub fn tracing(&self) -> TracingMode {
        self.tracing_config.as_ref().map(|config| config.mode).unwrap_or_default().into()
    }

    /// Whether each environment serves one tenant only.
    pub fn isolates_tenants(&self) -> bool {
        self.tenancy_config.is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_on_aws() {
        let spec = |more: &str| {
            let fields = r#""runtime": "r", "handler": "a.b", "code": {"inline": {"a": "x"}}"#;
            serde_json::from_str::<FunctionSpec>(&format!("{{{fields}{more}}}")).unwrap()
        };
        let name = "f".parse().unwrap();
        let plain = spec("");
        assert_eq!((plain.logging(), plain.tracing()), (Logging::default(), TracingMode::PassThrough));
        assert_eq!((plain.log_group(&name), plain.isolates_tenants()), ("/aws/lambda/f".to_owned(), false));
        let null = spec(r#", "tracingConfig": null, "tenancyConfig": null"#);
        assert_eq!((null.tracing(), null.isolates_tenants()), (TracingMode::PassThrough, false));
        assert_eq!(spec(r#", "loggingConfig": {}"#).log_group(&name), "/aws/lambda/f");
        assert_eq!(spec(r#", "loggingConfig": {"logGroup": "own"}"#).log_group(&name), "own");
        assert_eq!(spec(r#", "tracingConfig": {"mode": "Active"}"#).tracing(), TracingMode::Active);
        let per_tenant = r#", "tenancyConfig": {"tenantIsolationMode": "PER_TENANT"}"#;
        assert!(spec(per_tenant).isolates_tenants());
    }
}
