//! Each transition of the fleet on its own.

use super::*;

const BOUNDS: Bounds = Bounds { environments_max: 3, waiting_max: 2 };

fn environment(key: u64) -> EnvironmentKey {
    EnvironmentKey(key)
}

fn invocation(key: u64) -> InvocationKey {
    InvocationKey(key)
}

/// What most steps lead to, as they return it.
fn placed<T: From<Effect>>(invocation: u64, environment: u64) -> T {
    Effect::Place(InvocationKey(invocation), EnvironmentKey(environment)).into()
}

/// A fleet of revision 1 with free environments `1..=free`, freed in that order.
fn fleet(free: u64) -> Fleet<u32> {
    let mut fleet = Fleet::new(BOUNDS);
    assert!(fleet.revise(1, BOUNDS).is_empty());
    for key in 1..=free {
        fleet.attach(environment(key), 1);
        assert_eq!(fleet.report(environment(key), Reported::Free), None);
    }
    fleet
}

#[test]
fn the_environment_that_turned_free_last_is_taken() {
    let mut fleet = fleet(2);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 2)));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(placed(2, 1)));
}

#[test]
fn who_waited_longest_is_served_first() {
    let mut fleet = fleet(0);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(None));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    fleet.attach(environment(1), 1);
    assert_eq!(fleet.report(environment(1), Reported::Free), placed(1, 1));
    fleet.accepted(environment(1), invocation(1));
    assert_eq!(fleet.finished(environment(1), invocation(1)), None);
    assert_eq!(fleet.report(environment(1), Reported::Free), placed(2, 1));
}

#[test]
fn a_refused_invocation_keeps_its_place_and_a_refusing_environment_is_not_asked_again() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    assert_eq!(fleet.report(environment(1), Reported::Free), None);
    assert_eq!(fleet.refused(environment(1), invocation(1)), None);
    assert_eq!(fleet.oldest_waiting(), Some(invocation(1)));
    assert_eq!(fleet.report(environment(1), Reported::Free), placed(1, 1));
}

#[test]
fn nothing_is_placed_again_once_it_is_accepted() {
    let mut fleet = fleet(2);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 2)));
    fleet.accepted(environment(2), invocation(1));
    assert_eq!(fleet.refused(environment(2), invocation(1)), None);
    assert_eq!(fleet.lost(environment(2), false), Some(Effect::Lost(invocation(1))));
}

#[test]
fn a_link_lost_before_hand_over_costs_nothing_and_after_it_is_told() {
    for (handed_over, expected) in [(false, placed(1, 1)), (true, Some(Effect::Lost(invocation(1))))] {
        let mut fleet = fleet(2);
        assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 2)));
        assert_eq!(fleet.lost(environment(2), handed_over), expected);
    }
}

#[test]
fn a_link_lost_after_the_answer_is_nobodys_concern() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    fleet.accepted(environment(1), invocation(1));
    fleet.answered(environment(1), invocation(1));
    assert_eq!(fleet.lost(environment(1), true), None);
}

#[test]
fn the_cap_counts_running_waiting_and_what_runs_elsewhere() {
    let mut fleet = fleet(2);
    assert_eq!(fleet.report(environment(1), Reported::Busy), None);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 2)));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    assert_eq!(fleet.arrive(invocation(3), None), Err(Throttled::AtCap));
    assert_eq!(fleet.report(environment(1), Reported::Free), placed(2, 1));
    assert_eq!(fleet.arrive(invocation(4), None), Ok(None));
    assert_eq!(fleet.arrive(invocation(5), None), Err(Throttled::AtCap));
}

#[test]
fn a_caller_at_the_cap_may_follow_its_own_answer() {
    let mut fleet = fleet(1);
    fleet.revise(1, Bounds { environments_max: 1, ..BOUNDS });
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    assert_eq!(fleet.arrive(invocation(2), None), Err(Throttled::AtCap));
    fleet.accepted(environment(1), invocation(1));
    fleet.answered(environment(1), invocation(1));
    assert_eq!(fleet.arrive(invocation(3), None), Ok(None));
    // A reset after a time-out is no invocation of somebody else.
    assert_eq!(fleet.finished(environment(1), invocation(1)), None);
    assert_eq!(fleet.report(environment(1), Reported::Busy), None);
    assert_eq!(fleet.census().busy, 1);
    assert_eq!(fleet.report(environment(1), Reported::Free), placed(3, 1));
}

