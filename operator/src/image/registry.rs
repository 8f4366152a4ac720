//! Reading an image's configuration from its registry.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde::Deserialize;
use tokio::time::timeout;

use super::configuration::{
    MANIFEST_TYPES, Manifest, digest_of, for_architecture, manifest, start_configuration,
};
use super::credentials::{Credentials, DOCKER_CONFIG_KEY, credentials};
use super::reference::Reference;
use super::transport::{Answer, Transport, TransportError};
use super::{ImageFacts, ImageProgress};
use crate::core::ImageQuestion;

/// How long one image may take to be read, in seconds.
pub const READ_SECONDS_MAX: u64 = 30;
/// Most characters of a registry's answer in a message.
const WORDS_CHARS_MAX: usize = 300;

/// Why an image was not read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("{0}")]
    Missing(String),
    #[error("{0}")]
    Unreadable(String),
}

impl From<TransportError> for ReadError {
    fn from(error: TransportError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Every registry, and the pull secrets to ask them with.
#[derive(Clone)]
pub struct Registries {
    transport: Transport,
    client: Client,
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registries")
    }
}

/// One repository and the right to read it.
struct Session<'a> {
    transport: &'a Transport,
    reference: Reference,
    credentials: Option<Credentials>,
    authorization: Option<String>,
}

impl Registries {
    /// Registries that are asked over `transport`; pull secrets are read with `client`.
    pub fn new(transport: Transport, client: Client) -> Self {
        Self { transport, client }
    }

    /// Reads what an image says of itself.
    pub async fn read(&self, namespace: &str, question: &ImageQuestion) -> ImageProgress {
        let bound = Duration::from_secs(READ_SECONDS_MAX);
        let answer = timeout(bound, self.facts(namespace, question)).await;
        let progress = match answer {
            Ok(Ok(facts)) => ImageProgress::Known(facts),
            Ok(Err(ReadError::Missing(words))) => ImageProgress::Missing(words),
            Ok(Err(ReadError::Unreadable(words))) => ImageProgress::Unreadable(words),
            Err(_) => ImageProgress::Unreadable(format!(
                "image {}: its registry did not answer within {READ_SECONDS_MAX} s",
                question.reference
            )),
        };
        if !matches!(progress, ImageProgress::Known(_)) {
            tracing::info!(namespace, image = question.reference, ?progress, "Cannot read an image");
        }
        progress
    }

    async fn facts(&self, namespace: &str, question: &ImageQuestion) -> Result<ImageFacts, ReadError> {
        let reference: Reference =
            question.reference.parse().map_err(|error| ReadError::Unreadable(format!("{error}")))?;
        let mut notes = Vec::new();
        let mut found = None;
        for name in &question.pull_secrets {
            match self.secret(namespace, name).await {
                Ok(config) => found = found.or_else(|| credentials(&config, &reference.registry)),
                Err(error) => notes.push(format!("the Secret '{name}' cannot be read ({error})")),
            }
        }
        let mut session =
            Session { transport: &self.transport, reference, credentials: found, authorization: None };
        let explained = |words: String| {
            let because = if notes.is_empty() { String::new() } else { format!("; {}", notes.join(", ")) };
            format!("image {}: {words}{because}", question.reference)
        };
        session.read(question.architecture).await.map_err(|error| match error {
            ReadError::Missing(words) => ReadError::Missing(explained(words)),
            ReadError::Unreadable(words) => ReadError::Unreadable(explained(words)),
        })
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Vec<u8>, String> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = api.get(name).await.map_err(|error| match error {
            kube::Error::Api(status) => status.message,
            other => other.to_string(),
        })?;
        let config = secret.data.and_then(|mut data| data.remove(DOCKER_CONFIG_KEY));
        config.map(|bytes| bytes.0).ok_or_else(|| format!("it holds no {DOCKER_CONFIG_KEY}"))
    }
}

