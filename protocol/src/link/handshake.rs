//! The opening of every link: three frames in which both sides prove themselves.
//!
//! ```text
//! environment → peer      Opening::Environment { claims, nonce }
//! peer → environment      Challenge { role, nonce, signature over both nonces, the role and the claims }
//! environment → peer      Answer { proof over the same, made with the ticket's secret }
//! ```
//!
//! The environment always speaks first, whoever dialled, so one path serves announcement and dialling. The peer
//! signs the claims of the environment that it means to reach, so a pod cannot pass a gateway's signature on
//! to another pod. Who dialled is part of what both sides prove: a pod that dials an environment and the operator
//! cannot stand between them, since each of the two would take the other for the one that dialled. A gateway that dials the operator opens with `Opening::Gateway`, and both sign.

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use super::LINK_VERSION;
use super::frame::{Frame, FrameError, HANDSHAKE_FRAME_BYTES_MAX, read_frame, write_frame};
use super::trust::{Distrust, Hex, LinkKey, Nonce, PublicKey, Ticket, TicketClaims};

/// Who is on the other side of an environment's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// May invoke.
    Gateway,
    /// May assign and drain.
    Operator,
}

/// Who opened the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialler {
    /// The environment, to announce itself.
    Environment,
    /// The gateway or operator, to reach the environment.
    Peer,
}

/// The first frame of every link.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Opening {
    /// From a shim.
    Environment {
        /// The link's version.
        version: u16,
        /// Who the shim claims to be.
        claims: TicketClaims,
        /// What the peer signs.
        nonce: Nonce,
    },
    /// From a gateway that dials the operator.
    Gateway {
        /// The link's version.
        version: u16,
        /// The gateway's pod name, for logs only.
        name: String,
        /// What the operator signs.
        nonce: Nonce,
    },
}

/// The second frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// The link's version.
    pub version: u16,
    /// What the signer is.
    pub role: Role,
    /// What the answer must be made over.
    pub nonce: Nonce,
    /// The signer's proof.
    pub signature: Hex,
}

/// The third frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// An environment's ticket proof, or a gateway's signature.
    pub proof: Hex,
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed or carried something else.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The other side could not prove itself.
    #[error("the other side could not prove itself: {0}")]
    Distrust(#[from] Distrust),
    /// The other side opened with what does not belong on this link.
    #[error("the other side opened as something else")]
    Unexpected,
    /// The versions have no overlap.
    #[error("the other side speaks version {0} of the link")]
    Version(u16),
    /// The system gave no random bytes.
    #[error("no random bytes")]
    Random,
}

const NONCE_BYTES: usize = 32;

fn fresh_nonce() -> Result<Nonce, HandshakeError> {
    let mut bytes = vec![0; NONCE_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| HandshakeError::Random)?;
    Ok(Hex(bytes))
}

fn check_opening(version: u16, nonce: &Nonce) -> Result<(), HandshakeError> {
    if version.abs_diff(LINK_VERSION) > 1 {
        return Err(HandshakeError::Version(version));
    }
    if nonce.0.len() == NONCE_BYTES { Ok(()) } else { Err(Distrust::Malformed.into()) }
}

/// What an environment's link is about: the claims, and who dialled.
fn subject(claims: &TicketClaims, dialler: Dialler) -> Vec<u8> {
    let mut bytes = claims.canonical();
    bytes.push(match dialler {
        Dialler::Environment => b'e',
        Dialler::Peer => b'p',
    });
    bytes
}

fn transcript(side: &str, role: Role, opening: &Nonce, challenge: &Nonce, subject: &[u8]) -> Vec<u8> {
    let role: &[u8] = match role {
        Role::Gateway => b"gateway",
        Role::Operator => b"operator",
    };
    let mut bytes = Vec::new();
    for part in [b"kubelambda link 1", side.as_bytes(), role, &opening.0, &challenge.0, subject] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// An environment's side: proves its ticket to a peer that has proved to be a gateway or the operator.
pub async fn open_as_environment<S>(
    stream: &mut S,
    ticket: &Ticket,
    trusted: &PublicKey,
    dialler: Dialler,
) -> Result<Role, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let nonce = fresh_nonce()?;
    let claims = ticket.claims.clone();
    let subject = subject(&claims, dialler);
    let opening = Opening::Environment { version: LINK_VERSION, claims, nonce: nonce.clone() };
    write_frame(stream, &Frame::bare(opening)).await?;
    let challenge: Challenge = read_frame(stream, HANDSHAKE_FRAME_BYTES_MAX).await?.header;
    check_opening(challenge.version, &challenge.nonce)?;
    let signed = transcript("peer", challenge.role, &nonce, &challenge.nonce, &subject);
    trusted.check(&signed, &challenge.signature)?;
    let proved = transcript("environment", challenge.role, &nonce, &challenge.nonce, &subject);
    write_frame(stream, &Frame::bare(Answer { proof: ticket.prove(&proved) })).await?;
    Ok(challenge.role)
}

