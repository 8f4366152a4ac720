//! Conditions: what a person reads when a Function does not work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The one condition type that tools wait for (`kubectl wait --for=condition=Ready`).
pub const READY: &str = "Ready";

/// One observation about an object; the fields are those of `metav1.Condition`.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about.
    #[serde(rename = "type")]
    #[schemars(length(max = 316))]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The generation that it was observed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When `status` last changed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// Why, in one CamelCase word.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why, for people.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Whether a condition holds.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It does.
    True,
    /// It does not.
    False,
    /// It cannot be told.
    Unknown,
}

/// Why a Function is, or is not, `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It can be invoked.
    Available,
    /// Another, older Function of the namespace has the same AWS name.
    NameConflict,
    /// `spec.runtime` names no Runtime.
    UnknownRuntime,
    /// The image cannot be pulled.
    ImagePullFailed,
    /// The image's entry point could not be read from its registry, and `imageConfig.entryPoint` is not set.
    ImageConfigUnknown,
    /// The manifest breaks a rule that the schema cannot express.
    InvalidSpec,
    /// The handler's module or function is not there.
    HandlerNotFound,
    /// The init phase failed otherwise: an import, an exception, an exit.
    InitFailed,
    /// The init phase took too long.
    InitTimedOut,
    /// The API server refused the pod: a quota or an admission rule.
    PodRefused,
    /// No node has room for the pod.
    Unschedulable,
}

impl Reason {
    /// The word in `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::NameConflict => "NameConflict",
            Self::UnknownRuntime => "UnknownRuntime",
            Self::ImagePullFailed => "ImagePullFailed",
            Self::ImageConfigUnknown => "ImageConfigUnknown",
            Self::InvalidSpec => "InvalidSpec",
            Self::HandlerNotFound => "HandlerNotFound",
            Self::InitFailed => "InitFailed",
            Self::InitTimedOut => "InitTimedOut",
            Self::PodRefused => "PodRefused",
            Self::Unschedulable => "Unschedulable",
        }
    }
}
