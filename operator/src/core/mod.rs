//! The operator's decisions, as a state machine: observations in, effects out.
//!
//! [`Core::take`] notes an observation; [`Core::settle`] then decides for every Function that it touched, and
//! returns what is to be done. Between the two nothing is decided, so a burst of observations costs one
//! decision. Decisions are made from the whole present state, never from the observation alone: an operator
//! that restarts, or a watch that lists anew, comes to the same ones.
//!
//! Every replica keeps the whole state, demand included; only the one that leads returns effects that change
//! the cluster or an environment.
//!
//! Architecture invariant: nothing here does I/O, reads a clock or draws a random number by itself.

pub mod effect;
mod environment;
mod functions;
mod gateways;
pub mod input;
mod known;
mod links;
mod planning;
mod pods;
mod reporting;
#[cfg(test)]
mod tests;
mod unreadable;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::Region;
use protocol::link::trust::LinkKey;
use resources::RuntimeSpec;

pub use self::effect::{Effect, ImageQuestion, Measured, Notice};
use self::environment::Environment;
use self::gateways::Gateway;
pub use self::input::{Change, CreateError, GatewayId, Input, LinkId, PodKey, SeenNamespace};
use self::known::Known;
use self::unreadable::Unreadable;
use crate::function::FunctionKey;
use crate::moment::{Draw, Moment};
use crate::pod::Installation;

/// Least time between two writes of a Function's status, in seconds.
pub const STATUS_SECONDS_MIN: u64 = 5;

/// What an installation sets.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The region in every ARN.
    pub region: Region,
    /// How long an environment without an invocation is kept, where the Function does not say.
    pub idle_timeout: Duration,
    /// Most environments of one Function on their way at once.
    pub starts_per_function_max: u32,
    /// Most environments on their way at once, over all Functions.
    pub starts_max: u32,
}

/// Which kinds were listed: nothing is decided before all were.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "one per watch")]
struct Synced {
    functions: bool,
    runtimes: bool,
    namespaces: bool,
    pods: bool,
}

impl Synced {
    fn is_complete(self) -> bool {
        self.functions && self.runtimes && self.namespaces && self.pods
    }
}

/// An AWS name in a namespace.
type AwsName = (String, String);
/// What decides who has a name: creation in seconds, then uid; and the object's name.
type Claim = (i64, String, String);

/// See the module.
pub struct Core {
    rules: Rules,
    installation: Installation,
    key: Arc<LinkKey>,
    draw: Draw,
    leads: bool,
    synced: Synced,
    functions: BTreeMap<FunctionKey, Known>,
    unreadable: BTreeMap<FunctionKey, Unreadable>,
    names: BTreeMap<AwsName, BTreeSet<Claim>>,
    runtimes: BTreeMap<String, RuntimeSpec>,
    accounts: BTreeMap<String, Option<String>>,
    environments: BTreeMap<PodKey, Environment>,
    by_function: BTreeMap<FunctionKey, BTreeSet<PodKey>>,
    links: HashMap<LinkId, PodKey>,
    gateways: BTreeMap<GatewayId, Gateway>,
    touched: BTreeSet<FunctionKey>,
    /// Environments on their way, while decisions are made.
    starting: u32,
    effects: Vec<Effect>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("leads", &self.leads).finish_non_exhaustive()
    }
}

/// How many there are of what, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Functions.
    pub functions: usize,
    /// Functions that are not ready.
    pub functions_not_ready: usize,
    /// Environments on their way.
    pub starting: usize,
    /// Environments that run or can run an invocation.
    pub serving: usize,
    /// All other environments.
    pub leaving: usize,
    /// Linked gateways.
    pub gateways: usize,
    /// Whether every kind was listed.
    pub is_synced: bool,
    /// Whether this replica leads.
    pub leads: bool,
}

