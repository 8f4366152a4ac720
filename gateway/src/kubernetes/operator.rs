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

#[cfg(test)]
mod tests {
    use protocol::link::assignment::{ConfigurationHash, Revision};
    use protocol::link::control::{Demand, EnvironmentEntry, FromOperator, ToOperator};
    use protocol::link::frame::{FRAME_BYTES_MAX, Frame, read_frame, write_frame};
    use protocol::link::handshake::{accept_gateway, read_opening};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::environments::EnvironmentEvent;

    fn key() -> LinkKey {
        LinkKey::from_secret(&[3; 32]).unwrap()
    }

    fn demand(waiting: u32) -> Arc<Vec<Demand>> {
        let text = |text: &str| text.to_owned();
        let revision = Revision {
            namespace: text("n"),
            function: text("f"),
            uid: text("u"),
            version: text("$LATEST"),
            configuration: ConfigurationHash(text("c")),
        };
        Arc::new(vec![Demand { revision, running: 0, waiting }])
    }

    async fn accepted(listener: &TcpListener) -> TcpStream {
        let (mut stream, _) = listener.accept().await.unwrap();
        let opening = read_opening(&mut stream).await.unwrap();
        assert_eq!(accept_gateway(&mut stream, &key(), opening).await.unwrap(), "gateway-1");
        stream
    }

    async fn waiting(stream: &mut TcpStream) -> u32 {
        let frame = read_frame::<ToOperator, _>(stream, FRAME_BYTES_MAX).await.unwrap();
        let ToOperator::Demand { revisions } = frame.header else { panic!("no demand") };
        revisions.iter().map(|demand| demand.waiting).sum()
    }

    #[tokio::test]
    async fn demand_goes_to_the_operator_on_change_and_again_after_a_lost_link() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, demand_receiver) = watch::channel(demand(1));
        let (events, mut told) = mpsc::channel(8);
        let link = OperatorLink {
            key: Arc::new(key()),
            name: "gateway-1".to_owned(),
            demand: demand_receiver,
            events,
        };
        let linking = tokio::spawn(keep_linked(address, link));
        let mut stream = accepted(&listener).await;
        assert_eq!(waiting(&mut stream).await, 1);
        tell.send_replace(demand(7));
        assert_eq!(waiting(&mut stream).await, 7);
        assert_eq!(waiting(&mut stream).await, 7, "it is repeated every second");
        let (namespace, pod) = ("n".to_owned(), "p".to_owned());
        let entry = EnvironmentEntry { namespace, pod, address: "10.0.0.1:9700".to_owned(), revision: None };
        write_frame(&mut stream, &Frame::bare(FromOperator::EnvironmentUp(entry))).await.unwrap();
        let EnvironmentEvent::Up(environment) = told.recv().await.unwrap() else { panic!("not up") };
        assert_eq!((environment.pod.name.as_str(), environment.address.port()), ("p", 9_700));
        drop(stream);
        assert_eq!(waiting(&mut accepted(&listener).await).await, 7);
        linking.abort();
    }
}
