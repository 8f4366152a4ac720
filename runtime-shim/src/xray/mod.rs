//! The X-Ray daemon as a function finds it: a UDP port of the loopback, to which nothing is ever answered.
//!
//! A datagram is checked as the daemon does ([`protocol::xray_datagram`]) and becomes a segment for a gateway.
//! Nothing is promised to a client of UDP, so whatever has no room is dropped and counted: a flood neither holds
//! up an invocation nor makes the shim grow. What the kernel drops before, because nobody reads as fast as the
//! function sends, is not seen here.
//!
//! The TCP side of the daemon's port is absent: within Lambda, clients sample by the header alone.

mod daemon;
mod losses;

pub(crate) use daemon::Daemon;
pub(crate) use losses::{Loss, Losses};
