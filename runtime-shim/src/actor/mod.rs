//! The one owner of the environment's state.
//!
//! Inputs arrive through one queue, from timers, from the function's pipe and from the kernel; each is given to
//! [`domain::environment`], and what that says is carried out here, in order, before the next input is looked
//! at. Nothing here waits for a peer, a runtime or a reader of the log.

mod answer;
mod effects;
mod ending;
mod extensions;
mod idle;
mod init;
mod inputs;
mod invocation;
mod leaving;
mod limits;
mod peers;
mod published;
mod records;
mod segments;
mod shutdown;
mod storage;
mod stream;
mod subscriptions;
mod timeline;
mod timers;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::environment::{Effect, Environment};
use domain::extensions::Shutdown;
use domain::failure::StartFailure;
use domain::grants::Grants;
use domain::log_stream::Day;
use protocol::link::assignment::Assignment;
use protocol::link::environment::{EnvironmentState, GRANT_MILLIS};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::clock::{self, Instant};
use crate::events::{Event, Events, LinkId};
use crate::logs::Logs;
use crate::metadata::Metadata;
use crate::processes::{OutOfMemoryKills, Processes};
use crate::runtime_api::Connections;
use crate::settings::Settings;
use crate::xray::{Daemon, Losses};
use ending::RuntimeProcess;
use init::InitClock;
use invocation::Invocation;
use peers::Peers;
use timers::{Timer, Timers};
use waiting::Waiting;

/// The actor and all that it owns.
#[derive(Debug)]
pub(crate) struct Actor {
    settings: Settings,
    runtime_api: SocketAddr,
    metadata: Metadata,
    started: Instant,
    environment: Environment,
    processes: Processes,
    connections: Connections,
    events: Events,
    logs: Logs,
    xray: Daemon,
    segments_lost: Losses,
    /// The gateway whose invocation runs, or ran last.
    segments_to: Option<LinkId>,
    peers: Peers,
    grants: Grants<LinkId>,
    timers: Timers,
    assigned: Option<Assigned>,
    /// Whose the environment is, once it has taken an invocation of a tenant and the function isolates them.
    tenant: Option<String>,
    runtime: RuntimeProcess,
    extensions: extensions::ExtensionsState,
    init: InitClock,
    invocation: Option<Invocation>,
    waiting: Waiting,
    memory: limits::MemoryUse,
    out_of_memory: OutOfMemoryKills,
    storage: storage::StorageUse,
    published: Option<EnvironmentState>,
    invocations: u64,
    frozen: bool,
    leaving: Option<Leave>,
}

/// What the environment became.
#[derive(Debug)]
struct Assigned {
    assignment: Arc<Assignment>,
    archive: Bytes,
    day: Day,
    /// Why the code could not be laid out.
    code_failure: Option<StartFailure>,
}

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// As soon as the environment is drained.
    WhenDrained,
    /// Now.
    Now,
}

impl Actor {
    /// An environment that is nobody's yet.
    pub(crate) fn new(
        settings: Settings,
        runtime_api: SocketAddr,
        metadata: Metadata,
        xray: Daemon,
        processes: Processes,
        connections: Connections,
        events: Events,
    ) -> io::Result<Self> {
        Ok(Self {
            settings,
            runtime_api,
            metadata,
            started: clock::now(),
            environment: Environment::default(),
            processes,
            connections,
            events,
            logs: Logs::open()?,
            xray,
            segments_lost: Losses::default(),
            segments_to: None,
            peers: Peers::default(),
            grants: Grants::new(GRANT_MILLIS),
            timers: Timers::default(),
            assigned: None,
            tenant: None,
            runtime: RuntimeProcess::default(),
            extensions: extensions::ExtensionsState::default(),
            init: InitClock::default(),
            invocation: None,
            waiting: Waiting::default(),
            memory: limits::MemoryUse::default(),
            out_of_memory: OutOfMemoryKills::watch(),
            storage: storage::StorageUse::default(),
            published: None,
            invocations: 0,
            frozen: false,
            leaving: None,
        })
    }

    /// Runs until the program is to end.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Event>) -> io::Result<()> {
        let mut signals = Signals::watch()?;
        while self.leaving != Some(Leave::Now) {
            // One that has nothing to wait for is left out, instead of polled for nothing.
            let (pending, settling) = (self.logs.is_pending(), self.runtime.exit.is_some());
            let timer = self.timers.next();
            let mut passed_on = false;
            tokio::select! {
                biased;
                _ = signals.terminate.recv() => self.terminated(),
                _ = signals.child.recv() => self.children_changed(),
                Some(event) = queue.recv() => self.take(event),
                due = timers::due(timer) => self.timer_passed(due)?,
                () = self.connections.closed(), if settling => self.settle(),
                () = self.logs.readable() => passed_on = self.take_output(),
                () = self.logs.writable(), if pending => self.logs.pump(),
                () = self.xray.readable() => passed_on = self.take_segments(),
            }
            self.publish();
            if passed_on {
                // What is on its way makes room for what comes next.
                tokio::task::yield_now().await;
            }
            if !pending && self.logs.is_pending() {
                // First what others wait for, then what is only kept.
                tokio::task::yield_now().await;
                self.logs.pump();
            }
        }
        self.leave(&mut queue).await;
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(clock::now().duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// SIGTERM: no further invocation; one that runs finishes.
    fn terminated(&mut self) {
        if self.leaving.is_none() {
            self.leaving = Some(Leave::WhenDrained);
        }
        let effects = self.environment.drain();
        self.apply(effects);
        if *self.environment.state() == domain::environment::State::Drained && !self.is_ending() {
            self.leaving = Some(Leave::Now);
        }
    }

    fn timer_passed(&mut self, timer: Timer) -> io::Result<()> {
        self.timers.clear(timer);
        match timer {
            Timer::Deadline => self.deadline_passed(),
            Timer::InitErrorGrace => self.end_runtime(),
            Timer::RuntimeShare => self.shutdown_step(Shutdown::runtime_share_passed),
            Timer::Shutdown => self.shutdown_step(Shutdown::time_passed),
            Timer::Freeze => self.freeze(),
            Timer::Grant => self.grant_ended(),
            Timer::Sample => self.sample(),
            Timer::Reset => {
                return Err(io::Error::other("the function's processes cannot be ended"));
            }
            Timer::Settle => self.settled(),
        }
        Ok(())
    }

    /// Carries out `effects` and whatever follows from them.
    fn apply(&mut self, effects: Vec<Effect>) {
        let mut waiting = std::collections::VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            waiting.extend(self.carry_out(effect));
        }
    }
}

struct Signals {
    terminate: Signal,
    child: Signal,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, child: signal(SignalKind::child())? })
    }
}
