//! What pull secrets (`kubernetes.io/dockerconfigjson`) hold for a registry.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Key of a pull secret's data.
pub const DOCKER_CONFIG_KEY: &str = ".dockerconfigjson";

/// A user of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// The value of an `Authorization` header.
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)))
    }
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    #[serde(rename = "auth")]
    encoded: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// The credentials that a pull secret holds for a registry.
pub fn credentials(docker_config: &[u8], registry: &str) -> Option<Credentials> {
    let config: DockerConfig = serde_json::from_slice(docker_config).ok()?;
    let mut entries = config.auths.into_iter();
    let (_, entry) = entries.find(|(key, _)| is_same_registry(key, registry))?;
    if let Some(encoded) = entry.encoded {
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        return Some(Credentials { username: username.to_owned(), password: password.to_owned() });
    }
    Some(Credentials { username: entry.username?, password: entry.password? })
}

/// Keys are hosts, with or without a scheme and a path; Docker Hub has several names.
fn is_same_registry(key: &str, registry: &str) -> bool {
    let host = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let is_hub = |name: &str| matches!(name, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    host == registry || (is_hub(host) && is_hub(registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_own_entry_is_found() {
        let config = br#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldDp4"},
            "registry.test:5000": {"username": "me", "password": "pw"},
            "broken.test": {"auth": "!"}
        }}"#;
        let user = |registry| credentials(config, registry).map(|found| (found.username, found.password));
        assert_eq!(user("docker.io"), Some(("hub".into(), "secret:x".into())));
        assert_eq!(user("registry.test:5000"), Some(("me".into(), "pw".into())));
        assert_eq!(user("registry.test"), None);
        assert_eq!(user("broken.test"), None);
        assert_eq!(credentials(b"no json", "docker.io"), None);
    }
}
