//! What the gateway's process-level tests share: a gateway whose catalog and environments the test decides, an
//! environment that misbehaves on purpose, and a client.
#![allow(unreachable_pub, reason = "a test program exports nothing")]

pub mod client;
pub mod collector;
pub mod fake;
pub mod gateway;
pub mod shim;
pub mod stream;
pub mod traced;
