//! What is counted when somebody looks, from the fleets themselves, and so can never drift; and the gateway's
//! own few metrics.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::names;
use super::series::FunctionLabels;

/// One function at this moment.
#[derive(Debug, Clone)]
pub(crate) struct FunctionNow {
    pub(crate) labels: FunctionLabels,
    /// Environments by state.
    pub(crate) environments: [(&'static str, usize); 4],
    pub(crate) in_flight: usize,
}

/// Gauges, and counters without a function.
#[derive(Debug)]
pub(crate) struct Gauges {
    environments: IntGaugeVec,
    in_flight: IntGaugeVec,
    requests: IntCounterVec,
    /// Open connections of clients.
    pub(crate) connections: IntGauge,
    /// Payload bytes in flight.
    pub(crate) payload: IntGauge,
    /// Functions in the catalog.
    pub(crate) functions: IntGauge,
}

impl Gauges {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let state = [names::FUNCTION.as_slice(), &["state"]].concat();
        let environments = Opts::new(names::ENVIRONMENTS, "Linked environments by what they do.");
        let in_flight = Opts::new(names::IN_FLIGHT, "Invocations that run or wait.");
        let requests = Opts::new(names::REQUESTS, "Requests by HTTP status.");
        let build = Opts::new(names::BUILD, "The gateway's version.");
        let gauges = Self {
            environments: IntGaugeVec::new(environments, &state)?,
            in_flight: IntGaugeVec::new(in_flight, &names::FUNCTION)?,
            requests: IntCounterVec::new(requests, &["code"])?,
            connections: IntGauge::new(names::CONNECTIONS, "Open connections of clients.")?,
            payload: IntGauge::new(names::PAYLOAD, "Payload bytes in flight.")?,
            functions: IntGauge::new(names::FUNCTIONS, "Functions in the catalog.")?,
        };
        let build = IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        registry.register(Box::new(gauges.environments.clone()))?;
        registry.register(Box::new(gauges.in_flight.clone()))?;
        registry.register(Box::new(gauges.requests.clone()))?;
        for gauge in [&gauges.connections, &gauges.payload, &gauges.functions] {
            registry.register(Box::new(gauge.clone()))?;
        }
        Ok(gauges)
    }

    pub(crate) fn request(&self, status: u16) {
        self.requests.with_label_values(&[status.to_string().as_str()]).inc();
    }

    /// Puts the present in place of what was there.
    pub(crate) fn show(&self, functions: &[FunctionNow]) {
        self.environments.reset();
        self.in_flight.reset();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for now in functions {
            let [namespace, function, version] = now.labels.values();
            for (state, count) in now.environments {
                let values = [namespace, function, version, state];
                self.environments.with_label_values(&values).set(number(count));
            }
            self.in_flight.with_label_values(&[namespace, function, version]).set(number(now.in_flight));
        }
    }
}
