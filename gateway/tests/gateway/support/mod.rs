//! What the gateway's process-level tests share: a gateway whose catalog and environments the test decides, an
//! environment that misbehaves on purpose, and a client.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

pub mod client;
pub mod fake;
pub mod gateway;
