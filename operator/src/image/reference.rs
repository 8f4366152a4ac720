//! Image references: `[registry[:port]/]repository[:tag][@digest]`.

use std::fmt;
use std::str::FromStr;

const HUB: &str = "docker.io";
/// Where Docker Hub's registry answers.
const HUB_HOST: &str = "registry-1.docker.io";

/// An image reference that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host and port of the registry, as people write it.
    pub registry: String,
    /// The repository's path.
    pub repository: String,
    /// The tag, where no digest is written.
    pub tag: String,
    /// `sha256:…`, where it is written.
    pub digest: Option<String>,
}

/// The text is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no image reference")]
pub struct InvalidReference(String);

impl Reference {
    /// The host to ask.
    pub fn host(&self) -> &str {
        if self.registry == HUB { HUB_HOST } else { &self.registry }
    }

    /// What to ask for: the digest if there is one, else the tag.
    pub fn selector(&self) -> &str {
        self.digest.as_deref().unwrap_or(&self.tag)
    }

    /// The reference to the same repository by digest.
    pub fn by_digest(&self, digest: &str) -> String {
        format!("{}/{}@{digest}", self.registry, self.repository)
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidReference(text.to_owned());
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (text, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => (HUB, name),
        };
        let (path, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
        let hub_library = registry == HUB && !path.contains('/');
        let repository = if hub_library { format!("library/{path}") } else { path.to_owned() };
        let is_digest = |digest: &String| {
            digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_hex))
        };
        let valid = !path.is_empty()
            && repository.bytes().all(|byte| is_name(byte) || byte == b'/')
            && repository.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && registry.bytes().all(|byte| is_name(byte) || byte == b':')
            && !tag.is_empty()
            && tag.bytes().all(|byte| is_name(byte) || byte.is_ascii_uppercase())
            && digest.as_ref().is_none_or(is_digest);
        if !valid {
            return Err(invalid());
        }
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.to_owned(), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.digest.is_some() { '@' } else { ':' };
        write!(f, "{}/{}{separator}{}", self.registry, self.repository, self.selector())
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str, host: &str) {
        let reference: Reference = text.parse().unwrap();
        assert_eq!((reference.to_string().as_str(), reference.host()), (expected, host), "{text}");
    }

    #[test]
    fn short_names_are_completed() {
        check("python", "docker.io/library/python:latest", "registry-1.docker.io");
        check("me/app:1", "docker.io/me/app:1", "registry-1.docker.io");
        check("registry.test:5000/a/b:V2", "registry.test:5000/a/b:V2", "registry.test:5000");
        let digest = format!("sha256:{}", "a".repeat(64));
        check(&format!("r.io/a:1@{digest}"), &format!("r.io/a@{digest}"), "r.io");
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for text in
            ["", "r.io/", "r.io/a/../b", "r.io/a?b", "r.io/a b", "r.io/a@sha256:0", "r.io/a:", "user@host/a"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_reference_is_read_as_it_is_written(text in "[a-z0-9.:/@-]{1,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap().to_string(), reference.to_string());
            }
        }
    }
}
