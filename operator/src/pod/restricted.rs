//! The rules of Pod Security "restricted" (Kubernetes 1.35), as a check of a pod's specification.

use k8s_openapi::api::core::v1::{Container, PodSpec};

/// Every rule that the specification breaks; none where the API server's own check would pass.
pub(super) fn violations(spec: &PodSpec) -> Vec<String> {
    let mut found = Vec::new();
    let mut require = |holds: bool, rule: &str| {
        if !holds {
            found.push(rule.to_owned());
        }
    };
    require(spec.host_network != Some(true), "hostNetwork");
    require(spec.host_pid != Some(true), "hostPID");
    require(spec.host_ipc != Some(true), "hostIPC");
    let only_empty =
        spec.volumes.iter().flatten().all(|volume| {
            volume.empty_dir.is_some() && volume.host_path.is_none() && volume.projected.is_none()
        });
    require(only_empty, "volumes");
    let pod = spec.security_context.clone().unwrap_or_default();
    require(pod.run_as_non_root == Some(true), "runAsNonRoot");
    require(pod.run_as_user.is_some_and(|user| user > 0), "runAsUser");
    require(pod.seccomp_profile.is_some_and(|profile| profile.type_ == "RuntimeDefault"), "seccompProfile");
    require(pod.sysctls.is_none(), "sysctls");
    require(spec.init_containers.is_none(), "initContainers are not checked here");
    for container in &spec.containers {
        check_container(container, &mut require);
    }
    found
}

fn check_container(container: &Container, require: &mut impl FnMut(bool, &str)) {
    let context = container.security_context.clone().unwrap_or_default();
    let capabilities = context.capabilities.unwrap_or_default();
    require(context.allow_privilege_escalation == Some(false), "allowPrivilegeEscalation");
    require(context.privileged != Some(true), "privileged");
    require(context.read_only_root_filesystem == Some(true), "readOnlyRootFilesystem");
    require(context.run_as_user.is_none(), "runAsUser of a container");
    require(context.proc_mount.is_none(), "procMount");
    require(capabilities.drop.unwrap_or_default() == ["ALL"], "capabilities.drop");
    require(capabilities.add.is_none(), "capabilities.add");
    require(container.ports.iter().flatten().all(|port| port.host_port.is_none()), "hostPort");
}
