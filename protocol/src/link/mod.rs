//! The link: a TCP connection between a gateway or the operator and a shim, or between a gateway and the
//! operator.
//!
//! Each connection opens with a handshake in which both sides prove who they are ([`handshake`]); what they
//! prove it with is in [`trust`]. Afterwards both sides send [`frame`]s: a JSON header, and bytes that are
//! never looked into (payloads, code, log tails). Messages with a shim are in [`environment`], those between
//! gateway and operator in [`control`].
//!
//! Compatibility: versions N and N − 1 of the link work together. Headers gain fields only with defaults, and
//! a reader passes over a message of an unknown `type`.
//!
//! The link authenticates and does not encrypt: where the pod network is not trusted with payloads, use the
//! network plugin's encryption.

pub mod assignment;
pub mod control;
pub mod environment;
pub mod frame;
pub mod handshake;
pub mod response;
pub mod state;
pub mod timeline;
pub mod trust;

/// The version of the link that this crate speaks.
pub const LINK_VERSION: u16 = 1;

/// The TCP port on which a shim accepts links from gateways and the operator.
pub const ENVIRONMENT_PORT: u16 = 9700;

/// The TCP port on which the operator accepts announcements of environments and demand of gateways.
pub const OPERATOR_PORT: u16 = 9710;
