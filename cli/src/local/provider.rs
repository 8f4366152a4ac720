//! The seam to the gateway: turns demand into shims that run as child processes.
//!
//! It starts what demand lacks up to the function's maximum, lets go what was idle too long or belongs to an
//! older revision, and after a start that failed waits before the next, as the operator does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::backoff::Backoff;
use futures::future::BoxFuture;
use gateway::environments::{
    DemandReceiver, Environment, EnvironmentEvent, EnvironmentProvider, EventSender, PodName,
};
use protocol::link::assignment::Revision;
use protocol::link::control::{Demand, Obstacle};
use protocol::link::environment::Phase;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::environment::Told;
use super::environments::{Environments, State};
use super::snapshot::{NAMESPACE, Served, Snapshot};
use super::starter::{self, NotStarted, Starter};

/// Most environments at once, of all functions: processes of one machine.
const ENVIRONMENTS_MAX: usize = 500;
/// How often idle environments are looked for, in milliseconds.
const IDLE_LOOK_MILLIS: u64 = 250;
/// What environments tell, until it is looked at.
const TOLD_QUEUE: usize = 256;
/// Pauses after starts that failed.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(20),
    least: Duration::from_millis(500),
};

/// Starts environments for demand.
#[derive(Debug)]
pub(crate) struct ProcessProvider {
    starter: Arc<Starter>,
    served: watch::Receiver<Arc<Snapshot>>,
    idle_timeout: Duration,
    stop: CancellationToken,
    /// Dropped once everything has ended.
    ended: mpsc::Sender<()>,
}

impl ProcessProvider {
    /// A provider for what is `served`. `stop` ends everything, after which `ended` is dropped.
    pub(crate) fn new(
        starter: Arc<Starter>,
        served: watch::Receiver<Arc<Snapshot>>,
        idle_timeout: Duration,
        stop: CancellationToken,
        ended: mpsc::Sender<()>,
    ) -> Self {
        Self { starter, served, idle_timeout, stop, ended }
    }
}

impl EnvironmentProvider for ProcessProvider {
    fn provide(self: Box<Self>, demand: DemandReceiver, events: EventSender) -> BoxFuture<'static, ()> {
        let (told, told_queue) = mpsc::channel(TOLD_QUEUE);
        let running = Running {
            starter: self.starter,
            served: self.served,
            idle_timeout: self.idle_timeout,
            stop: self.stop,
            events,
            told,
            tasks: JoinSet::new(),
            environments: Environments::default(),
            troubles: HashMap::new(),
        };
        let ended = self.ended;
        Box::pin(async move {
            running.run(demand, told_queue).await;
            drop(ended);
        })
    }
}

/// Starts of a revision that failed.
#[derive(Debug)]
struct Trouble {
    failures: u32,
    until: Instant,
}

struct Running {
    starter: Arc<Starter>,
    served: watch::Receiver<Arc<Snapshot>>,
    idle_timeout: Duration,
    stop: CancellationToken,
    events: EventSender,
    told: mpsc::Sender<(String, Told)>,
    tasks: JoinSet<(String, Result<(), NotStarted>)>,
    environments: Environments,
    troubles: HashMap<Revision, Trouble>,
}

