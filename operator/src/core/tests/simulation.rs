//! A random cluster: pods that start, fail, vanish and lose their links in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use protocol::link::environment::{InitResult, Phase};
use serde_json::json;

use super::super::*;
use super::world::*;
use crate::pod::observation::{End, Progress};

const CAP: u32 = 3;

#[derive(Debug, Clone, Copy)]
enum Event {
    Demand(u32),
    Start,
    Refuse,
    Die(usize),
    Lose(usize),
    Busy(usize),
    Free(usize),
    Update,
    Pass(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let any = 0_usize..8;
    let event = prop_oneof![
        (0_u32..8).prop_map(Event::Demand),
        Just(Event::Start),
        Just(Event::Start),
        Just(Event::Refuse),
        any.clone().prop_map(Event::Die),
        any.clone().prop_map(Event::Lose),
        any.clone().prop_map(Event::Busy),
        any.prop_map(Event::Free),
        Just(Event::Update),
        (0_u64..700).prop_map(Event::Pass),
    ];
    proptest::collection::vec(event, 1..60)
}

/// What a cluster does with the core's effects.
struct Cluster {
    world: World,
    generation: i64,
    demand: u32,
    pods: BTreeMap<PodKey, (Pod, Option<LinkId>)>,
    unanswered: Vec<(PodKey, Pod)>,
}

impl Cluster {
    fn function(&self) -> resources::Function {
        let timeout = 3 + u32::try_from(self.generation).unwrap() % 5;
        function("f", self.generation, &json!({"scaling": {"maxEnvironments": CAP}, "timeout": timeout}))
    }

    /// Carries out, until nothing more follows.
    fn carry_out(&mut self, effects: &[Effect]) {
        self.unanswered.extend(creations(effects));
        let mut follow_up = Vec::new();
        for link in drains(effects) {
            follow_up.extend(self.world.phase(link, Phase::Drained));
        }
        for key in deletions(effects) {
            self.pods.remove(&key);
            self.world.tell(Input::PodDeleted(key.clone(), Ok(())));
            follow_up.extend(self.world.tell(Input::Pods(Change::Gone(key))));
        }
        if !follow_up.is_empty() {
            self.carry_out(&follow_up);
        }
    }

    fn pick(&self, index: usize) -> Option<(PodKey, Pod, Option<LinkId>)> {
        let count = self.pods.len();
        let (key, (pod, link)) = self.pods.iter().nth(index.checked_rem(count)?)?;
        Some((key.clone(), pod.clone(), *link))
    }

    fn happen(&mut self, event: Event) {
        let effects = match event {
            Event::Demand(demand) => {
                self.demand = demand;
                Vec::new()
            }
            Event::Start if !self.unanswered.is_empty() => self.start(),
            Event::Refuse if !self.unanswered.is_empty() => {
                let (key, _) = self.unanswered.remove(0);
                self.world.tell(Input::PodCreated(key, Err(CreateError::Refused("quota".into()))))
            }
            Event::Die(index) => match self.pick(index) {
                Some((_, pod, _)) => {
                    let end = End { reason: "Error".into(), message: String::new() };
                    self.world.seen(&pod, Progress::Ended(end))
                }
                None => Vec::new(),
            },
            Event::Lose(index) => match self.pick(index) {
                Some((key, pod, Some(link))) => {
                    self.pods.insert(key, (pod, None));
                    self.world.tell(Input::EnvironmentUnlinked(link))
                }
                _ => Vec::new(),
            },
            Event::Busy(index) => self.turn(index, Phase::Busy),
            Event::Free(index) => self.turn(index, Phase::Free),
            Event::Update => {
                self.generation += 1;
                let function = self.function();
                self.world.apply(function)
            }
            Event::Pass(seconds) => self.world.pass(Duration::from_secs(seconds)),
            Event::Start | Event::Refuse => Vec::new(),
        };
        self.carry_out(&effects);
        let function = self.function();
        let effects = self.world.demand(&function, self.demand);
        self.carry_out(&effects);
    }

    fn start(&mut self) -> Vec<Effect> {
        let (key, pod) = self.unanswered.remove(0);
        self.pods.insert(key.clone(), (pod.clone(), None));
        let effects = self.world.created(&key);
        self.carry_out(&effects);
        if !self.pods.contains_key(&key) {
            return Vec::new();
        }
        let (link, mut effects) = self.world.link(&key);
        self.pods.insert(key, (pod, Some(link)));
        effects.extend(self.world.phase(link, Phase::Generic));
        let succeeded = InitResult::Succeeded { duration_ms: 1.0 };
        effects.extend(self.world.state(link, Phase::Free, Some(succeeded)));
        effects
    }

    fn turn(&mut self, index: usize, phase: Phase) -> Vec<Effect> {
        match self.pick(index) {
            Some((_, _, Some(link))) => self.world.phase(link, phase),
            _ => Vec::new(),
        }
    }

    fn exist(&self) -> usize {
        self.pods.len() + self.unanswered.len()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_cap_holds_whatever_happens_and_demand_is_met_in_the_end(events in events()) {
        let mut cluster = Cluster {
            world: World::with(Vec::new()), generation: 1, demand: 0, pods: BTreeMap::new(), unanswered: Vec::new(),
        };
        let function = cluster.function();
        cluster.world.apply(function);
        for event in events {
            cluster.happen(event);
            prop_assert!(cluster.exist() <= CAP as usize, "{} environments", cluster.exist());
        }
        cluster.happen(Event::Demand(8));
        // Longer than the longest wait between starts; shorter steps than a gateway may be silent.
        for _ in 0..200 {
            cluster.happen(Event::Pass(2));
            cluster.happen(Event::Start);
        }
        prop_assert_eq!(cluster.exist(), CAP as usize);
    }
}
