//! `Runtime`: what an AWS runtime identifier stands for in this cluster.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
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

fn default_entry_point() -> Vec<String> {
    vec!["/lambda-entrypoint.sh".to_owned()]
}
