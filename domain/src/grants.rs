//! Who may use a freed environment first: the peer whose oldest waiter has waited longest.
//!
//! A grant is a reservation for a short time, never a lock: it ends by use or by itself. Time is a parameter, in
//! milliseconds of the caller's monotonic clock.

/// The waiting peers of one environment, and the grant that is in force.
#[derive(Debug)]
pub struct Grants<P> {
    waiting: Vec<Waiter<P>>,
    held: Option<Grant<P>>,
    grant_millis: u64,
}

#[derive(Debug)]
struct Waiter<P> {
    peer: P,
    since_ms: u64,
}

#[derive(Debug)]
struct Grant<P> {
    peer: P,
    until_ms: u64,
}

impl<P: Copy + PartialEq> Grants<P> {
    /// Nobody waits. A grant lasts `grant_millis`.
    pub fn new(grant_millis: u64) -> Self {
        Self { waiting: Vec::new(), held: None, grant_millis }
    }

    /// A peer's oldest waiter has waited for `oldest_ms`, or nothing waits there any more.
    pub fn set_waiting(&mut self, peer: P, oldest_ms: Option<u64>, now_ms: u64) {
        self.waiting.retain(|waiter| waiter.peer != peer);
        if let Some(age_ms) = oldest_ms {
            self.waiting.push(Waiter { peer, since_ms: now_ms.saturating_sub(age_ms) });
        }
    }

    /// The environment turned free: reserves it for the peer that has waited longest, if any waits.
    ///
    /// How long its next waiter has waited is unknown until it says so; until then it stands behind all others,
    /// so that peers take turns.
    pub fn grant(&mut self, now_ms: u64) -> Option<P> {
        let oldest = self.waiting.iter_mut().min_by_key(|waiter| waiter.since_ms)?;
        oldest.since_ms = u64::MAX;
        let peer = oldest.peer;
        self.held = Some(Grant { peer, until_ms: now_ms.saturating_add(self.grant_millis) });
        Some(peer)
    }

    /// The invocation of this peer may begin now.
    pub fn admits(&self, peer: P) -> bool {
        self.held.as_ref().is_none_or(|grant| grant.peer == peer)
    }

    /// A grant is in force.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// When the grant in force ends.
    pub fn ends_at_ms(&self) -> Option<u64> {
        self.held.as_ref().map(|grant| grant.until_ms)
    }

    /// The grant that is in force, if any, was used.
    pub fn used(&mut self) {
        self.held = None;
    }

    /// The time of the grant in force passed: its peer has nothing left that waits.
    pub fn expired(&mut self) {
        if let Some(grant) = self.held.take() {
            self.waiting.retain(|waiter| waiter.peer != grant.peer);
        }
    }

    /// The peer is gone; true if it held the grant.
    pub fn forget(&mut self, peer: P) -> bool {
        self.waiting.retain(|waiter| waiter.peer != peer);
        let held = self.held.as_ref().is_some_and(|grant| grant.peer == peer);
        if held {
            self.held = None;
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_granted_first() {
        let mut grants = Grants::new(100);
        grants.set_waiting('a', Some(10), 1_000);
        grants.set_waiting('b', Some(50), 1_000);
        assert_eq!(grants.grant(1_000), Some('b'));
        assert!(grants.admits('b') && !grants.admits('a'));
        assert_eq!(grants.ends_at_ms(), Some(1_100));
        grants.used();
        assert_eq!(grants.grant(1_000), Some('a'));
        grants.used();
        assert!(grants.admits('a') && grants.admits('b'));
    }

    #[test]
    fn a_peer_that_goes_on_waiting_stands_behind_the_others_until_it_says_for_how_long() {
        let mut grants = Grants::new(100);
        grants.set_waiting('a', Some(50), 0);
        assert_eq!(grants.grant(0), Some('a'));
        grants.used();
        grants.set_waiting('b', Some(0), 10);
        assert_eq!(grants.grant(10), Some('b'));
        grants.used();
        grants.set_waiting('a', Some(5), 20);
        assert_eq!(grants.grant(20), Some('a'));
    }

    #[test]
    fn an_unused_grant_is_not_given_again() {
        let mut grants = Grants::new(100);
        grants.set_waiting('a', Some(50), 0);
        assert_eq!(grants.grant(0), Some('a'));
        grants.expired();
        assert_eq!(grants.grant(100), None);
    }

    #[test]
    fn an_age_counts_from_when_it_was_told() {
        let mut grants = Grants::new(100);
        grants.set_waiting('a', Some(100), 0);
        grants.set_waiting('b', Some(200), 1_000);
        assert_eq!(grants.grant(1_000), Some('a'));
    }

    #[test]
    fn a_peer_that_leaves_or_stops_waiting_is_passed_over() {
        let mut grants = Grants::new(100);
        grants.set_waiting('a', Some(1), 0);
        grants.set_waiting('b', Some(2), 0);
        grants.set_waiting('b', None, 0);
        assert!(!grants.forget('b'));
        assert_eq!(grants.grant(0), Some('a'));
        assert!(grants.forget('a'));
        assert!(grants.admits('b'));
    }
}
