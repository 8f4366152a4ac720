//! The two containers of an environment's pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EnvVar, EnvVarSource, ExecAction, Lifecycle, LifecycleHandler,
    ObjectFieldSelector, ResourceRequirements, SeccompProfile, SecurityContext,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use resources::FunctionSpec;
use resources::pod::PodSettings;

use super::{FUNCTION_CONTAINER, Identity, Installation, SHIM_CONTAINER, volumes};

/// What a pod's memory limit grants beyond `memorySize`, in MiB: the shim itself, its buffers, and the time it
/// takes to notice that the function is over its size.
pub(super) const MEMORY_HEADROOM_MIB: u32 = 24;
/// MB of `memorySize` that come with one full CPU, as on AWS.
pub(super) const MEMORY_MB_PER_CPU: u32 = 1_769;
/// Memory of the container that brings the shim and then pauses, in MiB.
const SHIM_MEMORY_MIB: u32 = 16;
/// CPU of that container, in millicores.
const SHIM_MILLICORES: u32 = 1;

/// The container that copies the shim onto the shared volume and pauses.
pub(super) fn shim(installation: &Installation) -> Container {
    let installed = ["/runtime-shim", "installed", volumes::SHIM_PATH].map(str::to_owned).to_vec();
    let size = quantities(&[("memory", format!("{SHIM_MEMORY_MIB}Mi"))]);
    let mut requests = size.clone();
    requests.extend(quantities(&[("cpu", format!("{SHIM_MILLICORES}m"))]));
    Container {
        name: SHIM_CONTAINER.to_owned(),
        image: Some(installation.shim_image.clone()),
        image_pull_policy: installation.image_pull_policy.clone(),
        args: Some(vec!["install".to_owned(), volumes::SHIM_PATH.to_owned()]),
        lifecycle: Some(Lifecycle {
            post_start: Some(LifecycleHandler {
                exec: Some(ExecAction { command: Some(installed) }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        resources: Some(ResourceRequirements {
            requests: Some(requests),
            limits: Some(size),
            ..ResourceRequirements::default()
        }),
        security_context: Some(restricted()),
        volume_mounts: Some(vec![volumes::shim_writable()]),
        ..Container::default()
    }
}

/// The container that runs the shim, which runs the function.
pub(super) fn function(
    spec: &FunctionSpec,
    settings: &PodSettings,
    image: &str,
    identity: &Identity,
    installation: &Installation,
) -> Container {
    let variable =
        |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), ..EnvVar::default() };
    Container {
        name: FUNCTION_CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: installation.image_pull_policy.clone(),
        command: Some(vec![format!("{}/runtime-shim", volumes::SHIM_PATH)]),
        env: Some(vec![
            variable("HOME", "/tmp".to_owned()),
            variable("KUBELAMBDA_ANNOUNCE", installation.announce.to_string()),
            variable("KUBELAMBDA_PUBLIC_KEY", installation.public_key.to_text()),
            variable("KUBELAMBDA_TICKET", identity.ticket.to_text()),
            zone(),
        ]),
        resources: Some(function_size(spec.memory_size, settings)),
        security_context: Some(restricted()),
        volume_mounts: Some(volumes::mounts_of_function(spec)),
        ..Container::default()
    }
}

/// The zone of the pod's node, which Kubernetes 1.35 and later copy to the pod; empty where the node has none.
fn zone() -> EnvVar {
    let field = ObjectFieldSelector {
        field_path: "metadata.labels['topology.kubernetes.io/zone']".to_owned(),
        ..ObjectFieldSelector::default()
    };
    EnvVar {
        name: "KUBELAMBDA_ZONE".to_owned(),
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}

/// Memory as request and limit alike; CPU as a request (a weight) only: as a limit, 72 millicores would
/// freeze the shim past deadlines.
fn function_size(memory_mb: u32, settings: &PodSettings) -> ResourceRequirements {
    let memory = format!("{}Mi", memory_mb + MEMORY_HEADROOM_MIB);
    let millicores = (memory_mb * 1_000).div_ceil(MEMORY_MB_PER_CPU);
    let mut limits = quantities(&[("memory", memory)]);
    limits.extend(settings.resources.iter().map(|(name, size)| (name.clone(), Quantity(size.clone()))));
    let mut requests = limits.clone();
    requests.extend(quantities(&[("cpu", format!("{millicores}m"))]));
    ResourceRequirements { requests: Some(requests), limits: Some(limits), ..ResourceRequirements::default() }
}

fn quantities(pairs: &[(&str, String)]) -> BTreeMap<String, Quantity> {
    pairs.iter().map(|(name, size)| ((*name).to_owned(), Quantity(size.clone()))).collect()
}

/// What Pod Security "restricted" asks of a container, and a root file system that nobody writes to.
fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..SecurityContext::default()
    }
}