impl Core {
    /// A core that knows nothing yet.
    pub fn new(rules: Rules, installation: Installation, key: Arc<LinkKey>, draw: Draw) -> Self {
        Self {
            rules,
            installation,
            key,
            draw,
            leads: false,
            synced: Synced::default(),
            functions: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            names: BTreeMap::new(),
            runtimes: BTreeMap::new(),
            accounts: BTreeMap::new(),
            environments: BTreeMap::new(),
            by_function: BTreeMap::new(),
            links: HashMap::new(),
            gateways: BTreeMap::new(),
            touched: BTreeSet::new(),
            starting: 0,
            effects: Vec::new(),
        }
    }

    /// Notes one observation.
    pub fn take(&mut self, input: Input, now: Moment) {
        let at = now.elapsed;
        match input {
            Input::Leads => {
                self.leads = true;
                self.touch_all();
            }
            Input::Functions(change) => self.functions_changed(change),
            Input::FunctionUnreadable(about, why) => self.function_unreadable(about, &why),
            Input::Runtimes(change) => self.runtimes_changed(change),
            Input::Namespaces(change) => self.namespaces_changed(change),
            Input::Pods(change) => self.pods_changed(change, at),
            Input::PodCreated(pod, result) => self.pod_created(&pod, result, at),
            Input::PodDeleted(pod, result) => self.pod_deleted(&pod, &result),
            Input::EnvironmentLinked { pod, link, address } => self.linked(&pod, link, address, at),
            Input::EnvironmentState(link, state) => self.state_told(link, state, at),
            Input::EnvironmentUnlinked(link) => self.unlinked(link, at),
            Input::DialFailed(pod) => self.dial_failed(&pod, at),
            Input::GatewayLinked(gateway) => self.gateway_linked(gateway, at),
            Input::GatewayDemand(gateway, demand) => self.demand_told(gateway, demand, at),
            Input::GatewayUnlinked(gateway) => self.gateway_unlinked(gateway),
            Input::ImageRead(function, generation, progress) => {
                self.image_read(&function, generation, progress, at);
            }
            Input::StatusWritten(function, result) => self.status_written(&function, &result),
            Input::Tick => {
                self.forget_silent_gateways(at);
                self.touch_all();
            }
        }
    }

    /// Decides for everything that was touched, and returns what is to be done, in order.
    pub fn settle(&mut self, now: Moment) -> Vec<Effect> {
        if self.synced.is_complete() {
            self.tend_environments(now.elapsed);
            self.tell_unreadable();
            self.count_starting();
            for key in std::mem::take(&mut self.touched) {
                self.judge(&key);
                if self.leads {
                    self.ask_for_image(&key, now.elapsed);
                    self.tell_obstacle(&key, now.elapsed);
                    self.scale(&key, now);
                    self.report(&key, now);
                }
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// How many there are of what.
    pub fn census(&self) -> Census {
        let starting = self.environments.values().filter(|one| one.is_starting()).count();
        let serving = self.environments.values().filter(|one| one.is_serving()).count();
        Census {
            functions: self.functions.len(),
            functions_not_ready: self.functions.values().filter(|known| known.problem().is_some()).count(),
            starting,
            serving,
            leaving: self.environments.len() - starting - serving,
            gateways: self.gateways.len(),
            is_synced: self.synced.is_complete(),
            leads: self.leads,
        }
    }

    fn touch(&mut self, function: FunctionKey) {
        self.touched.insert(function);
    }

    fn touch_all(&mut self) {
        self.touched.extend(self.functions.keys().cloned());
    }

    fn runtime_of(&self, function: &resources::Function) -> Option<&RuntimeSpec> {
        self.runtimes.get(function.spec.runtime.as_ref()?)
    }

    fn environments_of(&self, function: &FunctionKey) -> impl Iterator<Item = (&PodKey, &Environment)> {
        let pods = self.by_function.get(function).into_iter().flatten();
        pods.filter_map(|pod| self.environments.get_key_value(pod))
    }
}
