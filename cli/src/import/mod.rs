//! `kubelambda import`: from what `aws lambda get-function` prints to a manifest.
//!
//! What a manifest cannot carry is told, never left out silently.

mod notes;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::MANIFEST_CODE_BYTES_MAX;
use serde_json::{Map, Value, json};

use crate::command_line::ImportArguments;
use crate::manifest::{Schemas, from_aws};
use crate::{output, yaml};

/// Largest description of a function, in bytes.
const INPUT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest name that is made for an object, in characters.
const OBJECT_NAME_CHARS_MAX: usize = 63;
/// Carries out the command.
pub(crate) fn run(arguments: &ImportArguments) -> anyhow::Result<()> {
    let zip = match &arguments.zip {
        Some(path) => {
            Some(std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?)
        }
        None => None,
    };
    let imported = import(&read(&arguments.file)?, zip.as_deref())?;
    for note in &imported.notes {
        output::note(format_args!("# {note}"));
    }
    output::result_bytes(yaml::write(&imported.manifest).as_bytes());
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    let done = if path == Path::new("-") {
        output::waits_for_input("what `aws lambda get-function` printed");
        std::io::stdin().lock().take(INPUT_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(INPUT_BYTES_MAX).read_to_string(&mut text))
    };
    done.with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).context("the input is not the JSON of `aws lambda get-function`")
}

#[derive(Debug)]
struct Imported {
    manifest: Value,
    notes: Vec<String>,
}

fn import(answer: &Value, zip: Option<&[u8]>) -> anyhow::Result<Imported> {
    // `get-function-configuration` prints the same without the envelope.
    let configuration = answer.get("Configuration").unwrap_or(answer);
    let text = |field: &str| configuration.get(field).and_then(Value::as_str);
    let Some(name) = text("FunctionName") else {
        bail!("the input has no Configuration.FunctionName: is it the JSON of `aws lambda get-function`?");
    };
    let mut notes = notes::notes(configuration, answer);
    let object_name = object_name(name);
    let mut spec = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null() && value != "") {
            spec.insert(field.to_owned(), value);
        }
    };
    put("functionName", (object_name != name).then(|| json!(name)));
    for (from, to) in [("Description", "description"), ("Runtime", "runtime"), ("Handler", "handler")] {
        put(to, configuration.get(from).cloned());
    }
    for (from, to) in
        [("MemorySize", "memorySize"), ("Timeout", "timeout"), ("Architectures", "architectures")]
    {
        put(to, configuration.get(from).cloned());
    }
    let tracing = configuration.pointer("/TracingConfig/Mode").filter(|mode| **mode != "PassThrough");
    put("tracingConfig", tracing.map(|mode| json!({"mode": mode})));
    let isolation = configuration.pointer("/TenancyConfig/TenantIsolationMode");
    put("tenancyConfig", isolation.map(|mode| json!({"tenantIsolationMode": mode})));
    put("ephemeralStorage", configuration.pointer("/EphemeralStorage/Size").cloned());
    let variables = configuration.pointer("/Environment/Variables").filter(|all| **all != json!({}));
    let logging = configuration.get("LoggingConfig");
    put("loggingConfig", logging.and_then(|logging| from_aws::logging(logging, name)));
    put("scaling", from_aws::scaling(answer.pointer("/Concurrency/ReservedConcurrentExecutions")));
    put("environment", variables.map(|variables| json!({"variables": variables})));
    if text("PackageType") == Some("Image") {
        put("imageConfig", image_config(configuration));
    }
    put("code", Some(code(configuration, answer, zip, &mut notes)?));
    let manifest = json!({
        "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
        "metadata": {"name": object_name}, "spec": spec,
    });
    let broken = Schemas::new().function_rules(&manifest);
    notes.extend(broken.into_iter().map(|broken| format!("{}: {}", broken.path.join("."), broken.rule)));
    Ok(Imported { manifest, notes })
}

