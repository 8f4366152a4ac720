//! The seam to whatever starts environments: the operator and its pods, or child processes.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use protocol::link::assignment::Revision;
use protocol::link::control::{Demand, Obstacle};
use tokio::sync::{mpsc, watch};

/// Which pod (or process) an environment is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// An environment that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Which.
    pub pod: PodName,
    /// Where its shim listens.
    pub address: SocketAddr,
    /// What it was, or is about to be, assigned to; one without is not dialled yet.
    pub revision: Option<Revision>,
}

/// Whether two revisions are the same. The name is not compared: in a pod's label a long one is shortened, and
/// the uid says more.
pub(super) fn is_same(one: &Revision, other: &Revision) -> bool {
    one.namespace == other.namespace
        && one.uid == other.uid
        && one.version == other.version
        && one.configuration == other.configuration
}

/// What a provider tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentEvent {
    /// It exists. Told as often as one likes.
    Up(Environment),
    /// It is gone.
    Gone(PodName),
    /// No environment of this revision can start now.
    Blocked {
        /// Whose.
        revision: Revision,
        /// What kind of obstacle.
        reason: Obstacle,
        /// The cluster's own words.
        message: String,
    },
    /// Environments of this revision may start again.
    Unblocked {
        /// Whose.
        revision: Revision,
    },
}

/// The gateway's demand now: one entry for each revision that has any.
pub type DemandReceiver = watch::Receiver<Arc<Vec<Demand>>>;
/// Where a provider puts what it has to tell.
pub type EventSender = mpsc::Sender<EnvironmentEvent>;

/// Turns demand into environments.
pub trait EnvironmentProvider: Send {
    /// Follows `demand` and tells of environments, for as long as it runs. It is dropped when the gateway ends.
    fn provide(self: Box<Self>, demand: DemandReceiver, events: EventSender) -> BoxFuture<'static, ()>;
}
