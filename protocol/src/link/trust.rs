//! What the two sides of a link prove themselves with.
//!
//! An installation has one secret, the [`LinkKey`], which gateways and operators hold and no pod of a function
//! ever sees. From it come a signing key, whose public half every environment is given to check its callers
//! against, and a ticket key. The operator gives each pod a [`Ticket`]: its claims (namespace, pod, pool,
//! expiry) and a secret made from them with the ticket key. An environment proves that it holds the secret
//! without sending it, so a stolen ticket impersonates that one pod and nothing else, and whoever reads
//! everything inside a pod still cannot reach into another.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};

/// Why a proof, a key or a ticket was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The text is not the key, ticket or proof that it should be.
    #[error("the key or ticket is malformed")]
    Malformed,
    /// The proof does not fit the claims.
    #[error("the proof does not match")]
    Mismatch,
    /// The ticket's time is over.
    #[error("the ticket has expired")]
    Expired,
}

/// Bytes that cross the wire as hexadecimal text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = Distrust;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        domain::hex::decode(&text).map(Self).ok_or(Distrust::Malformed)
    }
}

impl From<Hex> for String {
    fn from(bytes: Hex) -> Self {
        domain::hex::encode(&bytes.0)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({} bytes)", self.0.len())
    }
}

/// Random bytes that make one handshake unlike every other.
pub type Nonce = Hex;

/// The installation's secret: 32 random bytes.
pub struct LinkKey {
    signing: Ed25519KeyPair,
    tickets: hmac::Key,
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkKey {
    /// Length of the secret, in bytes.
    pub const SECRET_BYTES: usize = 32;

    /// The keys made from the installation's secret.
    pub fn from_secret(secret: &[u8]) -> Result<Self, Distrust> {
        if secret.len() != Self::SECRET_BYTES {
            return Err(Distrust::Malformed);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kubelambda link").extract(secret);
        let derive = |purpose: &[u8]| -> Result<[u8; 32], Distrust> {
            let mut derived = [0; 32];
            let info = [purpose];
            let output = root.expand(&info, hkdf::HKDF_SHA256).map_err(|_| Distrust::Malformed)?;
            output.fill(&mut derived).map_err(|_| Distrust::Malformed)?;
            Ok(derived)
        };
        let signing =
            Ed25519KeyPair::from_seed_unchecked(&derive(b"sign")?).map_err(|_| Distrust::Malformed)?;
        Ok(Self { signing, tickets: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"tickets")?) })
    }

    /// The half that environments are given.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(Hex(self.signing.public_key().as_ref().to_vec()))
    }

    /// The ticket of a pod that is about to be created.
    pub fn issue(&self, claims: TicketClaims) -> Ticket {
        let secret = Hex(hmac::sign(&self.tickets, &claims.canonical()).as_ref().to_vec());
        Ticket { claims, secret }
    }

    pub(super) fn sign(&self, transcript: &[u8]) -> Hex {
        Hex(self.signing.sign(transcript).as_ref().to_vec())
    }

    /// Checks that whoever made `proof` over `transcript` holds the ticket with these claims.
    pub(super) fn check_ticket(
        &self,
        claims: &TicketClaims,
        transcript: &[u8],
        proof: &Hex,
    ) -> Result<(), Distrust> {
        let ticket = self.issue(claims.clone());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &ticket.secret.0);
        hmac::verify(&key, transcript, &proof.0).map_err(|_| Distrust::Mismatch)
    }
}

/// The key with which an environment checks gateways and the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(Hex);

impl PublicKey {
    /// Reads the key's hexadecimal text.
    pub fn from_text(text: &str) -> Result<Self, Distrust> {
        Hex::try_from(text.to_owned()).map(Self)
    }

    /// The key as hexadecimal text.
    pub fn to_text(&self) -> String {
        self.0.clone().into()
    }

    pub(super) fn check(&self, transcript: &[u8], signature: &Hex) -> Result<(), Distrust> {
        let key = UnparsedPublicKey::new(&ED25519, &self.0.0);
        key.verify(transcript, &signature.0).map_err(|_| Distrust::Mismatch)
    }
}

/// What a ticket says of its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The pool key: what a generic environment of this pod could become.
    pub pool: String,
    /// When the ticket stops being accepted, in seconds since the epoch.
    pub expires_epoch_seconds: u64,
}

impl TicketClaims {
    /// The bytes that the ticket's secret is made from. Each text is preceded by its length, so that no two
    /// different claims have the same bytes.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in [&self.namespace, &self.pod, &self.pool] {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend(self.expires_epoch_seconds.to_be_bytes());
        bytes
    }
}

/// What the operator hands to a pod, and only that pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Public part.
    pub claims: TicketClaims,
    /// Proved, never sent.
    secret: Hex,
}

impl Ticket {
    /// Reads the JSON text that the pod is started with.
    pub fn from_text(text: &str) -> Result<Self, Distrust> {
        serde_json::from_str(text).map_err(|_| Distrust::Malformed)
    }

    /// The JSON text that the pod is started with.
    pub fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    pub(super) fn prove(&self, transcript: &[u8]) -> Hex {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret.0);
        Hex(hmac::sign(&key, transcript).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(pod: &str) -> TicketClaims {
        TicketClaims { namespace: "n".into(), pod: pod.into(), pool: "p".into(), expires_epoch_seconds: 9 }
    }

    #[test]
    fn a_ticket_proves_its_own_pod_and_no_other() {
        let key = LinkKey::from_secret(&[7; 32]).unwrap();
        let ticket = Ticket::from_text(&key.issue(claims("a")).to_text()).unwrap();
        let proof = ticket.prove(b"transcript");
        assert_eq!(key.check_ticket(&claims("a"), b"transcript", &proof), Ok(()));
        assert_eq!(key.check_ticket(&claims("b"), b"transcript", &proof), Err(Distrust::Mismatch));
        assert_eq!(key.check_ticket(&claims("a"), b"replayed", &proof), Err(Distrust::Mismatch));
        let other = LinkKey::from_secret(&[8; 32]).unwrap();
        assert_eq!(other.check_ticket(&claims("a"), b"transcript", &proof), Err(Distrust::Mismatch));
    }

    #[test]
    fn claims_cannot_be_shifted_into_each_other() {
        let mut one = claims("ab");
        one.pool = "c".into();
        let mut two = claims("a");
        two.pool = "bc".into();
        assert_ne!(one.canonical(), two.canonical());
    }

    #[test]
    fn only_the_link_key_signs_for_its_public_key() {
        let key = LinkKey::from_secret(&[7; 32]).unwrap();
        let public = PublicKey::from_text(&key.public_key().to_text()).unwrap();
        assert_eq!(public.check(b"t", &key.sign(b"t")), Ok(()));
        assert_eq!(public.check(b"u", &key.sign(b"t")), Err(Distrust::Mismatch));
        assert!(LinkKey::from_secret(&[0; 31]).is_err());
    }
}
