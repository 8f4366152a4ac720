//! One environment as a fleet sees it: what it said last, and what we gave it.

use super::keys::{InvocationKey, Tenant};

/// What an environment says of itself, as far as placement cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reported {
    /// Not ready for its first invocation.
    Starting,
    /// Takes an invocation; also when it has granted itself to us.
    Free,
    /// Runs an invocation, ours or another gateway's, or resets.
    Busy,
    /// Takes no further invocation.
    Leaving,
}

/// How far our invocation has come in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It is on its way, and may come back refused.
    Sent,
    /// It belongs to the environment.
    Accepted,
    /// Its answer is complete; the environment will be done with it in a moment.
    Answered,
    /// Its answer has long been complete, and the environment is still not done with it.
    Lingering,
}

/// What we gave an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) invocation: InvocationKey,
    pub(super) tenant: Option<Tenant>,
    pub(super) stage: Stage,
}

/// One environment.
#[derive(Debug)]
pub(super) struct Environment<R> {
    pub(super) revision: R,
    /// The only tenant that it serves, once it has served one.
    pub(super) tenant: Option<Tenant>,
    pub(super) reported: Reported,
    pub(super) work: Option<Work>,
    /// It turned busy from free without our doing: another gateway's invocation runs there.
    pub(super) elsewhere: bool,
    /// Its place among the free ones, where it is one.
    pub(super) turn: Option<u64>,
}

impl<R> Environment<R> {
    pub(super) fn new(revision: R) -> Self {
        let reported = Reported::Starting;
        Self { revision, tenant: None, reported, work: None, elsewhere: false, turn: None }
    }

    /// Takes in what the environment says.
    pub(super) fn report(&mut self, reported: Reported) {
        let turned_busy = reported == Reported::Busy && self.reported == Reported::Free;
        self.elsewhere = match reported {
            Reported::Busy => self.work.is_none() && (self.elsewhere || turned_busy),
            _ => false,
        };
        self.reported = reported;
    }

    /// Our invocation goes there. What the environment said before no longer counts.
    pub(super) fn give(&mut self, invocation: InvocationKey, tenant: Option<Tenant>) {
        self.tenant.clone_from(&tenant);
        self.work = Some(Work { invocation, tenant, stage: Stage::Sent });
        self.reported = Reported::Busy;
        self.elsewhere = false;
        self.turn = None;
    }

    /// Our work there, where it is `invocation`.
    pub(super) fn work_on(&mut self, invocation: InvocationKey) -> Option<&mut Work> {
        self.work.as_mut().filter(|work| work.invocation == invocation)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.reported == Reported::Free && self.work.is_none()
    }

    /// Whether it holds an invocation that counts against the cap. One whose answer is complete does not: its
    /// caller may send the next before the environment says that it is free.
    pub(super) fn counts(&self) -> bool {
        self.elsewhere || self.is_at(|stage| stage < Stage::Answered)
    }

    /// Whether it holds an invocation of ours that has come so far.
    pub(super) fn is_at(&self, stage: impl FnOnce(Stage) -> bool) -> bool {
        self.work.as_ref().is_some_and(|work| stage(work.stage))
    }

    /// Whether it may ever serve this tenant, or everybody.
    pub(super) fn may_serve(&self, tenant: Option<&Tenant>) -> bool {
        self.tenant.is_none() || self.tenant.as_ref() == tenant
    }
}
