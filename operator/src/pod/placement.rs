//! Where a pod may run: the processor it is built for, and the taints it tolerates.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Toleration,
};
use resources::function::Architecture;
use resources::pod::PodSettings;

/// How long a pod stays bound to a node that does not answer, in seconds. Kubernetes' own default is 300.
const DEAD_NODE_SECONDS: i64 = 30;

pub(super) fn tolerations(settings: &PodSettings) -> Vec<Toleration> {
    let dead_node =
        ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map(|key| Toleration {
            key: Some(key.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some("NoExecute".to_owned()),
            toleration_seconds: Some(DEAD_NODE_SECONDS),
            value: None,
        });
    let written = settings.tolerations.iter().map(|toleration| Toleration {
        key: toleration.key.clone(),
        operator: toleration.operator.clone(),
        value: toleration.value.clone(),
        effect: toleration.effect.clone(),
        toleration_seconds: toleration.toleration_seconds,
    });
    dead_node.into_iter().chain(written).collect()
}

pub(super) fn architecture(architectures: &[Architecture]) -> Affinity {
    let requirement = NodeSelectorRequirement {
        key: "kubernetes.io/arch".to_owned(),
        operator: "In".to_owned(),
        values: Some(architectures.iter().map(|&one| kubernetes_name(one).to_owned()).collect()),
    };
    let term = NodeSelectorTerm { match_expressions: Some(vec![requirement]), match_fields: None };
    Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                node_selector_terms: vec![term],
            }),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    }
}

/// The processor's name in Kubernetes and in image manifests, which both follow Go.
pub fn kubernetes_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "amd64",
        Architecture::Arm64 => "arm64",
    }
}
