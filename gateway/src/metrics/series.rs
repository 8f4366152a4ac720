//! The series of functions: made when a function is first invoked, removed when it is gone or idle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use protocol::link::environment::Report;

use super::names;
use crate::limits;

/// How an invocation ended: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The function answered.
    Success,
    /// The function reported an error, or could not be initialised.
    FunctionError,
    /// The function took too long.
    Timeout,
    /// The function's process ended.
    Crash,
    /// It was not let in.
    Throttle,
    /// Kubelambda or the cluster failed.
    PlatformError,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Success, Self::FunctionError, Self::Timeout, Self::Crash, Self::Throttle, Self::PlatformError];

    fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::FunctionError => "function_error",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::Throttle => "throttle",
            Self::PlatformError => "platform_error",
        }
    }
}

/// Whose series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FunctionLabels {
    pub(crate) namespace: String,
    pub(crate) function: String,
    pub(crate) version: String,
}

impl FunctionLabels {
    pub(super) fn values(&self) -> [&str; 3] {
        [&self.namespace, &self.function, &self.version]
    }
}

/// The series of one function and version.
#[derive(Debug)]
pub(crate) struct FunctionSeries {
    outcomes: HashMap<Outcome, IntCounter>,
    cold_starts: IntCounter,
    duration: Histogram,
    init: Histogram,
    remaining: Histogram,
    wait: Histogram,
    memory: Histogram,
    used: Mutex<Instant>,
}

impl FunctionSeries {
    pub(crate) fn ended(&self, outcome: Outcome) {
        if let Some(counter) = self.outcomes.get(&outcome) {
            counter.inc();
        }
    }

    pub(crate) fn waited(&self, wait: Duration) {
        self.wait.observe(wait.as_secs_f64());
    }

    /// What an environment tells at the end.
    pub(crate) fn reported(&self, report: &Report) {
        self.duration.observe(report.duration_ms / 1_000.0);
        self.remaining.observe(Duration::from_millis(report.remaining_ms).as_secs_f64());
        let megabytes = u32::try_from(report.max_memory_used_mb).unwrap_or(u32::MAX);
        self.memory.observe(f64::from(megabytes) * 1_048_576.0);
        if let Some(init_ms) = report.init_duration_ms {
            self.cold_starts.inc();
            self.init.observe(init_ms / 1_000.0);
        }
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Every function's series.
#[derive(Debug)]
pub(crate) struct FunctionMetrics {
    invocations: IntCounterVec,
    cold_starts: IntCounterVec,
    duration: HistogramVec,
    init: HistogramVec,
    remaining: HistogramVec,
    wait: HistogramVec,
    memory: HistogramVec,
    series: Mutex<HashMap<FunctionLabels, Arc<FunctionSeries>>>,
}

impl FunctionMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let outcome = [names::FUNCTION.as_slice(), &["outcome"]].concat();
        let invocations = Opts::new(names::INVOCATIONS, "Invocations by how they ended.");
        let cold = Opts::new(names::COLD_STARTS, "Invocations for which an environment was initialised.");
        let metrics = Self {
            invocations: IntCounterVec::new(invocations, &outcome)?,
            cold_starts: IntCounterVec::new(cold, &names::FUNCTION)?,
            duration: histogram(names::DURATION, "How long functions ran.", &names::SECONDS)?,
            init: histogram(names::INIT, "How long init phases took.", &names::SECONDS)?,
            remaining: histogram(
                names::REMAINING,
                "What was left of the time-out when the answer was complete.",
                &names::SECONDS,
            )?,
            wait: histogram(
                names::WAIT,
                "From the arrival of an invocation to its hand-over to an environment.",
                &names::WAITS,
            )?,
            memory: histogram(names::MEMORY, "Most memory that an environment used so far.", &names::BYTES)?,
            series: Mutex::default(),
        };
        for vec in metrics.histograms() {
            registry.register(Box::new(vec.clone()))?;
        }
        registry.register(Box::new(metrics.invocations.clone()))?;
        registry.register(Box::new(metrics.cold_starts.clone()))?;
        Ok(metrics)
    }

    /// The series of a function that the catalog knows, and that is being invoked.
    pub(crate) fn of(&self, labels: &FunctionLabels) -> Arc<FunctionSeries> {
        let mut all = self.lock();
        if let Some(series) = all.get(labels) {
            series.touch();
            return Arc::clone(series);
        }
        let series = Arc::new(self.make(labels));
        all.insert(labels.clone(), Arc::clone(&series));
        series
    }

    /// Removes what was idle for an hour, and what `exists` does not know.
    pub(crate) fn sweep(&self, exists: impl Fn(&FunctionLabels) -> bool) {
        let mut all = self.lock();
        all.retain(|labels, series| {
            let kept = exists(labels) && series.idle() < limits::SERIES_IDLE;
            if !kept {
                self.remove(labels);
            }
            kept
        });
    }

    fn make(&self, labels: &FunctionLabels) -> FunctionSeries {
        let values = labels.values();
        let [namespace, function, version] = values;
        let counter = |outcome: Outcome| {
            self.invocations.with_label_values(&[namespace, function, version, outcome.label()])
        };
        FunctionSeries {
            outcomes: Outcome::ALL.into_iter().map(|outcome| (outcome, counter(outcome))).collect(),
            cold_starts: self.cold_starts.with_label_values(&values),
            duration: self.duration.with_label_values(&values),
            init: self.init.with_label_values(&values),
            remaining: self.remaining.with_label_values(&values),
            wait: self.wait.with_label_values(&values),
            memory: self.memory.with_label_values(&values),
            used: Mutex::new(Instant::now()),
        }
    }

    fn remove(&self, labels: &FunctionLabels) {
        let values = labels.values();
        let [namespace, function, version] = values;
        for outcome in Outcome::ALL {
            let values = [namespace, function, version, outcome.label()];
            drop(self.invocations.remove_label_values(&values));
        }
        drop(self.cold_starts.remove_label_values(&values));
        for vec in self.histograms() {
            drop(vec.remove_label_values(&values));
        }
    }

    fn histograms(&self) -> [&HistogramVec; 5] {
        [&self.duration, &self.init, &self.remaining, &self.wait, &self.memory]
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FunctionLabels, Arc<FunctionSeries>>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<HistogramVec> {
    HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &names::FUNCTION)
}
