//! One environment, many invocations, and a runtime that does whatever a runtime can do wrong.
//!
//! What is done is drawn from a seed, so a run that failed can be repeated: a failure prints the seed, and
//! `KUBELAMBDA_TORTURE_SEED` sets it. After each deed a good invocation must succeed, and then the shim must be
//! what it was before: no zombies, no more descriptors than when it was idle, no more memory.

mod answers;
mod carrying_out;
mod deeds;
mod random;
pub mod watched;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::RequestId;
use rustix::process::Pid;

use crate::endurance::{assert_flat, is_soak};
use crate::harness::{Shim, WAIT_SECONDS_MAX, assignment, python, wait_for};
use crate::link::Link;
use deeds::Ending::Echo;
use deeds::{Deed, KINDS};
use random::Random;
use watched::{Watched, is_in_state};

/// Invocations of a sample and of the whole, for each way in which a shim can run.
const INVOCATIONS: [usize; 2] = [150, 10_000];
/// Resident memory is compared between the first and the last of so many parts.
const PARTS: [usize; 2] = [3, 10];
/// What a sample may grow by beyond it, in KiB: it is too short for each way through the program to have been taken once,
/// and the program that is built for debugging has 7 MB of it. In a whole run the heap wanders by some pages, up and down
/// again, as what lives long comes to lie elsewhere: over 40,000 invocations its parts were between 1788 and 1816 KiB.
const SLACK_KIB: [u64; 2] = [128, 16];
/// The seed unless one is set: any number would do.
const SEED: u64 = 20_260_115;
/// So short that processes are mostly stopped between two invocations, in milliseconds.
const IDLE_GRACE_MILLIS: &str = "2";
/// Good invocations before everything else.
const WARM_UP: usize = 10;
/// How often each kind has its turn before memory is compared.
const TOURS: [u64; 2] = [1, 10];
/// Measurements of memory at least: on a slow machine the tours alone may take a sample's invocations.
const MEASURED_MIN: usize = 30;
/// The runtime that does them.
const RUNTIME: &str = include_str!("runtime.py");
/// How many of the latest deeds a failure shows.
const HISTORY_MAX: usize = 12;

#[tokio::test]
async fn a_shim_withstands_torture() {
    Torture::run(Shim::start_with(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", IDLE_GRACE_MILLIS)]).await).await;
}

#[tokio::test]
async fn a_shim_withstands_torture_as_pid_one() {
    let shim = Shim::start_as_pid_one(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", IDLE_GRACE_MILLIS)]).await;
    Torture::run(shim).await;
}

struct Torture {
    shim: Shim,
    /// The shim's process.
    watched: Watched,
    gateways: [Link; 2],
    seed: u64,
    random: Random,
    /// Invocations that ended.
    finished: u64,
    /// The runtime that answered last.
    runtime: Option<Pid>,
    /// The latest invocations that ended by a time-out, and otherwise.
    ended: [Option<RequestId>; 2],
    history: VecDeque<String>,
}

impl Torture {
    async fn run(shim: Shim) {
        let began = Instant::now();
        let mut torture = Self::begin(shim).await;
        let part = usize::from(is_soak());
        // The least of a few looks: the links of the start take a moment to be gone.
        let mut idle_descriptors = usize::MAX;
        for _ in 0..WARM_UP {
            torture.serve().await;
            idle_descriptors = idle_descriptors.min(torture.watched.descriptors());
        }
        let (mut resident, mut deeds) = (Vec::new(), 0);
        while torture.finished < INVOCATIONS[part] as u64 || resident.len() < MEASURED_MIN {
            // First each kind in turn, so that what a first use costs is not taken for a leak.
            let kind = if deeds < TOURS[part] * KINDS { deeds % KINDS } else { torture.random.below(KINDS) };
            let go = torture.shim.path(&format!("go-{}", torture.finished));
            let deed = Deed::draw(&mut torture.random, kind, &go, &torture.ended);
            torture.carry_out(&deed).await;
            torture.recover(idle_descriptors).await;
            if deeds >= TOURS[part] * KINDS {
                torture.rests().await;
                resident.push(torture.watched.resident_kib());
            }
            deeds += 1;
        }
        let reports = || torture.shim.log().matches("REPORT RequestId: ").count() as u64;
        wait_for("a report of each invocation", || (reports() >= torture.finished).then_some(())).await;
        assert_eq!(reports(), torture.finished, "each invocation is reported once");
        eprintln!(
            "figures: {} invocations, {deeds} deeds of seed {}, {idle_descriptors} descriptors, {:?}",
            torture.finished,
            torture.seed,
            began.elapsed()
        );
        assert_flat(&resident, resident.len() / PARTS[part], SLACK_KIB[part]);
    }

    async fn begin(shim: Shim) -> Self {
        let mut given = assignment();
        given.command = [python(), "-I", "-S", "-c", RUNTIME].map(str::to_owned).into();
        let first = shim.ready(given).await;
        let mut second = shim.gateway().await;
        second.until_free().await;
        let seed = std::env::var("KUBELAMBDA_TORTURE_SEED").map_or(SEED, |seed| seed.parse().unwrap());
        let watched = Watched::shim(shim.process.id());
        Self {
            shim,
            watched,
            gateways: [first, second],
            seed,
            random: Random(seed),
            finished: 0,
            runtime: None,
            ended: [None; 2],
            history: VecDeque::new(),
        }
    }

    /// One good invocation.
    async fn serve(&mut self) {
        self.carry_out(&Deed::new("echo", &[Echo])).await;
    }

    /// Good invocations until nothing is left of what went before; what lives apart may need a few to end.
    async fn recover(&mut self, idle_descriptors: usize) {
        let until = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
        loop {
            self.serve().await;
            let (descriptors, zombies) = (self.watched.descriptors(), self.watched.zombies());
            if descriptors <= idle_descriptors && zombies.is_empty() {
                return;
            }
            let left =
                format!("{descriptors} descriptors instead of {idle_descriptors}, zombies {zombies:?}");
            assert!(Instant::now() < until, "{left}: {:?}", self.watched.open_files());
        }
    }

    /// Waits until the runtime is stopped, as between two invocations on AWS: what the shim holds then is what it
    /// holds for good.
    async fn rests(&self) {
        let runtime = self.runtime.expect("the runtime that answered is no child");
        wait_for("the runtime's stop", || is_in_state(runtime, 'T').then_some(())).await;
    }

    fn remember(&mut self, deed: &Deed) {
        let mut told = format!("{} {deed:?}", self.finished);
        told.truncate(240);
        self.history.push_back(told);
        if self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
    }
}

impl Drop for Torture {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let latest: Vec<_> = self.history.iter().map(String::as_str).collect();
            eprintln!("KUBELAMBDA_TORTURE_SEED={} repeats it; the latest deeds:", self.seed);
            eprintln!("{}", latest.join("\n"));
        }
    }
}
