//! `GET /2015-03-31/functions/{FunctionName}/configuration`: GetFunctionConfiguration's answer.
//!
//! What is not known here is null, as AWS writes what a function does not have; SDKs leave it out. Never there
//! are role, last modification and revision id. The function's variables are not told either: whoever may reach
//! a gateway need not be allowed to read them. AWS has a form for that, which it uses where the caller may not
//! use the key that they are encrypted with.
//!
//! Source: the Lambda API's service model, `FunctionConfiguration`; shape and order of values as recorded.

use domain::log_format::{LogFormat, Logging};
use domain::{FunctionName, TracingMode};
use serde_json::{Value, json};

/// The path in the router's notation.
pub const PATH: &str = "/2015-03-31/functions/{function_name}/configuration";

/// Why variables are not told.
const VARIABLES_NOT_TOLD: &str = "The gateway does not keep the function's environment variables.";

/// What a function is set to, beside what an invocation needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionSettings {
    /// Such as `python3.13`; none for an image.
    pub runtime: Option<String>,
    /// None for an image.
    pub handler: Option<String>,
    /// For people.
    pub description: String,
    /// The code is a container image, not an archive.
    pub is_image: bool,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// Size of `/tmp`, in MB.
    pub ephemeral_storage_mb: u32,
    /// It has variables.
    pub has_variables: bool,
    /// How its log is written.
    pub logging: Logging,
    /// Its log group.
    pub log_group: String,
    /// Whether the platform traces it by itself.
    pub tracing: TracingMode,
    /// Each of its environments serves one tenant only.
    pub isolates_tenants: bool,
    /// Digest of the code: base64 of an archive's SHA-256, hexadecimal of an image's, as AWS has it.
    pub code_sha256: Option<String>,
    /// Size of the archive, in bytes.
    pub code_bytes: Option<usize>,
}

/// Whether a function can be invoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FunctionState {
    /// It can.
    #[default]
    Active,
    /// That is not known yet.
    Pending,
    /// It cannot.
    Failed {
        /// Of the service model's `StateReasonCode`.
        code: &'static str,
        /// Why, for its author.
        reason: String,
    },
}

/// One function, as it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct FunctionConfiguration<'a> {
    /// Its name.
    pub name: &'a FunctionName,
    /// Its ARN, with the qualifier that was asked for.
    pub arn: &'a str,
    /// The version.
    pub version: &'a str,
    /// Its time-out, in seconds.
    pub timeout_seconds: u64,
    /// Its memory, in MB.
    pub memory_mb: u32,
    /// What else it is set to.
    pub settings: &'a FunctionSettings,
    /// Whether it can be invoked.
    pub state: &'a FunctionState,
}

impl FunctionConfiguration<'_> {
    /// The body, JSON.
    pub fn body(&self) -> String {
        let Self { settings, .. } = self;
        let (state, update, code, reason) = match self.state {
            FunctionState::Active => ("Active", "Successful", None, None),
            FunctionState::Pending => {
                ("Pending", "InProgress", Some("Creating"), Some("The function is being created."))
            }
            FunctionState::Failed { code, reason } => {
                ("Failed", "Failed", Some(*code), Some(reason.as_str()))
            }
        };
        let failed = |text| Some(text).filter(|_| state == "Failed");
        json!({
            "FunctionName": self.name.as_str(),
            "FunctionArn": self.arn,
            "Version": self.version,
            "Description": settings.description,
            "PackageType": if settings.is_image { "Image" } else { "Zip" },
            "Runtime": settings.runtime,
            "Handler": settings.handler,
            "Timeout": self.timeout_seconds,
            "MemorySize": self.memory_mb,
            "Architectures": [settings.architecture],
            "EphemeralStorage": {"Size": settings.ephemeral_storage_mb},
            "Environment": settings.has_variables.then(|| json!({
                "Error": {"ErrorCode": "AccessDeniedException", "Message": VARIABLES_NOT_TOLD},
            })),
            "LoggingConfig": logging(settings),
            "TracingConfig": {"Mode": match settings.tracing {
                TracingMode::PassThrough => "PassThrough",
                TracingMode::Active => "Active",
            }},
            "TenancyConfig": settings.isolates_tenants.then(|| json!({"TenantIsolationMode": "PER_TENANT"})),
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "CodeSha256": settings.code_sha256,
            "CodeSize": settings.code_bytes,
            "State": state,
            "StateReasonCode": code,
            "StateReason": reason,
            "LastUpdateStatus": update,
            "LastUpdateStatusReasonCode": failed(code),
            "LastUpdateStatusReason": failed(reason),
        })
        .to_string()
    }
}

