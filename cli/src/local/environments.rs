//! The environments that the provider has, as values: which are whose, and which are to go.
//!
//! Pure but for the clock: whoever is to go is told so by its token, and ends by itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use protocol::link::assignment::Revision;
use protocol::link::control::Demand;
use protocol::link::environment::Phase;
use tokio_util::sync::CancellationToken;

use super::snapshot::Snapshot;

/// How long an environment must have been free until it counts as one that nobody who waits may have, in
/// milliseconds, as the operator counts.
const KEPT_MILLIS: u64 = 1_000;

/// One environment as the provider knows it.
#[derive(Debug)]
pub(super) struct Known {
    /// What it is.
    pub(super) revision: Revision,
    /// Where it is in its life.
    pub(super) state: State,
    since: Instant,
    leave: CancellationToken,
}

/// Where an environment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its runtime is fetched, or it waits for its turn to start.
    Queued,
    /// Its process is there.
    Started(Phase),
}

impl Known {
    /// It is in another state.
    pub(super) fn becomes(&mut self, state: State) {
        (self.state, self.since) = (state, Instant::now());
    }

    /// For how long it has been free.
    fn free_for(&self) -> Option<Duration> {
        (self.state == State::Started(Phase::Free)).then(|| self.since.elapsed())
    }
}

/// All of them, by name.
#[derive(Debug, Default)]
pub(super) struct Environments(HashMap<String, Known>);

impl Environments {
    /// One more, that is not started yet; returns what tells it to go.
    pub(super) fn add(&mut self, name: String, revision: Revision) -> CancellationToken {
        let leave = CancellationToken::new();
        let known = Known { revision, state: State::Queued, since: Instant::now(), leave: leave.clone() };
        self.0.insert(name, known);
        leave
    }

    /// The one of this name.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Known> {
        self.0.get_mut(name)
    }

    /// It has ended.
    pub(super) fn remove(&mut self, name: &str) -> Option<Known> {
        self.0.remove(name)
    }

    /// How many there are, also of those that are about to go.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those of a revision that stay.
    pub(super) fn of(&self, revision: &Revision) -> impl Iterator<Item = &Known> {
        self.0.values().filter(move |known| known.revision == *revision && !known.leave.is_cancelled())
    }

    /// Lets the one of a revision go that has been free the longest, if nobody who waits may have it.
    pub(super) fn make_room(&self, revision: &Revision) {
        let kept = Duration::from_millis(KEPT_MILLIS);
        let free = self.of(revision).filter_map(|known| Some((known.free_for()?, known)));
        if let Some((_, known)) =
            free.filter(|(free_for, _)| *free_for >= kept).max_by_key(|(free_for, _)| *free_for)
        {
            known.leave.cancel();
        }
    }

    /// Lets those go that are not started yet and that nobody waits for any more: others served them meanwhile.
    pub(super) fn let_go_unasked(&self, demand: &[Demand]) {
        let asked = |revision: &Revision| {
            let of = demand.iter().filter(|of| of.revision == *revision);
            of.map(|of| of.running.saturating_add(of.waiting)).fold(0, u32::saturating_add)
        };
        for known in self.0.values().filter(|known| known.state == State::Queued) {
            let there = self.of(&known.revision).count();
            if u32::try_from(there).is_ok_and(|there| there > asked(&known.revision)) {
                known.leave.cancel();
            }
        }
    }

    /// Lets those of revisions go that are no longer served; they finish what they run.
    pub(super) fn let_go_old(&self, snapshot: &Snapshot) {
        self.0
            .values()
            .filter(|known| snapshot.of(&known.revision).is_none())
            .for_each(|known| known.leave.cancel());
    }

    /// Lets those go that were free for longer than their function says, or `patience`.
    pub(super) fn let_go_idle(&self, snapshot: &Snapshot, patience: Duration) {
        for (free_for, known) in self.0.values().filter_map(|known| Some((known.free_for()?, known))) {
            let own = snapshot
                .of(&known.revision)
                .and_then(|of| of.local.function.spec.scaling.idle_timeout_seconds);
            if free_for > own.map_or(patience, |seconds| Duration::from_secs(seconds.into())) {
                known.leave.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::link::assignment::ConfigurationHash;

    use super::*;

    fn revision(function: &str) -> Revision {
        Revision {
            namespace: "default".into(),
            function: function.into(),
            uid: "u".into(),
            version: "$LATEST".into(),
            configuration: ConfigurationHash("c".into()),
        }
    }

    #[test]
    fn of_those_that_wait_for_their_turn_only_as_many_stay_as_are_asked_for() {
        let mut environments = Environments::default();
        for number in 0..5 {
            environments.add(format!("a{number}"), revision("a"));
            environments.add(format!("b{number}"), revision("b"));
        }
        for name in ["a0", "a1", "b0"] {
            environments.get_mut(name).unwrap().becomes(State::Started(Phase::Init));
        }
        let left = |environments: &Environments| {
            ["a", "b"].map(|function| environments.of(&revision(function)).count())
        };
        let demand = |running, waiting| vec![Demand { revision: revision("a"), running, waiting }];
        environments.let_go_unasked(&demand(1, 3));
        assert_eq!(left(&environments), [4, 1]);
        environments.let_go_unasked(&demand(0, 1));
        assert_eq!(left(&environments), [2, 1]);
    }
}
