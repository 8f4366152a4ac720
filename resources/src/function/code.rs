//! Where a function's code is, what to start in an image, and for which processor it is built.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