impl Running {
    async fn run(mut self, mut demand: DemandReceiver, mut told: mpsc::Receiver<(String, Told)>) {
        let mut look = tokio::time::interval(Duration::from_millis(IDLE_LOOK_MILLIS));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                changed = demand.changed() => if changed.is_err() { break },
                changed = self.served.changed() => if changed.is_err() { break } else { self.let_go_old() },
                Some((name, told)) = told.recv() => self.note(name, told).await,
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Ok((name, result)) = ended { self.ended(name, result).await }
                }
                _ = look.tick() => self.environments.let_go_idle(&self.served.borrow(), self.idle_timeout),
            }
            let now = Arc::clone(&demand.borrow_and_update());
            now.iter().for_each(|of| self.meet(of));
            self.environments.let_go_unasked(&now);
        }
        // Each ends by itself at `stop`.
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Starts what the demand lacks.
    fn meet(&mut self, demand: &Demand) {
        let snapshot = Arc::clone(&self.served.borrow());
        let Some(served) = snapshot.of(&demand.revision) else { return };
        if self.troubles.get(&demand.revision).is_some_and(|trouble| trouble.until > Instant::now()) {
            return;
        }
        let most = served.local.function.spec.scaling.max_environments;
        let asked = demand.running.saturating_add(demand.waiting);
        let (wanted, there) = (asked.min(most), self.environments.of(&demand.revision).count());
        let is_full = asked > most && there >= usize::try_from(most).unwrap_or(usize::MAX);
        if is_full && served.local.function.spec.isolates_tenants() {
            // For another tenant's.
            self.environments.make_room(&demand.revision);
        }
        for _ in there..usize::try_from(wanted).unwrap_or(usize::MAX) {
            if self.environments.len() >= ENVIRONMENTS_MAX {
                return;
            }
            self.start(served);
        }
    }

    fn start(&mut self, served: &Arc<Served>) {
        let name = starter::name(&served.revision);
        let leave = self.environments.add(name.clone(), served.revision.clone());
        let (starter, served, stop) = (Arc::clone(&self.starter), Arc::clone(served), self.stop.clone());
        let all = self.told.clone();
        self.tasks.spawn(async move {
            let (told, mut queue) = mpsc::channel(TOLD_QUEUE);
            let pass_on = async {
                while let Some(told) = queue.recv().await {
                    drop(all.send((name.clone(), told)).await);
                }
            };
            let run = starter.run(&name, &served, leave, stop, told);
            let (result, ()) = tokio::join!(run, pass_on);
            (name, result)
        });
    }

    async fn note(&mut self, name: String, told: Told) {
        let Some(known) = self.environments.get_mut(&name) else { return };
        match told {
            Told::Started => known.becomes(State::Started(Phase::Generic)),
            Told::Phase(phase) => known.becomes(State::Started(phase)),
            Told::Up(address) => {
                let revision = known.revision.clone();
                let pod = PodName { namespace: NAMESPACE.to_owned(), name };
                let up = Environment { pod, address, revision: Some(revision.clone()) };
                drop(self.events.send(EnvironmentEvent::Up(up)).await);
                if self.troubles.remove(&revision).is_some() {
                    drop(self.events.send(EnvironmentEvent::Unblocked { revision }).await);
                }
            }
        }
    }

    async fn ended(&mut self, name: String, result: Result<(), NotStarted>) {
        let Some(known) = self.environments.remove(&name) else { return };
        let pod = PodName { namespace: NAMESPACE.to_owned(), name };
        drop(self.events.send(EnvironmentEvent::Gone(pod)).await);
        let Err((reason, message)) = result else { return };
        let failures =
            self.troubles.get(&known.revision).map_or(1, |trouble| trouble.failures.saturating_add(1));
        // A machine of one's own needs no jitter: the longest wait is taken.
        let until = Instant::now() + BACKOFF.bound(failures);
        self.troubles.insert(known.revision.clone(), Trouble { failures, until });
        // A runtime that cannot be had is said where it is looked for, once for all of its functions.
        if failures == 1 && reason != Obstacle::UnknownRuntime {
            tracing::warn!(function = known.revision.function, "No environment can start: {message}");
        }
        drop(self.events.send(EnvironmentEvent::Blocked { revision: known.revision, reason, message }).await);
    }

    /// Lets environments of revisions go that are no longer served.
    fn let_go_old(&mut self) {
        let snapshot = Arc::clone(&self.served.borrow());
        self.environments.let_go_old(&snapshot);
        self.troubles.retain(|revision, _| snapshot.of(revision).is_some());
    }
}
