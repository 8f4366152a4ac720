//! How many environments of one revision to start or stop now.
//!
//! The plan is a function of what is observed; it is made again whenever something changes, so it need not
//! remember anything. Demand decides how many there should be, the function's cap how many there may be, and
//! bounds on simultaneous starts how fast they come. An environment beyond demand is kept until it has been
//! idle for the time-out.

use std::time::Duration;

/// What is observed of one revision and of the function that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Invocations that run or wait, over all gateways.
    pub demand: u32,
    /// Environments of this revision that are on their way to their first `Free`.
    pub starting: u32,
    /// Environments of this revision that run or can run an invocation.
    pub serving: u32,
    /// Environments of the function, of any revision, that can still run something although they take nothing
    /// new. They count against the cap, which is exact.
    pub leaving: u32,
    /// For how long each idle environment of this revision has been so.
    pub idle: Vec<Duration>,
    /// Environments of this revision that nobody has used for a moment, though they are free: where tenants are
    /// isolated, none of those who wait now may have them.
    pub kept: u32,
}

/// What holds for the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most environments at once.
    pub environments_max: u32,
    /// Most environments on their way at once.
    pub starting_max: u32,
    /// Starts that the whole installation still allows now.
    pub starts_left: u32,
    /// How long an environment beyond demand is kept.
    pub idle_timeout: Duration,
    /// An environment serves one tenant only.
    pub isolates_tenants: bool,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// Environments to start.
    pub start: u32,
    /// Idle environments to stop, the longest idle first. At most one a time: demand that comes back finds the
    /// rest.
    pub stop: u32,
    /// Free environments to stop so that another tenant's may start: at the cap, the longest free first. At most one
    /// a time.
    pub make_room: u32,
}

/// The plan for one revision.
pub fn plan(observed: &Observed, bounds: Bounds) -> Plan {
    let existing = observed.starting.saturating_add(observed.serving);
    let wanted = observed.demand.min(bounds.environments_max);
    if wanted > existing {
        let room = bounds.environments_max.saturating_sub(existing.saturating_add(observed.leaving));
        let pace = bounds.starting_max.saturating_sub(observed.starting).min(bounds.starts_left);
        return Plan { start: (wanted - existing).min(room).min(pace), ..Plan::default() };
    }
    let is_full = existing >= bounds.environments_max && observed.demand > bounds.environments_max;
    if bounds.isolates_tenants && is_full && observed.kept > 0 {
        return Plan { make_room: 1, ..Plan::default() };
    }
    let over_cap = existing > bounds.environments_max && !observed.idle.is_empty();
    let timed_out = observed.idle.iter().any(|&idle| idle >= bounds.idle_timeout);
    let stop = existing > wanted && (timed_out || over_cap);
    Plan { stop: u32::from(stop), ..Plan::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        environments_max: 10,
        starting_max: 4,
        starts_left: 100,
        idle_timeout: Duration::from_mins(10),
        isolates_tenants: false,
    };

    #[test]
    fn demand_is_met_within_cap_and_pace() {
        let start = |demand, starting, serving, leaving| {
            plan(&Observed { demand, starting, serving, leaving, ..Observed::default() }, BOUNDS).start
        };
        assert_eq!(start(0, 0, 0, 0), 0);
        assert_eq!(start(3, 0, 0, 0), 3);
        assert_eq!(start(3, 2, 1, 0), 0);
        assert_eq!(start(99, 0, 0, 0), 4);
        assert_eq!(start(99, 0, 8, 0), 2);
        assert_eq!(start(99, 0, 8, 1), 1);
        assert_eq!(start(99, 4, 0, 0), 0);
    }

    #[test]
    fn only_what_is_idle_for_long_goes_and_one_at_a_time() {
        let stop = |demand, idle: &[u64]| {
            let idle = idle.iter().copied().map(Duration::from_secs).collect();
            plan(&Observed { demand, serving: 3, idle, ..Observed::default() }, BOUNDS).stop
        };
        assert_eq!(stop(0, &[599, 10]), 0);
        assert_eq!(stop(0, &[600, 700, 800]), 1);
        assert_eq!(stop(3, &[600]), 0);
    }

    #[test]
    fn at_the_cap_a_free_environment_makes_room_for_another_tenant() {
        let plan = |isolates_tenants, demand, serving, leaving, kept| {
            let observed = Observed { demand, serving, leaving, kept, ..Observed::default() };
            plan(&observed, Bounds { isolates_tenants, ..BOUNDS })
        };
        let make_room = Plan { make_room: 1, ..Plan::default() };
        assert_eq!(plan(true, 11, 10, 0, 3), make_room);
        assert_eq!(plan(true, 11, 9, 1, 2), Plan::default(), "one is on its way out");
        assert_eq!(plan(true, 11, 9, 0, 2), Plan { start: 1, ..Plan::default() });
        for (isolates_tenants, demand, kept) in [(false, 11, 3), (true, 10, 3), (true, 11, 0)] {
            assert_eq!(plan(isolates_tenants, demand, 10, 0, kept), Plan::default());
        }
    }

    proptest! {
        #[test]
        fn the_cap_holds_and_plans_never_do_both(
            demand in 0_u32..500, starting in 0_u32..50, serving in 0_u32..50, leaving in 0_u32..50,
            environments_max in 0_u32..40, starting_max in 0_u32..40, starts_left in 0_u32..40,
            isolates_tenants in any::<bool>(), kept in 0_u32..3,
        ) {
            let bounds = Bounds { environments_max, starting_max, starts_left, isolates_tenants, ..BOUNDS };
            let observed = Observed { demand, starting, serving, leaving, kept, idle: vec![BOUNDS.idle_timeout] };
            let planned = plan(&observed, bounds);
            let existing = starting + serving + leaving;
            prop_assert!(planned.start == 0 || existing + planned.start <= environments_max);
            prop_assert!(planned.start <= starts_left && (planned.start == 0 || starting + planned.start <= starting_max));
            prop_assert!(planned.start == 0 || planned.stop + planned.make_room == 0);
            prop_assert!(planned.stop + planned.make_room <= 1);
        }

        #[test]
        fn plans_converge_on_demand_and_rest(demand in 0_u32..60, environments_max in 0_u32..40, mut serving in 0_u32..80) {
            let bounds = Bounds { environments_max, ..BOUNDS };
            let observe = |serving: u32| Observed {
                demand, serving, idle: vec![BOUNDS.idle_timeout; serving.saturating_sub(demand) as usize],
                ..Observed::default()
            };
            for _ in 0..200 {
                let planned = plan(&observe(serving), bounds);
                serving = serving + planned.start - planned.stop;
            }
            prop_assert_eq!(plan(&observe(serving), bounds), Plan::default());
            prop_assert!(serving >= demand.min(environments_max));
            prop_assert!(serving <= demand.max(environments_max));
        }
    }
}
