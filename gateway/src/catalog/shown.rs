//! What the Lambda API shows of a Function: made when it is received, so that its code can be dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::FunctionName;
use protocol::lambda_api::configuration::{FunctionSettings, FunctionState};
use resources::function::{Architecture, FunctionCode};
use resources::{Function, FunctionStatus, Reason, conditions};
use ring::digest::{SHA256, digest};

/// The settings of a Function called `name`.
pub fn settings_of(function: &Function, name: &FunctionName) -> FunctionSettings {
    let spec = &function.spec;
    let image = function.status.as_ref().and_then(|status| status.image.as_deref());
    let archive = archive_of(&spec.code);
    FunctionSettings {
        runtime: spec.runtime.clone(),
        handler: spec.handler.clone().filter(|_| spec.runtime.is_some()),
        description: spec.description.clone().unwrap_or_default(),
        is_image: spec.runtime.is_none(),
        architecture: match spec.architectures.first() {
            Some(Architecture::Arm64) => "arm64",
            Some(Architecture::X86_64) | None => "x86_64",
        },
        ephemeral_storage_mb: spec.ephemeral_storage,
        has_variables: spec.environment.as_ref().is_some_and(|environment| !environment.variables.is_empty()),
        logging: spec.logging(),
        log_group: spec.log_group(name),
        tracing: spec.tracing(),
        isolates_tenants: spec.isolates_tenants(),
        code_sha256: match &archive {
            Some(archive) => Some(STANDARD.encode(digest(&SHA256, archive))),
            None => image.filter(|_| spec.runtime.is_none()).and_then(digest_of_image),
        },
        code_bytes: archive.as_ref().map(Vec::len),
    }
}

/// The archive in a manifest. Code that was written there as text never was one.
fn archive_of(code: &FunctionCode) -> Option<Vec<u8>> {
    let text: String = code.zip_file.as_ref()?.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}

fn digest_of_image(reference: &str) -> Option<String> {
    reference.split_once("@sha256:").map(|(_, digest)| digest.to_owned())
}

/// The state that the operator wrote; pending where it has not looked at this generation yet.
pub fn state_of(status: Option<&FunctionStatus>, generation: Option<i64>) -> FunctionState {
    let Some(status) = status.filter(|status| status.observed_generation == generation) else {
        return FunctionState::Pending;
    };
    match status.state.as_deref() {
        Some("Active") => FunctionState::Active,
        Some("Failed") => {
            let ready = status.conditions.iter().find(|condition| condition.kind == conditions::READY);
            let (word, reason) = ready.map_or(("", ""), |ready| (&*ready.reason, &*ready.message));
            FunctionState::Failed { code: code_of(word), reason: reason.to_owned() }
        }
        _ => FunctionState::Pending,
    }
}

/// The service model's word for a condition's reason.
fn code_of(reason: &str) -> &'static str {
    let is = |known: Reason| reason == known.as_str();
    if is(Reason::UnknownRuntime) {
        "InvalidRuntime"
    } else if is(Reason::ImagePullFailed) {
        "ImageAccessDenied"
    } else if is(Reason::ImageConfigUnknown) {
        "InvalidImage"
    } else {
        "InvalidConfiguration"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn function(spec: &Value, status: &Value) -> Function {
        let manifest = json!({"apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": "f", "generation": 2}, "spec": spec, "status": status});
        serde_json::from_value(manifest).unwrap()
    }

    fn settings(spec: &Value, status: &Value) -> FunctionSettings {
        settings_of(&function(spec, status), &"f".parse().unwrap())
    }

    #[test]
    fn code_has_the_digest_that_aws_would_show() {
        let zip = json!({"runtime": "python3.13", "handler": "a.b", "code": {"zipFile": "YWJj"}});
        let settings_of_zip = settings(&zip, &Value::Null);
        // SHA-256 of "abc", FIPS 180-2 appendix B.1.
        let digest = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(settings_of_zip.code_sha256.as_deref(), Some(digest));
        assert_eq!((settings_of_zip.code_bytes, settings_of_zip.is_image), (Some(3), false));
        let image = settings(&json!({"code": {"image": "r/i:1"}}), &json!({"image": "r/i@sha256:77"}));
        assert_eq!((image.code_sha256.as_deref(), image.code_bytes), (Some("77"), None));
        assert_eq!((image.is_image, image.runtime), (true, None));
        let inline = json!({"runtime": "r", "handler": "a.b", "code": {"inline": {"a.py": ""}}});
        assert_eq!(settings(&inline, &json!({"image": "r/i@sha256:77"})).code_sha256, None);
    }

    #[test]
    fn the_state_is_the_operator_s_word_on_this_generation() {
        let check = |status: Value, expected: FunctionState| {
            let function = function(&json!({"code": {"image": "i"}}), &status);
            assert_eq!(state_of(function.status.as_ref(), function.metadata.generation), expected);
        };
        check(Value::Null, FunctionState::Pending);
        check(json!({"observedGeneration": 1, "state": "Active"}), FunctionState::Pending);
        check(json!({"observedGeneration": 2, "state": "Active"}), FunctionState::Active);
        let condition = json!({"type": "Ready", "status": "False", "reason": "ImagePullFailed", "message": "gone",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        check(
            json!({"observedGeneration": 2, "state": "Failed", "conditions": [condition]}),
            FunctionState::Failed { code: "ImageAccessDenied", reason: "gone".into() },
        );
    }
}