#[test]
fn waiting_is_bounded() {
    let mut fleet = fleet(0);
    fleet.revise(1, Bounds { environments_max: 9, waiting_max: 2 });
    assert_eq!(fleet.arrive(invocation(1), None), Ok(None));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    assert_eq!(fleet.arrive(invocation(3), None), Err(Throttled::TooManyWaiting));
    fleet.revise(1, Bounds { environments_max: 0, waiting_max: 2 });
    assert_eq!(fleet.arrive(invocation(4), None), Err(Throttled::Disabled));
}

#[test]
fn an_update_moves_who_waits_and_leaves_who_runs() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    fleet.accepted(environment(1), invocation(1));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    fleet.attach(environment(2), 2);
    assert_eq!(fleet.report(environment(2), Reported::Free), None);
    assert_eq!(fleet.revise(2, BOUNDS), vec![Effect::Place(invocation(2), environment(2))]);
    let running = |revision| RevisionDemand { revision, running: 1, waiting: 0 };
    assert_eq!(fleet.demand(), vec![running(1), running(2)]);
    assert_eq!(fleet.finished(environment(1), invocation(1)), None);
    assert_eq!(fleet.report(environment(1), Reported::Free), None);
    assert_eq!(fleet.arrive(invocation(3), None), Ok(None), "the old environment is not taken");
}

#[test]
fn who_waits_for_an_environment_that_has_just_answered_demands_no_other() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    fleet.accepted(environment(1), invocation(1));
    fleet.answered(environment(1), invocation(1));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    let demand = |waiting| vec![RevisionDemand { revision: 1, running: 1, waiting }];
    assert_eq!(fleet.demand(), demand(0));
    fleet.looked();
    assert_eq!(fleet.demand(), demand(1), "it has not turned free since");
    assert_eq!(fleet.finished(environment(1), invocation(1)), None);
    assert_eq!(
        fleet.report(environment(1), Reported::Free),
        Some(Effect::Place(invocation(2), environment(1)))
    );
    assert_eq!(fleet.demand(), demand(0));
}

#[test]
fn an_obstacle_answers_who_waits_and_who_comes_until_it_is_gone() {
    let mut fleet = fleet(0);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(None));
    assert_eq!(fleet.obstruct(), vec![Effect::Obstruct(invocation(1))]);
    assert_eq!(fleet.arrive(invocation(2), None), Err(Throttled::Obstructed));
    fleet.attach(environment(1), 1);
    assert_eq!(fleet.report(environment(1), Reported::Free), None);
    assert_eq!(fleet.arrive(invocation(3), None), Ok(placed(3, 1)));
    assert_eq!(
        fleet.refused(environment(1), invocation(3)),
        None,
        "it waits for the environment that is there"
    );
    assert_eq!(fleet.arrive(invocation(4), None), Ok(None));
    assert_eq!(fleet.obstruct(), Vec::new());
    assert_eq!(fleet.report(environment(1), Reported::Leaving), None);
    assert_eq!(fleet.obstruct(), vec![Effect::Obstruct(invocation(3)), Effect::Obstruct(invocation(4))]);
    assert_eq!(fleet.arrive(invocation(5), None), Err(Throttled::Obstructed));
    fleet.unobstruct();
    assert_eq!(fleet.arrive(invocation(6), None), Ok(None));
}

#[test]
fn a_deleted_function_tells_who_waits_and_lets_run_who_runs() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
    assert_eq!(fleet.arrive(invocation(2), None), Ok(None));
    assert_eq!(fleet.close(), vec![Effect::Close(invocation(2))]);
    assert_eq!(fleet.arrive(invocation(3), None), Err(Throttled::Closed));
    assert_eq!(fleet.refused(environment(1), invocation(1)), Some(Effect::Close(invocation(1))));
    assert!(fleet.revise(1, BOUNDS).is_empty());
    assert_eq!(fleet.arrive(invocation(4), None), Ok(None), "it is back");
}

