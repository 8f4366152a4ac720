//! What the core is told: observations of the API server, of links, and of what became of its effects.

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use protocol::link::control::Demand;
use protocol::link::environment::EnvironmentState;
use resources::{Function, Runtime};

use crate::function::FunctionKey;
use crate::image::ImageProgress;
use crate::pod::observation::SeenPod;

/// A pod, by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodKey {
    /// Namespace.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

/// One connection with an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One connection with a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub u64);

/// A namespace and the account id that its annotation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNamespace {
    /// `metadata.name`.
    pub name: String,
    /// The annotation, as written.
    pub account: Option<String>,
}

/// What a watch tells of one kind.
#[derive(Debug, Clone)]
pub enum Change<T, K> {
    /// Everything that exists; what was known and is not here is gone.
    Listed(Vec<T>),
    /// One that is new or changed.
    Seen(T),
    /// One that is gone.
    Gone(K),
}

/// Why a pod was not created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateError {
    /// The API server refused it for good reason: a quota, an admission rule, a value that is not allowed.
    Refused(String),
    /// The API server could not be asked, or had no time.
    Failed(String),
}

/// One observation.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a Runtime is the largest, and few inputs wait at once")]
pub enum Input {
    /// This replica now leads.
    Leads,
    /// Functions changed.
    Functions(Change<Arc<Function>, FunctionKey>),
    /// A Function that exists cannot be read: which, and why.
    FunctionUnreadable(ObjectReference, String),
    /// Runtimes changed.
    Runtimes(Change<Runtime, String>),
    /// Namespaces changed.
    Namespaces(Change<SeenNamespace, String>),
    /// Pods of functions changed.
    Pods(Change<SeenPod, PodKey>),
    /// A pod's creation ended; with its uid where it succeeded.
    PodCreated(PodKey, Result<String, CreateError>),
    /// A pod's deletion was accepted (or it was gone), or failed.
    PodDeleted(PodKey, Result<(), String>),
    /// An environment proved itself.
    EnvironmentLinked {
        /// Which.
        pod: PodKey,
        /// Over which connection.
        link: LinkId,
        /// Where it is dialled.
        address: SocketAddr,
    },
    /// An environment told its state.
    EnvironmentState(LinkId, EnvironmentState),
    /// A connection with an environment ended.
    EnvironmentUnlinked(LinkId),
    /// An environment could not be dialled.
    DialFailed(PodKey),
    /// A gateway proved itself.
    GatewayLinked(GatewayId),
    /// A gateway told its whole demand.
    GatewayDemand(GatewayId, Vec<Demand>),
    /// A gateway's connection ended.
    GatewayUnlinked(GatewayId),
    /// A registry answered for the image of a generation, or did not.
    ImageRead(FunctionKey, i64, ImageProgress),
    /// A status was written, or not.
    StatusWritten(FunctionKey, Result<(), String>),
    /// Time passed.
    Tick,
}