/// Reads the first frame of a link, on whichever side is spoken to first.
pub async fn read_opening<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Opening, HandshakeError> {
    Ok(read_frame(stream, HANDSHAKE_FRAME_BYTES_MAX).await?.header)
}

/// The peer's side of a link with an environment; returns the claims that the environment proved.
///
/// `dialled` is the namespace and name of the pod that this side dialled, which the claims must name; `None`
/// where the environment dialled. `now_epoch_seconds` is checked against the ticket's expiry.
pub async fn accept_environment<S>(
    stream: &mut S,
    key: &LinkKey,
    role: Role,
    opening: Opening,
    dialled: Option<(&str, &str)>,
    now_epoch_seconds: u64,
) -> Result<TicketClaims, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Opening::Environment { version, claims, nonce } = opening else {
        return Err(HandshakeError::Unexpected);
    };
    check_opening(version, &nonce)?;
    if dialled.is_some_and(|(namespace, pod)| claims.namespace != namespace || claims.pod != pod) {
        return Err(Distrust::Mismatch.into());
    }
    if claims.expires_epoch_seconds <= now_epoch_seconds {
        return Err(Distrust::Expired.into());
    }
    let own = fresh_nonce()?;
    let subject = subject(&claims, if dialled.is_some() { Dialler::Peer } else { Dialler::Environment });
    let signature = key.sign(&transcript("peer", role, &nonce, &own, &subject));
    let challenge = Challenge { version: LINK_VERSION, role, nonce: own.clone(), signature };
    write_frame(stream, &Frame::bare(challenge)).await?;
    let answer: Answer = read_frame(stream, HANDSHAKE_FRAME_BYTES_MAX).await?.header;
    let proved = transcript("environment", role, &nonce, &own, &subject);
    key.check_ticket(&claims, &proved, &answer.proof)?;
    Ok(claims)
}

/// A gateway's side of its link with the operator.
pub async fn open_as_gateway<S>(stream: &mut S, key: &LinkKey, name: &str) -> Result<(), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let nonce = fresh_nonce()?;
    let opening = Opening::Gateway { version: LINK_VERSION, name: name.to_owned(), nonce: nonce.clone() };
    write_frame(stream, &Frame::bare(opening)).await?;
    let challenge: Challenge = read_frame(stream, HANDSHAKE_FRAME_BYTES_MAX).await?.header;
    check_opening(challenge.version, &challenge.nonce)?;
    let signed = transcript("peer", Role::Operator, &nonce, &challenge.nonce, name.as_bytes());
    key.public_key().check(&signed, &challenge.signature)?;
    let proved = transcript("gateway", Role::Gateway, &nonce, &challenge.nonce, name.as_bytes());
    write_frame(stream, &Frame::bare(Answer { proof: key.sign(&proved) })).await?;
    Ok(())
}

/// The operator's side of a gateway's link; returns the gateway's name.
pub async fn accept_gateway<S>(
    stream: &mut S,
    key: &LinkKey,
    opening: Opening,
) -> Result<String, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Opening::Gateway { version, name, nonce } = opening else {
        return Err(HandshakeError::Unexpected);
    };
    check_opening(version, &nonce)?;
    let own = fresh_nonce()?;
    let signature = key.sign(&transcript("peer", Role::Operator, &nonce, &own, name.as_bytes()));
    let challenge = Challenge { version: LINK_VERSION, role: Role::Operator, nonce: own.clone(), signature };
    write_frame(stream, &Frame::bare(challenge)).await?;
    let answer: Answer = read_frame(stream, HANDSHAKE_FRAME_BYTES_MAX).await?.header;
    let proved = transcript("gateway", Role::Gateway, &nonce, &own, name.as_bytes());
    key.public_key().check(&proved, &answer.proof)?;
    Ok(name)
}

#[cfg(test)]
mod tests;