fn code(
    configuration: &Value,
    answer: &Value,
    zip: Option<&[u8]>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Value> {
    if configuration.get("PackageType").is_some_and(|kind| kind == "Image") {
        let image = answer.pointer("/Code/ImageUri").or_else(|| answer.pointer("/Code/ResolvedImageUri"));
        notes.push("the cluster must be able to pull the image: spec.imagePullSecrets".to_owned());
        return Ok(json!({"image": image.and_then(Value::as_str).unwrap_or("IMAGE")}));
    }
    let Some(archive) = zip else {
        let location = answer.pointer("/Code/Location").and_then(Value::as_str);
        notes.push(match location {
            Some(url) => format!("spec.code: fetch the code within ten minutes and pass it: curl -o code.zip '{url}'; --zip code.zip"),
            None => "spec.code: the code is not in the input; pass it with --zip FILE".to_owned(),
        });
        return Ok(json!({"zipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}));
    };
    if archive.len() > MANIFEST_CODE_BYTES_MAX {
        bail!(
            "the code has {} bytes; a manifest takes {MANIFEST_CODE_BYTES_MAX}: build an image of it instead",
            archive.len()
        );
    }
    zip::ZipArchive::new(std::io::Cursor::new(archive)).context("the code is no zip archive")?;
    Ok(json!({"zipFile": STANDARD.encode(archive)}))
}

fn image_config(configuration: &Value) -> Option<Value> {
    let config = configuration.pointer("/ImageConfigResponse/ImageConfig")?;
    let fields =
        [("EntryPoint", "entryPoint"), ("Command", "command"), ("WorkingDirectory", "workingDirectory")];
    let fields = fields.iter().filter_map(|(from, to)| Some(((*to).to_owned(), config.get(from)?.clone())));
    Some(Value::Object(fields.collect()))
}

/// A name that Kubernetes takes, as near to the AWS name as can be.
fn object_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let cut: String = lower.chars().take(OBJECT_NAME_CHARS_MAX).collect();
    let trimmed = cut.trim_matches('-');
    if trimmed.is_empty() { "function".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer() -> Value {
        json!({
            "Configuration": {
                "FunctionName": "My_Func", "FunctionArn": "arn", "Runtime": "python3.13", "Handler": "app.handler",
                "Role": "arn:aws:iam::1:role/r", "CodeSize": 3, "Description": "", "Timeout": 5, "MemorySize": 256,
                "Environment": {"Variables": {"DEBUG": "no", "PORT": "8080"}}, "EphemeralStorage": {"Size": 1024},
                "TracingConfig": {"Mode": "Active"}, "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
                "Architectures": ["arm64"], "PackageType": "Zip", "VpcConfig": {}, "Layers": [{"Arn": "l"}],
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/My_Func"}, "Novelty": 1,
            },
            "Code": {"Location": "https://example"}, "Tags": {"a": "b"},
            "Concurrency": {"ReservedConcurrentExecutions": 7},
        })
    }

    #[test]
    fn a_function_becomes_a_manifest_that_every_reader_reads_alike() {
        let imported = import(&answer(), None).unwrap();
        let text = yaml::write(&imported.manifest);
        assert!(text.contains("DEBUG: \"no\"") && text.contains("PORT: \"8080\""), "{text}");
        let read = yaml::read(&text).unwrap();
        assert_eq!(read[0].to_json(), imported.manifest);
        let spec = &imported.manifest["spec"];
        assert_eq!((&spec["functionName"], &spec["timeout"]), (&json!("My_Func"), &json!(5)));
        assert_eq!(imported.manifest["metadata"]["name"], "my-func");
        assert_eq!(
            (&spec["ephemeralStorage"], &spec["tracingConfig"]),
            (&json!(1024), &json!({"mode": "Active"}))
        );
        assert_eq!(spec["loggingConfig"], json!({"logFormat": "JSON"}));
        assert_eq!(spec["tenancyConfig"], json!({"tenantIsolationMode": "PER_TENANT"}));
        assert_eq!(spec["scaling"], json!({"maxEnvironments": 7}));
        let notes = imported.notes.join("\n");
        for part in ["Role", "Layers", "Novelty", "Tags", "--zip"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
        for part in ["VpcConfig", "LoggingConfig", "Concurrency", "CodeSize", "spec.code: "] {
            assert!(!notes.contains(part) || part == "spec.code: ", "{part}: {notes}");
        }
    }

    #[test]
    fn code_is_taken_from_an_archive_and_bounded() {
        let empty = STANDARD.decode("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==").unwrap();
        let imported = import(&answer(), Some(&empty)).unwrap();
        assert_eq!(imported.manifest["spec"]["code"]["zipFile"], "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==");
        assert!(import(&answer(), Some(b"no zip")).is_err());
        assert!(import(&answer(), Some(&vec![0; MANIFEST_CODE_BYTES_MAX + 1])).is_err());
        assert!(import(&json!({"a": 1}), None).is_err());
    }

    #[test]
    fn an_image_keeps_its_commands() {
        let answer = json!({
            "Configuration": {"FunctionName": "f", "PackageType": "Image", "MemorySize": 128, "Timeout": 3,
                "ImageConfigResponse": {"ImageConfig": {"Command": ["a.b"]}}},
            "Code": {"ImageUri": "1.dkr.ecr.eu-west-1.amazonaws.com/i:1"},
        });
        let spec = &import(&answer, None).unwrap().manifest["spec"];
        assert_eq!(spec["imageConfig"], json!({"command": ["a.b"]}));
        assert_eq!(spec["code"]["image"], "1.dkr.ecr.eu-west-1.amazonaws.com/i:1");
    }

    proptest! {
        #[test]
        fn every_aws_name_makes_a_name_for_kubernetes(name in "[a-zA-Z0-9_-]{1,64}") {
            let answer = json!({"FunctionName": name, "Runtime": "python3.13", "Handler": "a.b"});
            let imported = import(&answer, None).unwrap();
            let rules: Vec<_> = imported.notes.iter().filter(|note| note.starts_with("metadata")).collect();
            prop_assert!(rules.is_empty(), "{rules:?}");
            let made = imported.manifest["metadata"]["name"].as_str().unwrap();
            prop_assert!(!made.is_empty() && made.len() <= 63 && !made.starts_with('-') && !made.ends_with('-'));
        }
    }
}
