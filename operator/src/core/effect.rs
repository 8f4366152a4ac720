//! What the core wants done. Whoever carries it out tells the outcome as an [`Input`](super::Input).

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use protocol::link::control::FromOperator;
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::Frame;
use resources::FunctionStatus;

use super::input::{GatewayId, LinkId, PodKey};
use crate::function::FunctionKey;

/// What to read from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageQuestion {
    /// The image, as the author wrote it or by the digest that this generation had before.
    pub reference: String,
    /// Secrets of the function's namespace to ask with.
    pub pull_secrets: Vec<String>,
    /// The processor whose image is meant, by Go's name.
    pub architecture: &'static str,
}

/// What a person must know, as an event on an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub about: ObjectReference,
    /// Whether something is wrong.
    pub is_warning: bool,
    /// One CamelCase word.
    pub reason: &'static str,
    /// For people.
    pub note: String,
}

/// A figure for the metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// An environment became able to run invocations, so many seconds after its pod was asked for.
    Started(f64),
    /// A start failed.
    StartFailed(&'static str),
    /// An environment ended without being asked to.
    Ended,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Create a pod.
    CreatePod(PodKey, Box<Pod>),
    /// Delete a pod; one of another uid is left alone.
    DeletePod(PodKey, Option<String>),
    /// Dial an environment.
    Dial(PodKey, SocketAddr),
    /// Tell an environment.
    ToEnvironment(LinkId, Box<Frame<ToEnvironment>>),
    /// Close a connection with an environment.
    CloseLink(LinkId),
    /// Tell every gateway.
    ToGateways(FromOperator),
    /// Tell one gateway.
    ToGateway(GatewayId, FromOperator),
    /// Ask a registry.
    ReadImage(FunctionKey, i64, ImageQuestion),
    /// Write a status.
    WriteStatus(FunctionKey, Box<FunctionStatus>),
    /// Publish an event.
    Publish(Notice),
    /// Count.
    Measure(Measured),
}