/// Levels are there with JSON only.
fn logging(settings: &FunctionSettings) -> Value {
    let FunctionSettings { logging, log_group, .. } = settings;
    match logging.format {
        LogFormat::Text => json!({"LogFormat": "Text", "LogGroup": log_group}),
        LogFormat::Json => json!({
            "LogFormat": "JSON",
            "ApplicationLogLevel": logging.application_level.name(),
            "SystemLogLevel": logging.system_level.name(),
            "LogGroup": log_group,
        }),
    }
}

#[cfg(test)]
mod tests {
    use domain::log_format::Level;

    use super::*;

    fn body(settings: &FunctionSettings, state: &FunctionState) -> Value {
        let configuration = FunctionConfiguration {
            name: &"f".parse().unwrap(),
            arn: "arn:aws:lambda:us-east-1:111111111111:function:f",
            version: "$LATEST",
            timeout_seconds: 5,
            memory_mb: 256,
            settings,
            state,
        };
        serde_json::from_str(&configuration.body()).unwrap()
    }

    fn settings() -> FunctionSettings {
        FunctionSettings {
            runtime: Some("python3.12".into()),
            handler: Some("handler.handler".into()),
            architecture: "x86_64",
            ephemeral_storage_mb: 512,
            log_group: "/aws/lambda/f".into(),
            ..FunctionSettings::default()
        }
    }

    /// Recording of GetFunctionConfiguration, without what varies and what is never known here.
    #[test]
    fn a_body_is_that_of_the_recording() {
        let recorded = json!({
            "Architectures": ["x86_64"], "Description": "", "EphemeralStorage": {"Size": 512},
            "FunctionArn": "arn:aws:lambda:us-east-1:111111111111:function:f", "FunctionName": "f",
            "Handler": "handler.handler", "LastUpdateStatus": "Successful",
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}, "MemorySize": 256,
            "PackageType": "Zip", "Runtime": "python3.12",
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "State": "Active", "Timeout": 5,
            "TracingConfig": {"Mode": "PassThrough"}, "Version": "$LATEST",
        });
        let Value::Object(body) = body(&settings(), &FunctionState::Active) else { panic!() };
        let told: Value = body.into_iter().filter(|(_, value)| !value.is_null()).collect();
        assert_eq!(told, recorded);
    }

    #[test]
    fn who_isolates_tenants_says_so() {
        let isolating = FunctionSettings { isolates_tenants: true, ..settings() };
        let body = body(&isolating, &FunctionState::Active);
        assert_eq!(body["TenancyConfig"], json!({"TenantIsolationMode": "PER_TENANT"}));
    }

    #[test]
    fn a_function_that_cannot_be_invoked_says_why() {
        let state = FunctionState::Failed { code: "InvalidRuntime", reason: "no Runtime".into() };
        let body = body(&settings(), &state);
        for (field, expected) in [
            ("State", "Failed"),
            ("StateReasonCode", "InvalidRuntime"),
            ("StateReason", "no Runtime"),
            ("LastUpdateStatus", "Failed"),
            ("LastUpdateStatusReason", "no Runtime"),
        ] {
            assert_eq!(body[field], expected, "{field}");
        }
    }

    #[test]
    fn levels_come_with_json_and_variables_never() {
        let logging = Logging { format: LogFormat::Json, system_level: Level::Warn, ..Logging::default() };
        let body =
            body(&FunctionSettings { logging, has_variables: true, ..settings() }, &FunctionState::Pending);
        assert_eq!(
            body["LoggingConfig"],
            json!({"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/aws/lambda/f"})
        );
        assert_eq!(body["Environment"]["Error"]["ErrorCode"], "AccessDeniedException");
        assert_eq!((&body["State"], &body["LastUpdateStatusReason"]), (&json!("Pending"), &Value::Null));
    }
}
