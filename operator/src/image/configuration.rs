//! Manifests and configurations of images, as registries hold them.

use domain::hex;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

/// Every kind of manifest that can be read.
pub const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, reduced to what leads to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// Of one image: the digest of its configuration.
    Image(String),
    /// Of several: one for each platform.
    Index(Vec<PlatformManifest>),
}

/// One platform's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PlatformManifest {
    digest: String,
    #[serde(default)]
    platform: Platform,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
struct Platform {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Written {
    config: Option<Descriptor>,
    manifests: Option<Vec<PlatformManifest>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

/// What an image's configuration says of its start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StartConfiguration {
    /// ENTRYPOINT.
    pub entrypoint: Option<Vec<String>>,
    /// CMD.
    pub cmd: Option<Vec<String>>,
    /// WORKDIR.
    pub working_dir: Option<String>,
}

/// Reads a manifest.
pub fn manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let written: Written =
        serde_json::from_slice(bytes).map_err(|error| format!("the manifest cannot be read: {error}"))?;
    match (written.config, written.manifests) {
        (Some(config), _) => Ok(Manifest::Image(config.digest)),
        (None, Some(manifests)) => Ok(Manifest::Index(manifests)),
        (None, None) => Err("the manifest names neither a configuration nor other manifests".to_owned()),
    }
}

/// The digest of the manifest for Linux on a processor.
pub fn for_architecture<'a>(index: &'a [PlatformManifest], architecture: &str) -> Option<&'a str> {
    let fits =
        |one: &&PlatformManifest| one.platform.os == "linux" && one.platform.architecture == architecture;
    index.iter().find(fits).map(|one| one.digest.as_str())
}

/// Reads a configuration.
pub fn start_configuration(bytes: &[u8]) -> Result<StartConfiguration, String> {
    #[derive(Deserialize)]
    struct Image {
        #[serde(default)]
        config: Option<StartConfiguration>,
    }
    let image: Image = serde_json::from_slice(bytes)
        .map_err(|error| format!("the configuration cannot be read: {error}"))?;
    Ok(image.config.unwrap_or_default())
}

/// The digest of bytes, as references write it.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, bytes).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_to_the_processors_manifest() {
        let Ok(Manifest::Index(index)) = manifest(
            br#"{"manifests": [
                {"digest": "sha256:1", "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
                {"digest": "sha256:2", "platform": {"os": "linux", "architecture": "amd64"}},
                {"digest": "sha256:3"}
            ]}"#,
        ) else {
            panic!("no index")
        };
        assert_eq!(for_architecture(&index, "amd64"), Some("sha256:2"));
        assert_eq!(for_architecture(&index, "s390x"), None);
        assert_eq!(
            manifest(br#"{"config": {"digest": "sha256:c"}}"#),
            Ok(Manifest::Image("sha256:c".into()))
        );
        assert!(manifest(b"{}").is_err() && manifest(b"").is_err());
    }

    #[test]
    fn a_configuration_may_leave_things_out() {
        let read = start_configuration(br#"{"config": {"Entrypoint": ["/e"], "Cmd": null, "Env": ["A=b"]}}"#);
        assert_eq!(
            read,
            Ok(StartConfiguration { entrypoint: Some(vec!["/e".into()]), ..StartConfiguration::default() })
        );
        assert_eq!(start_configuration(br#"{"architecture": "amd64"}"#), Ok(StartConfiguration::default()));
    }
}
