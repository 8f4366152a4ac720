//! HTTPS to registries: bounded bodies, bounded redirects, and no credentials to anyone else.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Largest answer, in bytes: manifests and configurations have a few kilobytes.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Redirects that are followed; registries send readers of blobs to their storage.
pub const REDIRECTS_MAX: u32 = 3;

/// Why a registry was not heard.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The URL cannot be asked for.
    #[error("'{0}' is no URL that can be asked for")]
    Url(String),
    /// No connection, or it broke; with its causes, since the first says little.
    #[error("{0}")]
    Connection(String),
    /// The answer is over [`ANSWER_BYTES_MAX`] or broke off.
    #[error("the answer cannot be read: {0}")]
    Body(String),
    /// More than [`REDIRECTS_MAX`].
    #[error("too many redirects")]
    Redirects,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with more certificate authorities.
    #[error("{path}: {cause}")]
    CaFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// TLS itself.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
    /// `WWW-Authenticate`, where it is there.
    pub challenge: Option<String>,
}

/// A client for registries.
#[derive(Debug, Clone)]
pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Transport {
    /// A client that trusts the public authorities and those in `ca_file`.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca_file {
            add_authorities(&mut roots, path)
                .map_err(|cause| TlsError::CaFile { path: path.display().to_string(), cause })?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Asks, and follows redirects; the authorisation goes to the first host only.
    pub async fn get(
        &self,
        url: &str,
        accept: &str,
        authorization: Option<&str>,
    ) -> Result<Answer, TransportError> {
        let mut uri: Uri = url.parse().map_err(|_| TransportError::Url(url.to_owned()))?;
        let first_authority = uri.authority().cloned();
        for _ in 0..=REDIRECTS_MAX {
            let mut request = Request::get(&uri).header(ACCEPT, accept);
            if let Some(value) = authorization.filter(|_| uri.authority() == first_authority.as_ref()) {
                request = request.header(AUTHORIZATION, value);
            }
            let request = request.body(Empty::new()).map_err(|_| TransportError::Url(url.to_owned()))?;
            let response = self.client.request(request).await.map_err(connection)?;
            if let Some(target) = redirect(response.status(), response.headers(), &uri) {
                uri = target?;
                continue;
            }
            let status = response.status();
            let text = |value: &hyper::header::HeaderValue| value.to_str().ok().map(str::to_owned);
            let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(text);
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(|error| TransportError::Body(error.to_string()))?
                .to_bytes();
            return Ok(Answer { status, body, challenge });
        }
        Err(TransportError::Redirects)
    }
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let mut added = 0;
    for certificate in certificates {
        roots.add(certificate.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
        added += 1;
    }
    if added == 0 { Err("there is no certificate in the file".to_owned()) } else { Ok(()) }
}

fn redirect(status: StatusCode, headers: &HeaderMap, from: &Uri) -> Option<Result<Uri, TransportError>> {
    if !status.is_redirection() {
        return None;
    }
    let target = headers.get(LOCATION)?.to_str().ok()?;
    let absolute = match (target.starts_with('/'), from.authority()) {
        (true, Some(authority)) => format!("https://{authority}{target}"),
        _ => target.to_owned(),
    };
    Some(absolute.parse().map_err(|_| TransportError::Url(absolute)))
}

/// An error with its causes: what comes first says little.
fn connection(error: hyper_util::client::legacy::Error) -> TransportError {
    TransportError::Connection(format!("{:#}", anyhow::Error::new(error)))
}
