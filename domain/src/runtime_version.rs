//! Which version of a managed runtime an environment runs, as AWS names it. Images that bring their own have none.

use serde::{Deserialize, Serialize};

use crate::Region;

/// A version of a managed runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeVersion {
    /// In AWS's notation, such as `python:3.13.v45`.
    pub version: String,
    /// What its ARN ends with: 64 hexadecimal digits, which are others for another image.
    pub id: String,
}

impl RuntimeVersion {
    /// `arn:aws:lambda:<region>::runtime:<id>`. It has no account: runtimes are AWS's own.
    pub fn arn(&self, region: &Region) -> String {
        format!("arn:aws:lambda:{region}::runtime:{}", self.id)
    }
}
