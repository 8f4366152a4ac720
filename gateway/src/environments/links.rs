//! Follows a provider: one task for each environment, and obstacles to the fleets they concern.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use protocol::link::trust::LinkKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::link::{self, LinkContext};
use super::{Environment, EnvironmentEvent, PodName};
use crate::fleets::{Blocked, Fleets};
use crate::limits;

/// Every link.
#[derive(Debug)]
pub(crate) struct Links {
    context: LinkContext,
    linked: HashMap<PodName, (SocketAddr, CancellationToken)>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Links {
    pub(crate) fn new(key: Arc<LinkKey>, fleets: Arc<Fleets>, shutdown: CancellationToken) -> Self {
        let context = LinkContext { key, fleets, sessions: Arc::new(AtomicU64::new(0)) };
        Self { context, linked: HashMap::new(), tasks: TaskTracker::new(), shutdown }
    }

    /// Follows what a provider tells until it ends.
    pub(crate) async fn follow(mut self, mut events: mpsc::Receiver<EnvironmentEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                EnvironmentEvent::Up(environment) => self.up(environment),
                EnvironmentEvent::Gone(pod) => self.gone(&pod),
                EnvironmentEvent::Blocked { revision, reason, message } => {
                    tracing::info!(
                        function = revision.function,
                        ?reason,
                        message,
                        "No environment can start"
                    );
                    self.context.fleets.of(&revision).block(&revision, Blocked { reason, message });
                }
                EnvironmentEvent::Unblocked { revision } => {
                    self.context.fleets.of(&revision).unblock(&revision);
                }
            }
        }
    }

    fn up(&mut self, environment: Environment) {
        let Environment { pod, address, revision } = environment;
        let known = self.linked.get(&pod).is_some_and(|(linked, _)| *linked == address);
        if known || revision.is_none() {
            return;
        }
        self.gone(&pod);
        if self.linked.len() >= limits::ENVIRONMENT_LINKS_MAX {
            tracing::warn!(pod = pod.name, "Too many environments: not linked");
            return;
        }
        let gone = self.shutdown.child_token();
        self.tasks.spawn(link::keep(self.context.clone(), pod.clone(), address, gone.clone()));
        self.linked.insert(pod, (address, gone));
    }

    fn gone(&mut self, pod: &PodName) {
        if let Some((_, gone)) = self.linked.remove(pod) {
            gone.cancel();
        }
    }
}
