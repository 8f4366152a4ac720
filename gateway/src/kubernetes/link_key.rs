//! Where the installation's link key is: a Secret in the gateway's own namespace, or a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use protocol::link::trust::{Distrust, LinkKey};
use resources::labels::{LINK_KEY_ENTRY, LINK_KEY_SECRET};

/// How often the Secret is looked for until it is there.
const LOOK: Duration = Duration::from_secs(1);

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum NoLinkKey {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It has another length.
    #[error("{}: {error}: {bytes} bytes instead of {}", path.display(), LinkKey::SECRET_BYTES)]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        error: Distrust,
        /// Its length, in bytes.
        bytes: usize,
    },
}

/// Reads the key from a file of 32 bytes.
pub fn read_link_key(path: &Path) -> Result<LinkKey, NoLinkKey> {
    let path = path.to_owned();
    let secret = match std::fs::read(&path) {
        Ok(secret) => secret,
        Err(error) => return Err(NoLinkKey::Unreadable { path, error }),
    };
    LinkKey::from_secret(&secret).map_err(|error| NoLinkKey::Malformed { path, error, bytes: secret.len() })
}

/// Waits for the Secret in `namespace`: the operator may still have to make it.
pub async fn await_link_key(client: Client, namespace: &str) -> LinkKey {
    let secrets: Api<Secret> = Api::namespaced(client, namespace);
    loop {
        match secrets.get_opt(LINK_KEY_SECRET).await {
            Ok(Some(secret)) => {
                if let Some(key) = key_in(&secret) {
                    return key;
                }
                tracing::warn!(namespace, LINK_KEY_SECRET, "The Secret has no key of 32 bytes");
            }
            Ok(None) => tracing::warn!(namespace, LINK_KEY_SECRET, "The Secret is not there yet"),
            Err(error) => tracing::warn!(namespace, LINK_KEY_SECRET, %error, "The Secret cannot be read"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn key_in(secret: &Secret) -> Option<LinkKey> {
    let bytes = secret.data.as_ref()?.get(LINK_KEY_ENTRY)?;
    LinkKey::from_secret(&bytes.0).ok()
}
