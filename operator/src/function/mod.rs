//! What a Function asks for, as values: whether it can run, with what, and what its environments are told.
//!
//! Architecture invariant: nothing here does I/O. A Function is judged by itself, the Runtime it names and
//! what its image's registry said, all of them parameters.

pub mod assignment;
pub mod init_error;
pub mod recipe;
pub mod status;

use protocol::link::assignment::Revision;
use protocol::link::control::Obstacle;
use resources::{FunctionSpec, Reason};

/// A Function, by namespace and `metadata.name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionKey {
    /// Namespace.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl FunctionKey {
    /// The key of an object; a namespaced object of the API server has both names.
    pub fn of(function: &resources::Function) -> Self {
        Self {
            namespace: function.metadata.namespace.clone().unwrap_or_default(),
            name: function.metadata.name.clone().unwrap_or_default(),
        }
    }

    /// Whose revision it is.
    pub fn of_revision(revision: &Revision) -> Self {
        Self { namespace: revision.namespace.clone(), name: revision.function.clone() }
    }
}

/// Why a Function is not `Ready`, in words that its author can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The condition's reason.
    pub reason: Reason,
    /// The condition's message.
    pub message: String,
    /// What gateways answer waiting invocations with; `None` where environments still start and the failure
    /// comes from the environment itself.
    pub obstacle: Option<Obstacle>,
}

impl Problem {
    /// A problem.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), obstacle: usual_obstacle(reason) }
    }

    /// The same, and gateways answer waiting invocations with it: no environment came to be that could.
    #[must_use]
    pub fn without_environment(self) -> Self {
        Self { obstacle: self.obstacle.or(Some(Obstacle::Invalid)), ..self }
    }

    /// Whether only a start can tell: such a problem holds until a start succeeds or the generation changes.
    pub fn is_of_a_start(&self) -> bool {
        matches!(
            self.reason,
            Reason::PodRefused
                | Reason::Unschedulable
                | Reason::ImagePullFailed
                | Reason::HandlerNotFound
                | Reason::InitFailed
                | Reason::InitTimedOut
        )
    }
}

/// The rules that the manifest breaks beyond its schema, in one problem.
pub fn validity(spec: &FunctionSpec) -> Result<(), Problem> {
    resources::rules::check(spec).map_err(|all| {
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        Problem::new(Reason::InvalidSpec, all.join("; "))
    })
}

fn usual_obstacle(reason: Reason) -> Option<Obstacle> {
    match reason {
        Reason::PodRefused => Some(Obstacle::Refused),
        Reason::Unschedulable => Some(Obstacle::Unschedulable),
        Reason::ImagePullFailed | Reason::ImageConfigUnknown => Some(Obstacle::Image),
        Reason::UnknownRuntime => Some(Obstacle::UnknownRuntime),
        Reason::InvalidSpec | Reason::NameConflict => Some(Obstacle::Invalid),
        _ => None,
    }
}