impl Session<'_> {
    async fn read(&mut self, architecture: &str) -> Result<ImageFacts, ReadError> {
        let selector = self.reference.selector().to_owned();
        let bytes = self.get("manifests", &selector).await?;
        let digest = digest_of(&bytes);
        self.check(&selector, &bytes)?;
        let config = match manifest(&bytes).map_err(ReadError::Unreadable)? {
            Manifest::Image(config) => config,
            Manifest::Index(index) => {
                let platform = for_architecture(&index, architecture)
                    .ok_or_else(|| ReadError::Missing(format!("there is none for linux/{architecture}")))?;
                let bytes = self.get("manifests", platform).await?;
                self.check(platform, &bytes)?;
                let Manifest::Image(config) = manifest(&bytes).map_err(ReadError::Unreadable)? else {
                    return Err(ReadError::Unreadable("an index leads to another index".to_owned()));
                };
                config
            }
        };
        let bytes = self.get("blobs", &config).await?;
        self.check(&config, &bytes)?;
        let start = start_configuration(&bytes).map_err(ReadError::Unreadable)?;
        Ok(ImageFacts {
            reference: self.reference.by_digest(&digest),
            entry_point: start.entrypoint.unwrap_or_default(),
            command: start.cmd.unwrap_or_default(),
            working_directory: start.working_dir.filter(|folder| !folder.is_empty()),
        })
    }

    /// What is asked for by digest must have it, whoever answered.
    fn check(&self, selector: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let is_same = !selector.starts_with("sha256:") || digest_of(bytes) == selector;
        let wrong = || format!("{} answered {selector} with other bytes", self.reference.host());
        if is_same { Ok(()) } else { Err(ReadError::Unreadable(wrong())) }
    }

    async fn get(&mut self, kind: &str, selector: &str) -> Result<Bytes, ReadError> {
        let Reference { repository, .. } = &self.reference;
        let url = format!("https://{}/v2/{repository}/{kind}/{selector}", self.reference.host());
        let accept = if kind == "manifests" { MANIFEST_TYPES } else { "*/*" };
        let mut answer = self.transport.get(&url, accept, self.authorization.as_deref()).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.authorization.is_none() {
            self.authorization = self.authorize(answer.challenge.as_deref()).await?;
            answer = self.transport.get(&url, accept, self.authorization.as_deref()).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            StatusCode::NOT_FOUND => Err(ReadError::Missing(words(&answer))),
            _ => Err(ReadError::Unreadable(words(&answer))),
        }
    }

    /// What the registry's challenge asks for: a token of its token service, or the credentials themselves.
    async fn authorize(&self, challenge: Option<&str>) -> Result<Option<String>, ReadError> {
        let basic = self.credentials.as_ref().map(Credentials::basic);
        let Some(parameters) = challenge.and_then(|text| text.strip_prefix("Bearer ")) else {
            return Ok(basic);
        };
        let value = |name: &str| parameter(parameters, name);
        let realm = value("realm").unwrap_or_default();
        let service = value("service").map(|service| format!("service={service}&")).unwrap_or_default();
        let scope = format!("repository:{}:pull", self.reference.repository);
        let separator = if realm.contains('?') { '&' } else { '?' };
        let url = format!("{realm}{separator}{service}scope={scope}").replace(' ', "%20");
        let answer = self.transport.get(&url, "application/json", basic.as_deref()).await?;
        if answer.status != StatusCode::OK {
            return Err(ReadError::Unreadable(words(&answer)));
        }
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|error| ReadError::Unreadable(format!("the token cannot be read: {error}")))?;
        Ok(Some(format!("Bearer {}", token.token)))
    }
}

/// What a token service answers; some call it by the name of OAuth.
#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

fn parameter(parameters: &str, name: &str) -> Option<String> {
    let start = parameters.find(&format!("{name}=\""))? + name.len() + 2;
    let rest = parameters.get(start..)?;
    rest.split('"').next().map(str::to_owned)
}

/// The registry's own words: the message of its first error, or the beginning of its answer.
fn words(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Error>,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let errors = serde_json::from_slice::<Errors>(&answer.body).ok();
    let first = errors.and_then(|errors| errors.errors.into_iter().next());
    let text = match first {
        Some(error) => format!("{}: {}", error.code, error.message),
        None => String::from_utf8_lossy(&answer.body).chars().take(WORDS_CHARS_MAX).collect(),
    };
    format!("the registry answered {}: {}", answer.status.as_u16(), text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_taken_apart() {
        let parameters = r#"realm="https://auth.test/token",service="r.test",scope="repository:a:pull""#;
        assert_eq!(parameter(parameters, "realm").as_deref(), Some("https://auth.test/token"));
        assert_eq!(parameter(parameters, "service").as_deref(), Some("r.test"));
        assert_eq!(parameter(parameters, "other"), None);
    }

    #[test]
    fn the_registrys_words_are_kept() {
        let answer = |body: &'static str| Answer {
            status: StatusCode::NOT_FOUND,
            body: Bytes::from(body),
            challenge: None,
        };
        let known = answer(r#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}"#);
        assert_eq!(words(&known), "the registry answered 404: MANIFEST_UNKNOWN: manifest unknown");
        assert_eq!(words(&answer("gone\n")), "the registry answered 404: gone");
    }
}
