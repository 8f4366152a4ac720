//! What of a function a manifest does not carry, and what to do about it.

use serde_json::{Value, json};

/// Fields of a function's configuration that become fields of a manifest, and those that need not.
const CARRIED: [&str; 14] = [
    "FunctionName",
    "Description",
    "Runtime",
    "Handler",
    "MemorySize",
    "Timeout",
    "Environment",
    "EphemeralStorage",
    "Architectures",
    "PackageType",
    "ImageConfigResponse",
    "LoggingConfig",
    "TracingConfig",
    "TenancyConfig",
];
const AWS_S_OWN: [&str; 16] = [
    "FunctionArn",
    "CodeSize",
    "CodeSha256",
    "Version",
    "LastModified",
    "RevisionId",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RuntimeVersionConfig",
    "SnapStart",
    "MasterArn",
    "ConfigSha256",
];
/// What each of the others would need.
const ELSEWHERE: [(&str, &str); 6] = [
    ("Role", "give the pods a service account: spec.pod.serviceAccountName"),
    ("VpcConfig", "the pods are in the cluster's network"),
    ("Layers", "put the layers' files into the code, under their folders"),
    ("DeadLetterConfig", "not supported yet"),
    ("FileSystemConfigs", "not supported yet"),
    ("KMSKeyArn", "variables are in the manifest as they are"),
];

/// What is not carried over, in words.
pub(super) fn notes(configuration: &Value, answer: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let is_set = |value: &Value| {
        !matches!(value, Value::Null) && *value != json!({}) && *value != json!([]) && *value != json!("")
    };
    for (field, _) in configuration.as_object().into_iter().flatten().filter(|(_, value)| is_set(value)) {
        let why = ELSEWHERE.iter().find(|(known, _)| known == field).map(|(_, why)| *why);
        match why {
            Some(why) => notes.push(format!("{field} is not carried over: {why}")),
            None if !CARRIED.contains(&field.as_str()) && !AWS_S_OWN.contains(&field.as_str()) => {
                notes.push(format!("{field} is not carried over"));
            }
            _ => {}
        }
    }
    if answer.get("Tags").is_some_and(is_set) {
        notes.push("Tags is not carried over".to_owned());
    }
    notes
}
