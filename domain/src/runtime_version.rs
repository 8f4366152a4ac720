//! Which version of a managed runtime an environment runs, as AWS names it. Images that bring their own have none.
//!
//! AWS counts the versions of its runtimes itself; who gives out a runtime here counts its own. The number of a Runtime
//! of the chart is the chart's, and of a runtime in local mode that of the clients it fetches.

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
    /// What the version numbered `count` of a runtime is called, from AWS's identifier of the runtime: `python3.13`
    /// gives `python:3.13.v1`, `nodejs22.x` gives `nodejs:22.v1` and `provided.al2023` gives `provided:al2023.v1`.
    pub fn version_of(identifier: &str, count: u32) -> String {
        let end = identifier.find(|of: char| !of.is_ascii_lowercase()).unwrap_or(identifier.len());
        let (language, release) = identifier.split_at(end);
        let release = release.trim_start_matches('.').trim_end_matches(".x");
        format!("{language}:{release}.v{count}")
    }

    /// `arn:aws:lambda:<region>::runtime:<id>`. It has no account: runtimes are AWS's own.
    pub fn arn(&self, region: &Region) -> String {
        format!("arn:aws:lambda:{region}::runtime:{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As logs of the service show them, with its own numbers.
    #[test]
    fn a_version_is_called_as_aws_calls_it() {
        for (identifier, count, expected) in [
            ("python3.13", 45, "python:3.13.v45"),
            ("nodejs22.x", 53, "nodejs:22.v53"),
            ("java21", 38, "java:21.v38"),
            ("ruby3.3", 12, "ruby:3.3.v12"),
            ("dotnet8", 47, "dotnet:8.v47"),
            ("provided.al2023", 98, "provided:al2023.v98"),
        ] {
            assert_eq!(RuntimeVersion::version_of(identifier, count), expected);
        }
    }
}
