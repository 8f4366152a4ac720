//! A cluster of values around the core.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use protocol::link::assignment::Revision;
use protocol::link::control::{Demand, FromOperator};
use protocol::link::environment::{EnvironmentState, InitResult, Phase, ToEnvironment};
use protocol::link::trust::LinkKey;
use resources::{Function, FunctionStatus, Runtime};
use serde_json::{Value, json};

use super::super::*;
use crate::function::recipe;
use crate::pod::Installation;
use crate::pod::observation::{Progress, SeenPod};

pub(super) const GATEWAY: GatewayId = GatewayId(1);

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Moment,
    pub(super) runtime: Runtime,
    links: u64,
}

pub(super) fn function(name: &str, generation: i64, spec: &Value) -> Function {
    let mut whole = json!({"runtime": "python3.13", "handler": "a.b", "code": {"inline": {"a.py": "x"}}});
    if let (Some(whole), Some(spec)) = (whole.as_object_mut(), spec.as_object()) {
        whole.extend(spec.clone());
    }
    serde_json::from_value(json!({
        "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
        "metadata": {
            "name": name, "namespace": "team", "uid": format!("uid-{name}"), "generation": generation,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": whole,
    }))
    .unwrap()
}

impl World {
    /// A leader whose lists are complete: one Runtime and these Functions.
    pub(super) fn with(functions: Vec<Function>) -> Self {
        let mut world = Self::unled(functions);
        world.tell(Input::Leads);
        world
    }

    pub(super) fn unled(functions: Vec<Function>) -> Self {
        let key = Arc::new(LinkKey::from_secret(&[7; 32]).unwrap());
        let installation = Installation {
            shim_image: "shim".into(),
            image_pull_policy: None,
            announce: ([10, 0, 0, 9], 9710).into(),
            public_key: key.public_key(),
            user: 1_000,
        };
        let rules = Rules {
            region: "eu-west-1".parse().unwrap(),
            idle_timeout: Duration::from_mins(10),
            starts_per_function_max: 4,
            starts_max: 100,
        };
        let mut number = 0_u64;
        let draw = Box::new(move || {
            number += 1;
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let runtime = Runtime::new("python3.13", serde_json::from_value(json!({"image": "python"})).unwrap());
        let now = Moment { elapsed: Duration::from_secs(1_000), epoch_seconds: 1_800_000_000 };
        let mut world =
            Self { core: Core::new(rules, installation, key, draw), now, runtime: runtime.clone(), links: 0 };
        world.tell(Input::Functions(Change::Listed(functions.into_iter().map(Arc::new).collect())));
        world.tell(Input::Runtimes(Change::Listed(vec![runtime])));
        let team = SeenNamespace { name: "team".into(), account: Some("123456789012".into()) };
        world.tell(Input::Namespaces(Change::Listed(vec![team])));
        world.tell(Input::Pods(Change::Listed(Vec::new())));
        world.tell(Input::GatewayLinked(GATEWAY));
        world
    }

    pub(super) fn tell(&mut self, input: Input) -> Vec<Effect> {
        self.core.take(input, self.now);
        self.core.settle(self.now)
    }

    pub(super) fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.now.elapsed += time;
        self.now.epoch_seconds += time.as_secs();
        self.tell(Input::Tick)
    }

    pub(super) fn apply(&mut self, function: Function) -> Vec<Effect> {
        self.tell(Input::Functions(Change::Seen(Arc::new(function))))
    }

    pub(super) fn revision(&self, function: &Function) -> Revision {
        let runtime = function.spec.runtime.as_ref().map(|_| &self.runtime.spec);
        recipe::revision(function, runtime)
    }

    pub(super) fn demand(&mut self, function: &Function, waiting: u32) -> Vec<Effect> {
        let demand = Demand { revision: self.revision(function), running: 0, waiting };
        self.tell(Input::GatewayDemand(GATEWAY, vec![demand]))
    }

    pub(super) fn created(&mut self, pod: &PodKey) -> Vec<Effect> {
        self.tell(Input::PodCreated(pod.clone(), Ok(format!("uid-{}", pod.name))))
    }

    pub(super) fn seen(&mut self, pod: &Pod, progress: Progress) -> Vec<Effect> {
        let mut pod = pod.clone();
        let name = pod.metadata.name.clone().unwrap();
        pod.metadata.uid = Some(format!("uid-{name}"));
        let seen = SeenPod { progress, ..SeenPod::read(&pod).unwrap() };
        self.tell(Input::Pods(Change::Seen(seen)))
    }

    pub(super) fn link(&mut self, pod: &PodKey) -> (LinkId, Vec<Effect>) {
        self.links += 1;
        let link = LinkId(self.links);
        let address = ([10, 0, 1, 1], 9700).into();
        (link, self.tell(Input::EnvironmentLinked { pod: pod.clone(), link, address }))
    }

    pub(super) fn phase(&mut self, link: LinkId, phase: Phase) -> Vec<Effect> {
        self.state(link, phase, None)
    }

    pub(super) fn state(&mut self, link: LinkId, phase: Phase, init: Option<InitResult>) -> Vec<Effect> {
        let state = EnvironmentState { phase, revision: None, tenant: None, init, invocations: 0 };
        self.tell(Input::EnvironmentState(link, state))
    }

    /// A pod all the way from its creation to `Free`.
    pub(super) fn serve(&mut self, pod: &PodKey) -> LinkId {
        self.created(pod);
        let (link, _) = self.link(pod);
        self.phase(link, Phase::Generic);
        self.phase(link, Phase::Init);
        self.state(link, Phase::Free, Some(InitResult::Succeeded { duration_ms: 1.0 }));
        link
    }
}

pub(super) fn creations(effects: &[Effect]) -> Vec<(PodKey, Pod)> {
    let creation = |effect: &Effect| match effect {
        Effect::CreatePod(key, pod) => Some((key.clone(), Pod::clone(pod))),
        _ => None,
    };
    effects.iter().filter_map(creation).collect()
}

pub(super) fn deletions(effects: &[Effect]) -> Vec<PodKey> {
    let deletion = |effect: &Effect| match effect {
        Effect::DeletePod(key, _) => Some(key.clone()),
        _ => None,
    };
    effects.iter().filter_map(deletion).collect()
}

pub(super) fn drains(effects: &[Effect]) -> Vec<LinkId> {
    let drain = |effect: &Effect| match effect {
        Effect::ToEnvironment(link, frame) if frame.header == ToEnvironment::Drain => Some(*link),
        _ => None,
    };
    effects.iter().filter_map(drain).collect()
}

pub(super) fn told(effects: &[Effect]) -> Vec<FromOperator> {
    let message = |effect: &Effect| match effect {
        Effect::ToGateways(message) | Effect::ToGateway(_, message) => Some(message.clone()),
        _ => None,
    };
    effects.iter().filter_map(message).collect()
}

pub(super) fn statuses(effects: &[Effect]) -> Vec<FunctionStatus> {
    let status = |effect: &Effect| match effect {
        Effect::WriteStatus(_, status) => Some(FunctionStatus::clone(status)),
        _ => None,
    };
    effects.iter().filter_map(status).collect()
}
