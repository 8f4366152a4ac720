//! What the API server's view of a pod says about the environment in it.
//!
//! The kubelet reports a pod about half a second late, so this is the backstop of the link, and the only
//! source for pods that never get as far as a link: unschedulable ones, images that cannot be pulled, and
//! those that ended.

use std::net::IpAddr;

use domain::hex;
use domain::log_stream::LogStreamId;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};
use protocol::link::assignment::{ConfigurationHash, Revision};
use resources::labels;

use super::FUNCTION_CONTAINER;

/// A pod of a function, reduced to what the operator decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// What it was made for.
    pub revision: Revision,
    /// The digits that end its log stream's name.
    pub log_stream: LogStreamId,
    /// Its address, once it has one.
    pub address: Option<IpAddr>,
    /// How far it is.
    pub progress: Progress,
    /// It is being deleted.
    pub deleting: bool,
}

/// How far a pod is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// On its way, and nothing is wrong.
    Starting,
    /// No node has room.
    Unschedulable(String),
    /// An image cannot be pulled: which, and the kubelet's words.
    ImagePull(String),
    /// A container cannot be made or started, in the kubelet's words.
    CannotStart(String),
    /// The function's container runs.
    Running,
    /// It is over and will not come back.
    Ended(End),
}

/// How a pod ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// One word: `OOMKilled`, `Evicted`, `Error` …
    pub reason: String,
    /// For people.
    pub message: String,
}

impl SeenPod {
    /// Reads a pod; `None` for one that no operator of this project made.
    pub fn read(pod: &Pod) -> Option<Self> {
        let metadata = &pod.metadata;
        let label = |name: &str| metadata.labels.as_ref()?.get(name).cloned();
        let annotation = |name: &str| metadata.annotations.as_ref()?.get(name).cloned();
        let owner =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
        let status = pod.status.clone().unwrap_or_default();
        Some(Self {
            name: metadata.name.clone()?,
            uid: metadata.uid.clone()?,
            revision: Revision {
                namespace: metadata.namespace.clone()?,
                function: owner.name.clone(),
                uid: owner.uid.clone(),
                version: annotation(labels::FUNCTION_VERSION)?,
                configuration: ConfigurationHash(label(labels::CONFIGURATION)?),
            },
            log_stream: log_stream(&label(labels::LOG_STREAM)?)?,
            address: status.pod_ip.as_deref().and_then(|text| text.parse().ok()),
            progress: progress(&status),
            deleting: metadata.deletion_timestamp.is_some(),
        })
    }
}

fn log_stream(label: &str) -> Option<LogStreamId> {
    let bytes: [u8; 16] = hex::decode(label)?.try_into().ok()?;
    Some(LogStreamId::from_random_bytes(bytes))
}

fn progress(status: &PodStatus) -> Progress {
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    if let Some(end) = end(status, containers) {
        return Progress::Ended(end);
    }
    if let Some(message) = unschedulable(status) {
        return Progress::Unschedulable(message);
    }
    if let Some(obstacle) = containers.iter().find_map(waiting) {
        return obstacle;
    }
    let runs = |container: &ContainerStatus| {
        container.name == FUNCTION_CONTAINER
            && container.state.as_ref().is_some_and(|state| state.running.is_some())
    };
    if containers.iter().any(runs) { Progress::Running } else { Progress::Starting }
}

/// A pod is over as soon as one of its containers is: nothing restarts them.
fn end(status: &PodStatus, containers: &[ContainerStatus]) -> Option<End> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if let Some(reason) = status.reason.clone().filter(|_| status.phase.as_deref() == Some("Failed")) {
        return Some(End { reason, message: text(&status.message) });
    }
    let terminated = containers.iter().find_map(|container| {
        let ContainerState { terminated, .. } = container.state.as_ref()?;
        let terminated = terminated.as_ref()?;
        let detail = text(&terminated.message);
        let message =
            format!("container {} exited with code {} {detail}", container.name, terminated.exit_code);
        let reason = terminated.reason.clone().unwrap_or_else(|| "Error".to_owned());
        Some(End { reason, message: message.trim_end().to_owned() })
    });
    let phase = status.phase.as_deref().filter(|&phase| matches!(phase, "Failed" | "Succeeded"));
    terminated.or_else(|| phase.map(|phase| End { reason: phase.to_owned(), message: text(&status.message) }))
}

fn unschedulable(status: &PodStatus) -> Option<String> {
    let condition = status.conditions.iter().flatten().find(|condition| condition.type_ == "PodScheduled")?;
    let refused = condition.status == "False" && condition.reason.as_deref() == Some("Unschedulable");
    refused.then(|| condition.message.clone().unwrap_or_default())
}

fn waiting(container: &ContainerStatus) -> Option<Progress> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let message = waiting.message.as_deref().unwrap_or(reason);
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ImageInspectError" => Some(Progress::ImagePull(format!("image {}: {message}", container.image))),
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PostStartHookError"
        | "CrashLoopBackOff" => {
            Some(Progress::CannotStart(format!("container {}: {reason}: {message}", container.name)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(status: Value, expected: &Progress) {
        let status: PodStatus = serde_json::from_value(status).unwrap();
        assert_eq!(&progress(&status), expected);
    }

    fn container(name: &str, state: &Value) -> Value {
        json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    #[test]
    fn a_pod_on_its_way_is_told_from_one_that_runs() {
        check(json!({"phase": "Pending"}), &Progress::Starting);
        let creating = container("function", &json!({"waiting": {"reason": "ContainerCreating"}}));
        let shim = container("shim", &json!({"running": {}}));
        check(json!({"phase": "Pending", "containerStatuses": [creating, shim]}), &Progress::Starting);
        let running = container("function", &json!({"running": {}}));
        check(json!({"phase": "Running", "containerStatuses": [running]}), &Progress::Running);
    }

    #[test]
    fn obstacles_are_told_in_the_clusters_words() {
        let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"});
        check(
            json!({"phase": "Pending", "conditions": [condition]}),
            &Progress::Unschedulable("0/1 nodes".into()),
        );
        let pull =
            container("function", &json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}}));
        check(json!({"containerStatuses": [pull]}), &Progress::ImagePull("image i: not found".into()));
        let create =
            container("function", &json!({"waiting": {"reason": "RunContainerError", "message": "exec"}}));
        check(
            json!({"containerStatuses": [create]}),
            &Progress::CannotStart("container function: RunContainerError: exec".into()),
        );
    }

    #[test]
    fn an_ended_pod_says_how() {
        let killed = container("function", &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}));
        let ended = |reason: &str, message: &str| {
            Progress::Ended(End { reason: reason.into(), message: message.into() })
        };
        check(
            json!({"phase": "Running", "containerStatuses": [killed]}),
            &ended("OOMKilled", "container function exited with code 137"),
        );
        check(json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}), &ended("Evicted", "disk"));
    }
}
