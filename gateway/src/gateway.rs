//! The gateway as a whole: what it is made of, and how it starts and stops.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use domain::FunctionReference;
use prometheus::Registry;
use prometheus::proto::MetricFamily;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, CatalogSource, Declared, NotResolved, Resolved};
use crate::environments::{EnvironmentProvider, LinkContext, Links};
use crate::fleets::Fleets;
use crate::metrics::{FunctionLabels, FunctionMetrics, FunctionNow, Gauges, TraceMetrics};
use crate::options::Options;
use crate::payload_budget::PayloadBudget;
use crate::traces::Traces;
use crate::{api, demand, limits, metrics};

/// A running gateway; clones are the same one.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Core>);

#[derive(Debug)]
struct Core {
    options: Options,
    catalog: ArcSwapOption<Catalog>,
    fleets: Arc<Fleets>,
    payload_budget: Arc<PayloadBudget>,
    registry: Registry,
    functions: FunctionMetrics,
    gauges: Gauges,
    traces: Traces,
    invocations: AtomicU64,
    leaving: AtomicBool,
    ended: CancellationToken,
}

impl Gateway {
    /// Starts following `catalog` and `provider`. Nothing is served before [`Gateway::serve`].
    pub fn new(
        options: Options,
        catalog: Box<dyn CatalogSource>,
        provider: Box<dyn EnvironmentProvider>,
    ) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let prompt = Arc::new(Notify::new());
        let core = Core {
            catalog: ArcSwapOption::empty(),
            fleets: Arc::new(Fleets::new(options.waiting_per_function_max, Arc::clone(&prompt))),
            payload_budget: PayloadBudget::new(options.payload_bytes_in_flight_max),
            functions: FunctionMetrics::new(&registry)?,
            gauges: Gauges::new(&registry)?,
            traces: Traces::start(&options, TraceMetrics::new(&registry)?),
            registry,
            invocations: AtomicU64::new(0),
            leaving: AtomicBool::new(false),
            ended: CancellationToken::new(),
            options,
        };
        let gateway = Self(Arc::new(core));
        gateway.start(catalog, provider, prompt);
        Ok(gateway)
    }

    fn start(
        &self,
        catalog: Box<dyn CatalogSource>,
        provider: Box<dyn EnvironmentProvider>,
        prompt: Arc<Notify>,
    ) {
        let core = &self.0;
        let (declared, declared_changes) = watch::channel(None);
        let (events, event_queue) = mpsc::channel(limits::PROVIDER_EVENTS_QUEUE);
        let (demand, demand_changes) = watch::channel(Arc::default());
        let fleets = Arc::clone(&core.fleets);
        let links = Links::new(LinkContext {
            key: Arc::clone(&core.options.link_key),
            fleets: Arc::clone(&fleets),
            sessions: Arc::default(),
            payload: Arc::clone(&core.payload_budget),
            traces: core.traces.clone(),
            ended: core.ended.clone(),
        });
        self.spawn(catalog.follow(declared));
        self.spawn(provider.provide(demand_changes, events));
        self.spawn(links.follow(event_queue));
        self.spawn(demand::report(fleets, prompt, demand));
        self.spawn(self.clone().follow_declared(declared_changes));
        self.spawn(self.clone().sweep_series());
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended = self.0.ended.clone();
        drop(tokio::spawn(async move { ended.run_until_cancelled(task).await }));
    }

    async fn follow_declared(self, mut changes: watch::Receiver<Option<Arc<Declared>>>) {
        while changes.changed().await.is_ok() {
            let Some(declared) = changes.borrow_and_update().clone() else { continue };
            let core = &self.0;
            let catalog = Arc::new(Catalog::build(&declared, |revision| core.fleets.of(revision)));
            core.fleets.follow(&catalog);
            core.traces.follow(&catalog, &core.options.region);
            core.gauges.functions.set(i64::try_from(catalog.functions().count()).unwrap_or(i64::MAX));
            core.catalog.store(Some(catalog));
            self.sweep();
        }
    }

    async fn sweep_series(self) {
        loop {
            tokio::time::sleep(limits::SERIES_SWEEP).await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        let Some(catalog) = self.0.catalog.load_full() else { return };
        let known: std::collections::HashSet<FunctionLabels> =
            catalog.functions().map(|function| function.labels()).collect();
        self.0.functions.sweep(|labels| known.contains(labels));
    }

    /// Serves the Lambda API until `shutdown`, then finishes what is in flight, within the bound.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        api::serve(self.clone(), listener, shutdown).await
    }

    /// Serves metrics and probes until `shutdown`.
    pub async fn serve_metrics(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        metrics::serve(Arc::new(self.clone().into()), listener, shutdown).await
    }

    /// Whether requests may come: a catalog is there, and the gateway is not about to stop.
    pub fn is_ready(&self) -> bool {
        !self.is_leaving() && self.0.catalog.load().is_some()
    }

    /// No longer ready; requests are still served.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
    }

    /// Exports the spans that are still there, within a bound. Once nothing is served any more, before [`Gateway::end`].
    pub async fn flush_traces(&self) {
        self.0.traces.flush().await;
    }

    /// Ends every link and stops following anything.
    pub fn end(&self) {
        self.0.ended.cancel();
    }

    /// Every metric at this moment.
    pub fn gather(&self) -> Vec<MetricFamily> {
        let core = &self.0;
        core.gauges.payload.set(i64::try_from(core.payload_budget.bytes_in_flight()).unwrap_or(i64::MAX));
        core.gauges.show(&self.functions_now());
        core.registry.gather()
    }

    fn functions_now(&self) -> Vec<FunctionNow> {
        let Some(catalog) = self.0.catalog.load_full() else { return Vec::new() };
        let now = catalog.functions().map(|function| {
            let (census, in_flight) = function.fleet.census();
            let environments = [
                ("starting", census.starting),
                ("free", census.free),
                ("busy", census.busy),
                ("leaving", census.leaving),
            ];
            FunctionNow { labels: function.labels(), environments, in_flight }
        });
        now.filter(|now| now.in_flight > 0 || now.environments.iter().any(|(_, count)| *count > 0)).collect()
    }

    pub(crate) fn resolve(&self, target: FunctionReference) -> Result<Resolved, NotResolved> {
        let options = &self.0.options;
        match self.0.catalog.load().as_ref() {
            Some(catalog) => catalog.resolve(target, &options.region, &options.default_namespace),
            None => Catalog::default().resolve(target, &options.region, &options.default_namespace),
        }
    }

    pub(crate) fn next_invocation(&self) -> u64 {
        self.0.invocations.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn environment_wait(&self) -> Duration {
        self.0.options.environment_wait
    }

    pub(crate) fn function_metrics(&self) -> &FunctionMetrics {
        &self.0.functions
    }

    pub(crate) fn gauges(&self) -> &Gauges {
        &self.0.gauges
    }

    pub(crate) fn payload_budget(&self) -> &Arc<PayloadBudget> {
        &self.0.payload_budget
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.0.traces
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }
}
