//! Every figure that the operator shows, in one place. No label's value is chosen by an author or a caller.

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::core::{Census, Measured};

/// Seconds from asking for a pod to its first `Free`.
const START_BUCKETS: [f64; 10] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0, 30.0, 120.0];

/// The operator's figures.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    environments: IntGaugeVec,
    functions: IntGauge,
    functions_not_ready: IntGauge,
    gateways: IntGauge,
    leader: IntGauge,
    starts: Histogram,
    start_failures: IntCounterVec,
    ended: IntCounter,
}

impl Metrics {
    /// Figures that are all zero.
    pub fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        let metrics = Self {
            registry: Registry::new(),
            environments: IntGaugeVec::new(
                Opts::new("kubelambda_operator_environments", "Environments by state."),
                &["state"],
            )?,
            functions: gauge("kubelambda_operator_functions", "Functions.")?,
            functions_not_ready: gauge(
                "kubelambda_operator_functions_not_ready",
                "Functions that are not Ready.",
            )?,
            gateways: gauge("kubelambda_operator_gateways", "Linked gateways.")?,
            leader: gauge("kubelambda_operator_leader", "1 on the replica that leads.")?,
            starts: Histogram::with_opts(
                HistogramOpts::new(
                    "kubelambda_operator_start_seconds",
                    "Time from asking for a pod to its environment's first idle state.",
                )
                .buckets(START_BUCKETS.to_vec()),
            )?,
            start_failures: IntCounterVec::new(
                Opts::new("kubelambda_operator_start_failures_total", "Starts that failed, by reason."),
                &["reason"],
            )?,
            ended: IntCounter::new(
                "kubelambda_operator_environments_ended_total",
                "Environments that ended without being asked to.",
            )?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> prometheus::Result<()> {
        let registry = &self.registry;
        registry.register(Box::new(self.environments.clone()))?;
        registry.register(Box::new(self.functions.clone()))?;
        registry.register(Box::new(self.functions_not_ready.clone()))?;
        registry.register(Box::new(self.gateways.clone()))?;
        registry.register(Box::new(self.leader.clone()))?;
        registry.register(Box::new(self.starts.clone()))?;
        registry.register(Box::new(self.start_failures.clone()))?;
        registry.register(Box::new(self.ended.clone()))
    }

    /// Shows how many there are of what.
    pub fn census(&self, census: &Census) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.environments.with_label_values(&["starting"]).set(number(census.starting));
        self.environments.with_label_values(&["serving"]).set(number(census.serving));
        self.environments.with_label_values(&["leaving"]).set(number(census.leaving));
        self.functions.set(number(census.functions));
        self.functions_not_ready.set(number(census.functions_not_ready));
        self.gateways.set(number(census.gateways));
        self.leader.set(i64::from(census.leads));
    }

    /// Counts one event.
    pub fn measured(&self, measured: Measured) {
        match measured {
            Measured::Started(seconds) => self.starts.observe(seconds),
            Measured::StartFailed(reason) => self.start_failures.with_label_values(&[reason]).inc(),
            Measured::Ended => self.ended.inc(),
        }
    }

    /// Everything in Prometheus' text format.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.census(&Census { serving: 3, leads: true, ..Census::default() });
        metrics.measured(Measured::StartFailed("InitFailed"));
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(text.contains("kubelambda_operator_environments{state=\"serving\"} 3"));
        assert!(text.contains("kubelambda_operator_leader 1"));
        assert!(text.contains("kubelambda_operator_start_failures_total{reason=\"InitFailed\"} 1"));
    }
}
