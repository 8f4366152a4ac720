//! The watch of environments' pods: the backstop of what the operator tells.
//!
//! With it, everything that is warm goes on serving while the operator is away, also through a gateway that
//! has just started.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt as _};
use protocol::link::ENVIRONMENT_PORT;
use protocol::link::assignment::{ConfigurationHash, Revision};
use resources::labels;
use tokio::sync::mpsc;

use super::watching::{self, Change, ObjectKey, Watched};
use crate::environments::{Environment, EnvironmentEvent, EventSender, PodName};

/// Changes that wait to be looked at; beyond it the watch waits.
const CHANGES_QUEUE: usize = 256;

/// A pod, as far as a link needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeptPod {
    /// It can be dialled.
    Up(Environment),
    /// It has no address yet, or is about to go: as it was before.
    Between,
    /// It has ended.
    Over,
}

impl Watched for Pod {
    type Kept = KeptPod;

    fn cut(self) -> Option<KeptPod> {
        let status = self.status.as_ref();
        if matches!(status.and_then(|status| status.phase.as_deref()), Some("Succeeded" | "Failed")) {
            return Some(KeptPod::Over);
        }
        let address = status.and_then(|status| status.pod_ip.as_deref()?.parse::<IpAddr>().ok());
        let (Some(address), None) = (address, &self.metadata.deletion_timestamp) else {
            return Some(KeptPod::Between);
        };
        let pod = PodName { namespace: self.namespace().unwrap_or_default(), name: self.name_any() };
        let address = SocketAddr::new(address, ENVIRONMENT_PORT);
        Some(KeptPod::Up(Environment { revision: revision(&self), pod, address }))
    }
}

fn revision(pod: &Pod) -> Option<Revision> {
    Some(Revision {
        namespace: pod.namespace()?,
        function: pod.labels().get(labels::FUNCTION)?.clone(),
        uid: pod.annotations().get(labels::FUNCTION_UID)?.clone(),
        version: pod.annotations().get(labels::FUNCTION_VERSION)?.clone(),
        configuration: ConfigurationHash(pod.labels().get(labels::CONFIGURATION)?.clone()),
    })
}

/// Follows the pods of environments in every namespace.
pub(super) async fn follow(client: Client, events: EventSender) {
    let selector =
        format!("{}={},{}={}", labels::COMPONENT, labels::ENVIRONMENT, labels::MANAGED_BY, labels::MANAGER);
    let (changes, mut queue) = mpsc::channel(CHANGES_QUEUE);
    let config = watcher::Config::default().labels(&selector);
    let watch = watching::follow::<Pod>(Api::all(client), config, changes);
    let telling = async move {
        let mut seen = Seen::default();
        while let Some(change) = queue.recv().await {
            for event in seen.take(change) {
                if events.send(event).await.is_err() {
                    return;
                }
            }
        }
    };
    futures::future::join(watch, telling).await;
}

/// The pods that were told of.
#[derive(Debug, Default)]
struct Seen(HashSet<ObjectKey>);

impl Seen {
    fn take(&mut self, change: Change<KeptPod>) -> Vec<EnvironmentEvent> {
        match change {
            Change::Applied(key, pod) => self.applied(key, pod).into_iter().collect(),
            Change::Deleted(key) => vec![self.gone(key)],
            Change::All(pods) => {
                let present: HashSet<&ObjectKey> = pods.iter().map(|(key, _)| key).collect();
                let missing: Vec<ObjectKey> =
                    self.0.iter().filter(|key| !present.contains(key)).cloned().collect();
                let mut events: Vec<_> = missing.into_iter().map(|key| self.gone(key)).collect();
                events.extend(pods.into_iter().filter_map(|(key, pod)| self.applied(key, pod)));
                events
            }
        }
    }

    fn applied(&mut self, key: ObjectKey, pod: KeptPod) -> Option<EnvironmentEvent> {
        match pod {
            KeptPod::Up(environment) => {
                self.0.insert(key);
                Some(EnvironmentEvent::Up(environment))
            }
            KeptPod::Between => None,
            KeptPod::Over => Some(self.gone(key)),
        }
    }

    fn gone(&mut self, key: ObjectKey) -> EnvironmentEvent {
        self.0.remove(&key);
        let (namespace, name) = key;
        EnvironmentEvent::Gone(PodName { namespace, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(change: impl FnOnce(&mut serde_json::Value)) -> KeptPod {
        let mut value = serde_json::json!({
            "metadata": {"name": "p", "namespace": "n",
                "labels": {labels::FUNCTION: "f", labels::CONFIGURATION: "c"},
                "annotations": {labels::FUNCTION_UID: "u", labels::FUNCTION_VERSION: "$LATEST"}},
            "status": {"podIP": "10.0.0.7", "phase": "Running"}
        });
        change(&mut value);
        serde_json::from_value::<Pod>(value).unwrap().cut().unwrap()
    }

    #[test]
    fn a_pod_with_an_address_can_be_dialled() {
        let KeptPod::Up(environment) = pod(|_| {}) else { panic!("not up") };
        assert_eq!(environment.address.to_string(), "10.0.0.7:9700");
        let revision = environment.revision.unwrap();
        assert_eq!((revision.uid.as_str(), revision.configuration.0.as_str()), ("u", "c"));
        let KeptPod::Up(generic) = pod(|pod| pod["metadata"]["annotations"] = serde_json::json!({})) else {
            panic!("not up")
        };
        assert_eq!(generic.revision, None);
    }

    #[test]
    fn a_pod_that_ends_is_gone_once_it_has_ended() {
        assert_eq!(pod(|pod| pod["status"] = serde_json::json!({"phase": "Pending"})), KeptPod::Between);
        let leaving = |pod: &mut serde_json::Value| {
            pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        };
        assert_eq!(pod(leaving), KeptPod::Between);
        assert_eq!(pod(|pod| pod["status"]["phase"] = "Failed".into()), KeptPod::Over);
    }

    #[test]
    fn a_new_list_tells_of_what_is_missing() {
        let key = |name: &str| ("n".to_owned(), name.to_owned());
        let mut seen = Seen::default();
        seen.take(Change::Applied(key("a"), pod(|_| {})));
        seen.take(Change::Applied(key("b"), pod(|_| {})));
        let events = seen.take(Change::All(vec![(key("b"), pod(|_| {}))]));
        let gone = PodName { namespace: "n".into(), name: "a".into() };
        assert_eq!(events.first(), Some(&EnvironmentEvent::Gone(gone)));
        assert_eq!(events.len(), 2);
    }
}
