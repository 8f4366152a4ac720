//! The pod of one execution environment, from values alone.
//!
//! The pod says what must hold before it starts: image, sizes, scheduling, and the "restricted" Pod Security
//! profile in full. It says nothing of handler, variables or code: those come over the link, so whoever may
//! read pods reads no function's secrets here.
//!
//! The first container is the shim's image. It copies the shim onto a volume and pauses; its `postStart` hook
//! returns once the copy is there, and the kubelet starts the second container only then. That is 0.3 to 0.6 s
//! faster than an init container, whose exit the kubelet notices late.
//!
//! Architecture invariant: nothing here does I/O; what a Function's author wrote reaches a pod only through
//! the fields of `spec.pod`, an allow-list.

mod containers;
pub mod name;
pub mod observation;
pub mod placement;
#[cfg(test)]
mod restricted;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use domain::log_stream::LogStreamId;
use k8s_openapi::api::core::v1::{
    HostAlias, LocalObjectReference, Pod, PodSecurityContext, PodSpec, SeccompProfile,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use protocol::link::assignment::Revision;
use protocol::link::trust::{PublicKey, Ticket};
use resources::{Function, labels};

/// Seconds that a pod has to end beyond its function's time-out.
pub const GRACE_SECONDS: i64 = 5;
/// The container that runs the function.
pub const FUNCTION_CONTAINER: &str = "function";
/// The container that brings the shim and pauses.
pub const SHIM_CONTAINER: &str = "shim";

/// Annotation on pods: the pool key, what a generic environment of this pod could become.
pub const POOL: &str = "kubelambda.dev/pool";

/// What all pods of an installation have in common.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The image that brings the shim.
    pub shim_image: String,
    /// How that image is pulled: `IfNotPresent`, `Always` or `Never`; by the kubelet's rule where not set.
    pub image_pull_policy: Option<String>,
    /// Where a new environment announces itself.
    pub announce: SocketAddr,
    /// The key against which an environment checks its callers.
    pub public_key: PublicKey,
    /// User and group that everything in a pod runs as.
    pub user: i64,
}

/// What makes one pod different from the others of its revision.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `metadata.name`.
    pub name: String,
    /// The digits that end its log stream's name.
    pub log_stream: LogStreamId,
    /// What it proves itself with.
    pub ticket: Ticket,
}

/// The image that the function's container runs, and how it is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunImage {
    /// The reference, by digest where it is known.
    pub reference: String,
    /// Names of Secrets of the function's namespace.
    pub pull_secrets: Vec<String>,
}

/// The pod for one environment of `revision`.
pub fn build(
    function: &Function,
    revision: &Revision,
    image: &RunImage,
    identity: &Identity,
    installation: &Installation,
) -> Pod {
    let settings = function.spec.pod.clone().unwrap_or_default();
    Pod {
        metadata: metadata(function, revision, identity),
        spec: Some(PodSpec {
            containers: vec![
                containers::shim(installation),
                containers::function(&function.spec, &settings, &image.reference, identity, installation),
            ],
            volumes: Some(volumes::all(&function.spec)),
            security_context: Some(security(installation)),
            restart_policy: Some("Never".to_owned()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            // The name by which extensions listen for telemetry, as on AWS.
            host_aliases: Some(vec![HostAlias {
                ip: "127.0.0.1".to_owned(),
                hostnames: Some(vec!["sandbox.localdomain".to_owned(), "sandbox".to_owned()]),
            }]),
            share_process_namespace: Some(false),
            termination_grace_period_seconds: Some(i64::from(function.spec.timeout) + GRACE_SECONDS),
            image_pull_secrets: pull_secrets(&image.pull_secrets),
            tolerations: Some(placement::tolerations(&settings)),
            affinity: Some(placement::architecture(&function.spec.architectures)),
            node_selector: Some(settings.node_selector).filter(|labels| !labels.is_empty()),
            priority_class_name: settings.priority_class_name,
            runtime_class_name: settings.runtime_class_name,
            service_account_name: settings.service_account_name,
            ..PodSpec::default()
        }),
        status: None,
    }
}

fn metadata(function: &Function, revision: &Revision, identity: &Identity) -> ObjectMeta {
    let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    ObjectMeta {
        name: Some(identity.name.clone()),
        namespace: Some(revision.namespace.clone()),
        labels: Some(owned(&[
            (labels::MANAGED_BY, labels::MANAGER),
            (labels::COMPONENT, labels::ENVIRONMENT),
            (labels::FUNCTION, &name::label_value(&revision.function)),
            (labels::CONFIGURATION, &revision.configuration.0),
            (labels::LOG_STREAM, identity.log_stream.as_str()),
            // Meshes would put a proxy beside the function, with capabilities that "restricted" forbids.
            ("sidecar.istio.io/inject", "false"),
        ])),
        annotations: Some(owned(&[
            (labels::FUNCTION_NAME, function.aws_name()),
            (labels::FUNCTION_UID, &revision.uid),
            (labels::FUNCTION_VERSION, &revision.version),
            (POOL, &identity.ticket.claims.pool),
            ("kubectl.kubernetes.io/default-container", FUNCTION_CONTAINER),
            ("cluster-autoscaler.kubernetes.io/safe-to-evict", "true"),
            ("linkerd.io/inject", "disabled"),
        ])),
        owner_references: Some(vec![owner(revision)]),
        ..ObjectMeta::default()
    }
}

/// The Function is the pod's controller: deleting it deletes its pods, and `kubectl drain` accepts them.
fn owner(revision: &Revision) -> OwnerReference {
    OwnerReference {
        api_version: Function::api_version(&()).into_owned(),
        kind: Function::kind(&()).into_owned(),
        name: revision.function.clone(),
        uid: revision.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}

fn security(installation: &Installation) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(installation.user),
        run_as_group: Some(installation.user),
        fs_group: Some(installation.user),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

fn pull_secrets(names: &[String]) -> Option<Vec<LocalObjectReference>> {
    let references = names.iter().map(|name| LocalObjectReference { name: name.clone() }).collect::<Vec<_>>();
    Some(references).filter(|references| !references.is_empty())
}
