//! Invokes in one environment as a gateway does, over the link: a test's way to set what no caller of the Lambda
//! API may set, such as a Cognito identity, or a request id that was there before.
//!
//! Reads one [`Order`] as JSON from standard input, runs its invocations one after the other over one link, and
//! writes the list of [`session::Outcome`]s as JSON to standard output. Exits with 1 and one line where the link,
//! the order or an invocation is refused. It looks up nothing itself: address, pod and key are in the order.

mod session;

use std::io::{Read, Write};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::link::trust::LinkKey;
use serde::Deserialize;
use serde_json::Value;
use session::Session;

/// What is to be done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// `ip:port` of the environment's shim.
    address: String,
    /// Namespace of its pod.
    namespace: String,
    /// Name of its pod.
    pod: String,
    /// The installation's link key in base64, as its Secret has it.
    key: String,
    /// What to invoke, in this order.
    invocations: Vec<Invocation>,
}

/// One attempt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invocation {
    /// [`protocol::link::environment::Invoke`] as it crosses the link; the revision is the environment's own.
    invoke: Value,
    /// The event.
    payload: Value,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let order: Order = serde_json::from_str(&text).context("the order cannot be read")?;
    let key = LinkKey::from_secret(&STANDARD.decode(&order.key)?)?;
    let mut session = Session::open(&order.address, &order.namespace, &order.pod, &key).await?;
    let mut outcomes = Vec::new();
    for Invocation { invoke, payload } in order.invocations {
        outcomes.push(session.run(invoke, &payload).await?);
    }
    serde_json::to_writer(std::io::stdout(), &outcomes)?;
    Ok(std::io::stdout().flush()?)
}
