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
const AWS_S_OWN: [&str; 14] = [
    "FunctionArn",
    "CodeSize",
    "CodeSha256",
    "LastModified",
    "RevisionId",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RuntimeVersionConfig",
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

/// Parts of a configuration in whose place AWS may give an error, and what is missing then.
const READ_APART: [(&str, &str); 2] = [
    ("Environment", "the function's variables are not in the input"),
    ("ImageConfigResponse", "the image's entry point, command and working directory are not in the input"),
];

/// What is not carried over, in words.
pub(super) fn notes(configuration: &Value, answer: &Value) -> Vec<String> {
    let fields = configuration.as_object().into_iter().flatten().filter(|(_, value)| is_set(value));
    let mut notes: Vec<_> = fields.filter_map(|(field, value)| note(field, value)).collect();
    if answer.get("Tags").is_some_and(is_set) {
        notes.push("Tags is not carried over".to_owned());
    }
    notes
}

fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null) && *value != json!({}) && *value != json!([]) && *value != json!("")
}

fn note(field: &str, value: &Value) -> Option<String> {
    let of =
        |all: &[(&str, &'static str)]| all.iter().find(|(known, _)| *known == field).map(|(_, why)| *why);
    if let (Some(lacking), Some(error)) = (of(&READ_APART), value.get("Error")) {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        return Some(format!("{field}: {lacking}: {}: {}", text("ErrorCode"), text("Message")));
    }
    if let Some(why) = of(&ELSEWHERE) {
        return Some(format!("{field} is not carried over: {why}"));
    }
    match field {
        "Version" if value != domain::LATEST => Some(format!(
            "Version is not carried over: what version {} is becomes the function itself",
            value.as_str().unwrap_or_default()
        )),
        "SnapStart" if value["ApplyOn"] != "None" => {
            Some("SnapStart is not carried over: every environment runs its init phase".to_owned())
        }
        "Version" | "SnapStart" => None,
        _ if CARRIED.contains(&field) || AWS_S_OWN.contains(&field) => None,
        _ => Some(format!("{field} is not carried over")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(configuration: &Value, expected: &[&str]) {
        assert_eq!(notes(configuration, &json!({})), expected);
    }

    #[test]
    fn what_aws_could_not_read_itself_is_told() {
        let error = json!({"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"});
        check(
            &json!({"Environment": {"Error": error}, "ImageConfigResponse": {"Error": error}}),
            &[
                "Environment: the function's variables are not in the input: AccessDeniedException: Lambda was unable to decrypt",
                "ImageConfigResponse: the image's entry point, command and working directory are not in the input: \
                 AccessDeniedException: Lambda was unable to decrypt",
            ],
        );
        check(&json!({"Environment": {"Variables": {"Error": "e"}}}), &[]);
    }

    #[test]
    fn a_version_and_its_snapshots_are_not_left_out_silently() {
        let off = json!({"ApplyOn": "None", "OptimizationStatus": "Off"});
        check(&json!({"Version": "$LATEST", "SnapStart": off}), &[]);
        let on = json!({"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"});
        check(
            &json!({"SnapStart": on, "Version": "7"}),
            &[
                "SnapStart is not carried over: every environment runs its init phase",
                "Version is not carried over: what version 7 is becomes the function itself",
            ],
        );
    }
}
