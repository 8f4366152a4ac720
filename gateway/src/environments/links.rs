//! Follows a provider: one task for each environment, and obstacles to the fleets they concern.

use std::collections::HashMap;
use std::net::SocketAddr;

use protocol::link::assignment::Revision;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::LinkContext;
use super::link;
use super::provider::is_same;
use super::{Environment, EnvironmentEvent, PodName};
use crate::fleets::Blocked;
use crate::limits;

/// One environment that is linked, or dialled.
#[derive(Debug)]
struct Linked {
    address: SocketAddr,
    revision: Revision,
    gone: CancellationToken,
}

/// Every link.
#[derive(Debug)]
pub(crate) struct Links {
    context: LinkContext,
    linked: HashMap<PodName, Linked>,
    tasks: TaskTracker,
}

impl Links {
    pub(crate) fn new(context: LinkContext) -> Self {
        Self { context, linked: HashMap::new(), tasks: TaskTracker::new() }
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
        let Some(revision) = revision else { return };
        let is_linked = |linked: &Linked| linked.address == address && is_same(&linked.revision, &revision);
        if self.linked.get(&pod).is_some_and(is_linked) {
            return;
        }
        self.gone(&pod);
        if self.linked.len() >= limits::ENVIRONMENT_LINKS_MAX {
            tracing::warn!(pod = pod.name, "Too many environments: not linked");
            return;
        }
        let gone = self.context.ended.child_token();
        let keep = link::keep(self.context.clone(), pod.clone(), address, revision.clone(), gone.clone());
        self.tasks.spawn(keep);
        self.linked.insert(pod, Linked { address, revision, gone });
    }

    fn gone(&mut self, pod: &PodName) {
        if let Some(linked) = self.linked.remove(pod) {
            linked.gone.cancel();
        }
    }
}
