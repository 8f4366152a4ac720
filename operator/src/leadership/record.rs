//! What is written in a Lease, and what follows from it; without I/O.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::LEASE_SECONDS;
use crate::moment::Moment;

/// When this replica last saw the Lease change, by its own clock.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    version: Option<String>,
    at: Duration,
}

impl Sighting {
    /// Notes the Lease as it was seen at `now`.
    pub fn note(&mut self, lease: Option<&Lease>, now: Duration) {
        let version = lease.and_then(|lease| lease.metadata.resource_version.clone());
        if version != self.version {
            self.version = version;
            self.at = now;
        }
    }
}

/// What to do with the Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is none yet.
    Create,
    /// Take it, or renew one's own.
    Take,
    /// Another replica holds it.
    Wait,
}

/// The step for a Lease as it was seen.
pub fn decide(lease: Option<&Lease>, sighting: &Sighting, identity: &str, now: Duration) -> Step {
    let Some(lease) = lease else { return Step::Create };
    let spec = lease.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    let written = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let holds = Duration::from_secs(written.unwrap_or(LEASE_SECONDS));
    let is_over = now.saturating_sub(sighting.at) > holds;
    if holder.is_empty() || holder == identity || is_over { Step::Take } else { Step::Wait }
}

/// The Lease in this replica's hands.
pub fn taken(lease: Option<Lease>, name: &str, identity: &str, now: Moment) -> Lease {
    let seconds = i64::try_from(now.epoch_seconds).unwrap_or_default();
    let time = MicroTime(jiff::Timestamp::from_second(seconds).unwrap_or_default());
    let named = || Lease {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..Lease::default()
    };
    let mut lease = lease.unwrap_or_else(named);
    let before = lease.spec.take().unwrap_or_default();
    let is_own = before.holder_identity.as_deref() == Some(identity);
    let transitions = before.lease_transitions.unwrap_or_default();
    lease.metadata.managed_fields = None;
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(LEASE_SECONDS).ok(),
        acquire_time: if is_own { before.acquire_time } else { Some(time.clone()) },
        renew_time: Some(time),
        lease_transitions: Some(if is_own { transitions } else { transitions.saturating_add(1) }),
        ..LeaseSpec::default()
    });
    lease
}

/// The Lease in nobody's hands; `None` where it is not this replica's to give.
pub fn released(mut lease: Lease, identity: &str) -> Option<Lease> {
    let spec = lease.spec.as_mut()?;
    if spec.holder_identity.as_deref() != Some(identity) {
        return None;
    }
    spec.holder_identity = None;
    spec.lease_duration_seconds = Some(1);
    lease.metadata.managed_fields = None;
    Some(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment { elapsed: Duration::from_secs(100), epoch_seconds: 1_800_000_000 };

    fn lease(identity: &str, version: &str) -> Lease {
        let mut lease = taken(None, "l", identity, NOW);
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    #[test]
    fn a_lease_is_taken_only_from_nobody_oneself_or_the_silent() {
        let mut sighting = Sighting::default();
        assert_eq!(decide(None, &sighting, "a", NOW.elapsed), Step::Create);
        let held = lease("b", "1");
        sighting.note(Some(&held), NOW.elapsed);
        let after = |seconds| NOW.elapsed + Duration::from_secs(seconds);
        assert_eq!(decide(Some(&held), &sighting, "a", after(LEASE_SECONDS)), Step::Wait);
        assert_eq!(decide(Some(&held), &sighting, "a", after(LEASE_SECONDS + 1)), Step::Take);
        assert_eq!(decide(Some(&held), &sighting, "b", NOW.elapsed), Step::Take);
        sighting.note(Some(&lease("b", "2")), after(LEASE_SECONDS));
        assert_eq!(decide(Some(&held), &sighting, "a", after(LEASE_SECONDS + 1)), Step::Wait);
        let free = released(held, "b").unwrap();
        assert_eq!(decide(Some(&free), &sighting, "a", NOW.elapsed), Step::Take);
    }

    #[test]
    fn renewing_is_no_transition_and_nobody_gives_away_anothers_lease() {
        let own = taken(Some(lease("a", "1")), "l", "a", NOW).spec.unwrap();
        assert_eq!(own.lease_transitions, Some(1));
        let others = taken(Some(lease("b", "1")), "l", "a", NOW).spec.unwrap();
        assert_eq!(others.lease_transitions, Some(2));
        assert!(released(lease("b", "1"), "a").is_none());
    }
}
