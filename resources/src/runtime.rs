//! `Runtime`: what an AWS runtime identifier stands for in this cluster.

use std::collections::BTreeMap;

use domain::RuntimeVersion;
use kube::{CustomResource, KubeSchema};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::function::LocalObjectReference;

/// An AWS runtime identifier, the image that it stands for, and how to start it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "kubelambda.dev",
    version = "v1alpha1",
    kind = "Runtime",
    category = "kubelambda",
    derive = "PartialEq",
    doc = "An AWS runtime identifier, such as python3.13, and the image that it stands for.",
    printcolumn = r#"{"name":"Image","type":"string","jsonPath":".spec.image"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeSpec {
    /// The image, such as one of AWS's public base images.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^\S+$"))]
    pub image: String,
    /// The runtime's version in AWS's notation, such as python:3.13.v45, as INIT_START names it; without it there is
    /// no such line. The number is whose Runtime it is: AWS counts its own, and the Runtimes of Kubelambda's chart have
    /// the chart's count, raised by a release that changes what the Runtime runs. What a tag points to is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-z0-9]+:[A-Za-z0-9._-]+$"))]
    pub version: Option<String>,
    /// The command that starts the runtime client; it gets the handler as its last argument.
    #[serde(default = "default_entry_point")]
    #[schemars(length(min = 1, max = 64))]
    pub entry_point: Vec<String>,
    /// Variables that the runtime needs beside those of the image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    pub variables: BTreeMap<String, String>,
    /// Secrets in the namespace of each function that uses the runtime, to pull the image with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
}

impl RuntimeSpec {
    /// The version as environments are told it, where one is set. Its id is made from version and image, so that it
    /// changes with either; what a tag of the image points to is not looked at.
    pub fn runtime_version(&self) -> Option<RuntimeVersion> {
        Some(runtime_version(self.version.clone()?, &self.image))
    }
}

/// A version with the id that it has where the runtime is made of `what`.
pub fn runtime_version(version: String, what: &str) -> RuntimeVersion {
    let id = domain::hex::encode(digest(&SHA256, format!("{version} {what}").as_bytes()).as_ref());
    RuntimeVersion { version, id }
}

fn default_entry_point() -> Vec<String> {
    vec!["/lambda-entrypoint.sh".to_owned()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_s_id_changes_with_the_image() {
        let version = |spec| serde_json::from_value::<RuntimeSpec>(spec).unwrap().runtime_version();
        let one = version(json!({"image": "r/i@sha256:1", "version": "python:3.13.v45"})).unwrap();
        let other = version(json!({"image": "r/i@sha256:2", "version": "python:3.13.v45"})).unwrap();
        assert_eq!((one.version.as_str(), one.id.len()), ("python:3.13.v45", 64));
        assert_ne!(one.id, other.id);
        assert_eq!(version(json!({"image": "r/i"})), None);
    }
}
