//! The provider of a cluster: every replica of the operator, and the watch of pods.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use kube::Client;
use protocol::link::trust::LinkKey;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::operator_link::{self, OperatorLink};
use super::pods;
use crate::environments::{DemandReceiver, EnvironmentProvider, EventSender};
use crate::limits;

/// Sends demand to every replica of the operator, and tells what they and the pods tell.
#[derive(Clone)]
pub struct OperatorProvider {
    client: Client,
    /// `host:port` of a headless Service, which resolves to every replica.
    address: String,
    key: Arc<LinkKey>,
    /// This gateway's pod name, for the operator's logs.
    name: String,
}

impl std::fmt::Debug for OperatorProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorProvider").field("address", &self.address).finish_non_exhaustive()
    }
}

impl OperatorProvider {
    /// A provider that finds the operator's replicas at `address`, and their pods by `client`.
    pub fn new(client: Client, address: String, key: Arc<LinkKey>, name: String) -> Self {
        Self { client, address, key, name }
    }
}

impl EnvironmentProvider for OperatorProvider {
    fn provide(self: Box<Self>, demand: DemandReceiver, events: EventSender) -> BoxFuture<'static, ()> {
        let pods = pods::follow(self.client.clone(), events.clone());
        let link = OperatorLink { key: self.key, name: self.name, demand, events };
        let replicas = keep_linked(self.address, link);
        Box::pin(async move {
            futures::future::join(pods, replicas).await;
        })
    }
}

/// Resolves the operator's name again and again, and links with each address that is not linked.
pub(super) async fn keep_linked(address: String, link: OperatorLink) {
    let (mut links, mut linked) = (JoinSet::new(), HashSet::new());
    let mut resolve = interval(limits::OPERATOR_RESOLVE);
    resolve.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = resolve.tick() => {
                for replica in replicas(&address).await {
                    if linked.len() < limits::OPERATOR_REPLICAS_MAX && linked.insert(replica) {
                        links.spawn(operator_link::run(link.clone(), replica));
                    }
                }
            }
            Some(ended) = links.join_next(), if !links.is_empty() => match ended {
                Ok(replica) => drop(linked.remove(&replica)),
                Err(error) => tracing::error!(%error, "A link with the operator ended out of order"),
            },
        }
    }
}

async fn replicas(address: &str) -> Vec<SocketAddr> {
    match tokio::time::timeout(limits::OPERATOR_DIAL, tokio::net::lookup_host(address)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            tracing::debug!(address, %error, "The operator's name does not resolve");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}
