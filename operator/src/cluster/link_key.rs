//! The installation's secret, from which gateways and operators make their keys.
//!
//! It is created by whichever replica comes first and only ever created: a replica that finds it reads it, so
//! two that come at once agree. Gateways read the same Secret.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use protocol::link::trust::{Distrust, LinkKey};
use resources::labels::{self, LINK_KEY_ENTRY, LINK_KEY_SECRET};
use ring::rand::{SecureRandom, SystemRandom};

use super::FIELD_MANAGER;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeyError {
    /// The API server refused or could not be asked.
    #[error("the Secret {LINK_KEY_SECRET} cannot be read or created: {0}")]
    Api(#[from] kube::Error),
    /// The Secret exists and has no such key, or not 32 bytes.
    #[error("the Secret {LINK_KEY_SECRET} holds no {length} bytes under '{LINK_KEY_ENTRY}'", length = LinkKey::SECRET_BYTES)]
    Malformed(#[from] Distrust),
    /// The system gave no random bytes.
    #[error("no random bytes")]
    Random,
}

/// Reads the key, and creates it first where there is none.
pub async fn obtain(client: Client, namespace: &str) -> Result<LinkKey, LinkKeyError> {
    let api: Api<Secret> = Api::namespaced(client, namespace);
    if let Some(secret) = api.get_opt(LINK_KEY_SECRET).await? {
        return Ok(read(&secret)?);
    }
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &fresh()?).await {
        Ok(secret) => Ok(read(&secret)?),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(read(&api.get(LINK_KEY_SECRET).await?)?),
        Err(error) => Err(error.into()),
    }
}

fn read(secret: &Secret) -> Result<LinkKey, Distrust> {
    let bytes = secret.data.as_ref().and_then(|data| data.get(LINK_KEY_ENTRY));
    LinkKey::from_secret(bytes.map_or(&[], |ByteString(bytes)| bytes.as_slice()))
}

fn fresh() -> Result<Secret, LinkKeyError> {
    let mut bytes = vec![0; LinkKey::SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| LinkKeyError::Random)?;
    let labels = BTreeMap::from([(labels::MANAGED_BY.to_owned(), labels::MANAGER.to_owned())]);
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(LINK_KEY_SECRET.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(LINK_KEY_ENTRY.to_owned(), ByteString(bytes))])),
        immutable: Some(true),
        ..Secret::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_secret_is_a_key_and_an_empty_one_is_none() {
        let secret = fresh().unwrap();
        assert_eq!(read(&secret).unwrap().public_key(), read(&secret).unwrap().public_key());
        assert_ne!(read(&secret).unwrap().public_key(), read(&fresh().unwrap()).unwrap().public_key());
        assert!(read(&Secret::default()).is_err());
    }
}