fn of(tenant: &str) -> Tenant {
    Tenant(tenant.into())
}

/// Runs an invocation to its end; the environment says then that it is free, and whose it is.
fn serve(fleet: &mut Fleet<u32>, by: u64, served: u64, tenant: &str) -> Option<Effect> {
    fleet.accepted(environment(by), invocation(served));
    fleet.answered(environment(by), invocation(served));
    assert_eq!(fleet.finished(environment(by), invocation(served)), None);
    fleet.belongs(environment(by), Some(of(tenant)));
    fleet.report(environment(by), Reported::Free)
}

#[test]
fn an_environment_that_served_a_tenant_serves_no_other() {
    let mut fleet = fleet(2);
    assert_eq!(fleet.arrive(invocation(1), Some(of("a"))), Ok(placed(1, 2)));
    assert_eq!(serve(&mut fleet, 2, 1, "a"), None);
    assert_eq!(
        fleet.arrive(invocation(2), Some(of("b"))),
        Ok(placed(2, 1)),
        "nobody's, though it was freed before"
    );
    assert_eq!(fleet.arrive(invocation(3), Some(of("a"))), Ok(placed(3, 2)), "its own");
    assert_eq!(serve(&mut fleet, 1, 2, "b"), None);
    assert_eq!(serve(&mut fleet, 2, 3, "a"), None);
    assert_eq!(fleet.arrive(invocation(4), Some(of("c"))), Ok(None));
    assert_eq!(fleet.oldest_waiting_for(environment(1)), None);
    let demand = RevisionDemand { revision: 1, running: 2, waiting: 1 };
    assert_eq!(fleet.demand(), [demand], "what others keep does not meet it");
    assert_eq!(fleet.arrive(invocation(5), Some(of("b"))), Ok(placed(5, 1)), "older ones cannot have it");
    fleet.attach(environment(3), 1);
    assert_eq!(fleet.oldest_waiting_for(environment(3)), Some(invocation(4)));
    assert_eq!(fleet.report(environment(3), Reported::Free), placed(4, 3));
}

#[test]
fn what_an_environment_says_of_its_tenant_counts() {
    let mut fleet = fleet(2);
    fleet.belongs(environment(2), Some(of("a")));
    assert_eq!(fleet.report(environment(2), Reported::Free), None);
    assert_eq!(fleet.arrive(invocation(1), Some(of("b"))), Ok(placed(1, 1)));
    // Another gateway's invocation made it somebody else's meanwhile.
    fleet.belongs(environment(1), Some(of("c")));
    assert_eq!(fleet.refused(environment(1), invocation(1)), None);
    assert_eq!(fleet.report(environment(1), Reported::Free), None);
    assert_eq!(fleet.oldest_waiting(), Some(invocation(1)));
    assert_eq!(fleet.obstruct(), [Effect::Obstruct(invocation(1))], "neither can turn free for it");
    assert_eq!(fleet.arrive(invocation(2), Some(of("b"))), Err(Throttled::Obstructed));
    assert_eq!(fleet.arrive(invocation(3), Some(of("c"))), Ok(placed(3, 1)));
}

#[test]
fn who_waits_for_an_answered_environment_of_another_tenant_demands_one() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.arrive(invocation(1), Some(of("a"))), Ok(placed(1, 1)));
    fleet.accepted(environment(1), invocation(1));
    fleet.answered(environment(1), invocation(1));
    assert_eq!(fleet.arrive(invocation(2), Some(of("b"))), Ok(None));
    assert_eq!(fleet.arrive(invocation(3), Some(of("a"))), Ok(None));
    assert_eq!(fleet.demand(), [RevisionDemand { revision: 1, running: 1, waiting: 1 }]);
}

#[test]
fn what_an_old_link_still_says_reaches_nothing() {
    let mut fleet = fleet(1);
    assert_eq!(fleet.report(environment(9), Reported::Free), None);
    assert_eq!(fleet.finished(environment(1), invocation(9)), None);
    assert_eq!(fleet.refused(environment(1), invocation(9)), None);
    assert_eq!(fleet.lost(environment(9), true), None);
    assert_eq!(fleet.arrive(invocation(1), None), Ok(placed(1, 1)));
}
