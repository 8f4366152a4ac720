//! How many environments a Function has: the pure plan of `domain::scaling`, applied.

use std::time::Duration;

use domain::hex;
use domain::log_stream::LogStreamId;
use domain::scaling::{Bounds, Observed, plan};
use protocol::link::trust::TicketClaims;
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::environment::{Environment, Stage};
use super::upkeep::DRAIN_GRACE_SECONDS;
use super::{Core, Effect, PodKey};
use crate::function::FunctionKey;
use crate::function::recipe::Recipe;
use crate::moment::Moment;
use crate::pod::observation::Progress;
use crate::pod::{self, Identity, name::pod_name};

/// How long a pod's ticket is accepted, in seconds: a year. An environment that is older can no longer be
/// dialled, so it ends with its links; pods of functions do not get that old where nodes are upgraded.
pub(super) const TICKET_SECONDS: u64 = 365 * 24 * 3_600;

impl Core {
    pub(super) fn scale(&mut self, key: &FunctionKey, now: Moment) {
        let Some(known) = self.functions.get(key) else { return };
        let observed = self.observe(key, now.elapsed);
        let scaling = &known.function.spec.scaling;
        let idle_timeout = scaling
            .idle_timeout_seconds
            .map_or(self.rules.idle_timeout, |s| Duration::from_secs(u64::from(s)));
        let may_start = known.may_start(now.elapsed) && !self.stands_still(key);
        let starts_left = self.rules.starts_max.saturating_sub(self.starting);
        let bounds = Bounds {
            environments_max: scaling.max_environments,
            // While starts fail, one at a time tells whether they still do.
            starting_max: if known.starts.failures > 0 { 1 } else { self.rules.starts_per_function_max },
            starts_left: if may_start { starts_left } else { 0 },
            idle_timeout,
            isolates_tenants: known.function.spec.isolates_tenants(),
        };
        let plan = plan(&observed, bounds);
        for _ in 0..plan.start {
            self.start(key, now);
        }
        for _ in 0..plan.stop {
            self.stop_longest(key, now.elapsed, Environment::idle);
        }
        for _ in 0..plan.make_room {
            self.stop_longest(key, now.elapsed, Environment::kept);
        }
    }

    /// Counts all environments on their way, once for the decisions of many Functions; each start adds to it.
    pub(super) fn count_starting(&mut self) {
        self.starting = count(self.environments.values().filter(|one| one.is_starting()).count());
    }

    fn observe(&self, key: &FunctionKey, now: Duration) -> Observed {
        let Some(known) = self.functions.get(key) else { return Observed::default() };
        let mut observed = Observed { demand: self.demand_of(&known.revision), ..Observed::default() };
        let grace = Duration::from_secs(u64::from(known.function.spec.timeout) + DRAIN_GRACE_SECONDS);
        for (_, one) in self.environments_of(key) {
            let is_current = one.revision == known.revision;
            let is_old = !is_current && one.is_taking();
            if is_old || one.is_running_out(grace, now) || one.is_out_of_reach(now) {
                observed.leaving += 1;
            } else if is_current && one.is_starting() {
                observed.starting += 1;
                observed.idle.extend(one.idle(now));
            } else if is_current && one.is_serving() {
                observed.serving += 1;
                observed.idle.extend(one.idle(now));
                observed.kept += u32::from(one.kept(now).is_some());
            }
        }
        observed
    }

    /// While a pod finds no node, another would find none either.
    fn stands_still(&self, key: &FunctionKey) -> bool {
        self.environments_of(key).any(|(_, one)| is_unschedulable(one))
    }

    fn start(&mut self, key: &FunctionKey, now: Moment) {
        let random = [(self.draw)(), (self.draw)(), (self.draw)()];
        let Some(known) = self.functions.get(key) else { return };
        let Some(recipe) = known.judged.as_ref().ok().and_then(Option::as_ref) else { return };
        let [random_name, high, low] = random;
        let name = pod_name(&key.name, &known.revision.configuration.0, random_name);
        let pod = PodKey { namespace: key.namespace.clone(), name: name.clone() };
        if self.environments.contains_key(&pod) {
            return;
        }
        let stream = (u128::from(high) << 64) | u128::from(low);
        let log_stream = LogStreamId::from_random_bytes(stream.to_be_bytes());
        let ticket = self.key.issue(TicketClaims {
            namespace: pod.namespace.clone(),
            pod: name.clone(),
            pool: pool_key(&known.function, recipe),
            expires_epoch_seconds: now.epoch_seconds.saturating_add(TICKET_SECONDS),
        });
        let identity = Identity { name, log_stream: log_stream.clone(), ticket };
        let manifest =
            pod::build(&known.function, &known.revision, &recipe.image, &identity, &self.installation);
        let environment =
            Environment::new(known.revision.clone(), log_stream, None, Stage::Creating, now.elapsed);
        self.starting = self.starting.saturating_add(1);
        self.effects.push(Effect::CreatePod(pod.clone(), Box::new(manifest)));
        self.insert_environment(pod, environment);
    }

    /// Lets the environment go that has been what `since` asks for the longest.
    fn stop_longest(
        &mut self,
        key: &FunctionKey,
        now: Duration,
        since: impl Fn(&Environment, Duration) -> Option<Duration>,
    ) {
        let idle = self.environments_of(key).filter_map(|(pod, one)| Some((since(one, now)?, pod.clone())));
        let longest = idle.max();
        if let Some((_, pod)) = longest {
            self.leave(&pod, now);
        }
    }
}

pub(super) fn is_unschedulable(environment: &Environment) -> bool {
    environment.stage == Stage::Alive && matches!(environment.progress, Progress::Unschedulable(_))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a generic environment of this pod could become: everything of a Function that its pod depends on.
fn pool_key(function: &resources::Function, recipe: &Recipe) -> String {
    let spec = &function.spec;
    let depends_on = json!([
        function.metadata.namespace,
        recipe.image.reference,
        recipe.image.pull_secrets,
        spec.code.image.is_some(),
        spec.memory_size,
        spec.timeout,
        spec.ephemeral_storage,
        spec.architectures,
        spec.pod,
    ]);
    hex::encode(digest(&SHA256, depends_on.to_string().as_bytes()).as_ref()).chars().take(16).collect()
}
