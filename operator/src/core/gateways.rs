//! Gateways: what they need, and what they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::link::assignment::Revision;
use protocol::link::control::{DEMAND_SECONDS, Demand, EnvironmentEntry, FromOperator};

use super::environment::Environment;
use super::known::Told;
use super::{Core, Effect, GatewayId, PodKey};
use crate::function::FunctionKey;

/// How long a gateway may be silent before its demand is forgotten, in seconds.
pub(super) const GATEWAY_SILENT_SECONDS_MAX: u64 = 3 * DEMAND_SECONDS;

#[derive(Debug, Default)]
pub(super) struct Gateway {
    heard_at: Duration,
    demand: BTreeMap<Revision, u32>,
}

impl Core {
    pub(super) fn gateway_linked(&mut self, gateway: GatewayId, now: Duration) {
        self.gateways.insert(gateway, Gateway { heard_at: now, demand: BTreeMap::new() });
        let up = self.environments.iter().filter_map(|(pod, one)| entry(pod, one));
        let up = up.map(FromOperator::EnvironmentUp);
        let blocked = self.functions.values().filter_map(|known| known.told.clone().map(Told::message));
        self.effects.extend(up.chain(blocked).map(|message| Effect::ToGateway(gateway, message)));
    }

    pub(super) fn demand_told(&mut self, gateway: GatewayId, demand: Vec<Demand>, now: Duration) {
        if !self.gateways.contains_key(&gateway) {
            return;
        }
        for one in demand.iter().filter(|one| one.waiting > 0) {
            self.repeat_obstacle(&one.revision, now);
        }
        let Some(known) = self.gateways.get_mut(&gateway) else { return };
        let count = |one: &Demand| one.running.saturating_add(one.waiting);
        let demand = demand.into_iter().map(|one| (one.revision.clone(), count(&one))).collect();
        known.heard_at = now;
        let before = std::mem::replace(&mut known.demand, demand);
        if before != known.demand {
            let touched: Vec<_> =
                before.keys().chain(known.demand.keys()).map(FunctionKey::of_revision).collect();
            self.touched.extend(touched);
        }
    }

    pub(super) fn gateway_unlinked(&mut self, gateway: GatewayId) {
        if let Some(gone) = self.gateways.remove(&gateway) {
            self.touched.extend(gone.demand.keys().map(FunctionKey::of_revision));
        }
    }

    pub(super) fn forget_silent_gateways(&mut self, now: Duration) {
        let bound = Duration::from_secs(GATEWAY_SILENT_SECONDS_MAX);
        for gateway in self.gateways.values_mut() {
            if now.saturating_sub(gateway.heard_at) > bound {
                gateway.demand.clear();
            }
        }
    }

    /// Invocations of the revision that run or wait, over all gateways.
    pub(super) fn demand_of(&self, revision: &Revision) -> u32 {
        let told = self.gateways.values().filter_map(|gateway| gateway.demand.get(revision));
        told.fold(0, |sum, &demand| sum.saturating_add(demand))
    }

    /// Tells gateways where an environment is, once that is known.
    pub(super) fn tell_up(&mut self, pod: &PodKey) {
        let Some(environment) = self.environments.get_mut(pod) else { return };
        if let Some(entry) = entry(pod, environment) {
            environment.is_up = true;
            self.effects.push(Effect::ToGateways(FromOperator::EnvironmentUp(entry)));
        }
    }

    /// Tells gateways that an environment is gone, if they were told of it.
    pub(super) fn tell_gone(&mut self, pod: &PodKey) {
        let Some(environment) = self.environments.get_mut(pod) else { return };
        if std::mem::take(&mut environment.is_up) {
            let PodKey { namespace, name } = pod.clone();
            self.effects.push(Effect::ToGateways(FromOperator::EnvironmentGone { namespace, pod: name }));
        }
    }
}

fn entry(pod: &PodKey, environment: &Environment) -> Option<EnvironmentEntry> {
    if environment.is_over() {
        return None;
    }
    Some(EnvironmentEntry {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        address: environment.address?.to_string(),
        revision: Some(environment.revision.clone()),
    })
}
