//! From demand to an environment, and to its end.

use std::time::Duration;

use protocol::link::assignment::Code;
use protocol::link::control::{Demand, FromOperator};
use protocol::link::environment::{Phase, ToEnvironment};
use serde_json::json;

use super::super::*;
use super::world::*;
use crate::function::FunctionKey;
use crate::pod::observation::Progress;

#[test]
fn demand_becomes_an_assigned_environment_that_gateways_know() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let asked = creations(&world.demand(&hello, 2));
    assert_eq!(asked.len(), 2);
    assert!(creations(&world.demand(&hello, 2)).is_empty());

    let (key, pod) = &asked[0];
    world.created(key);
    assert_eq!(pod.metadata.name.as_ref(), Some(&key.name));
    let (link, effects) = world.link(key);
    let up = told(&effects);
    let [FromOperator::EnvironmentUp(entry)] = up.as_slice() else { panic!("{up:?}") };
    assert_eq!(entry.address, "10.0.1.1:9700");
    assert_eq!(entry.revision, Some(world.revision(&hello)));

    let effects = world.phase(link, Phase::Generic);
    let assignments: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::ToEnvironment(to, frame) if *to == link => Some(&frame.header),
            _ => None,
        })
        .collect();
    let [ToEnvironment::Assign(assignment)] = assignments.as_slice() else { panic!("{effects:?}") };
    assert_eq!(assignment.command, ["/lambda-entrypoint.sh", "a.b"]);
    assert_eq!(assignment.account.as_str(), "123456789012");
    assert_eq!(assignment.code, Code::Inline { files: [("a.py".to_owned(), "x".to_owned())].into() });
    assert!(world.phase(link, Phase::Generic).iter().all(|one| !matches!(one, Effect::ToEnvironment(..))));
}

#[test]
fn ready_is_decided_without_a_pod_and_written_once() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::unled(vec![hello.clone()]);
    let effects = world.tell(Input::Leads);
    let [status] = &statuses(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((status.state.as_deref(), status.environments), (Some("Active"), 0));
    assert_eq!(status.arn.as_deref(), Some("arn:aws:lambda:eu-west-1:123456789012:function:hello"));
    assert!(creations(&effects).is_empty());

    let key = FunctionKey::of(&hello);
    world.tell(Input::StatusWritten(key, Ok(())));
    let mut written = hello.clone();
    written.status = Some(status.clone());
    assert!(statuses(&world.apply(written)).is_empty());
    for _ in 0..20 {
        assert!(world.pass(Duration::from_secs(1)).is_empty());
    }
}

#[test]
fn a_status_is_written_at_most_once_in_five_seconds() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    world.tell(Input::StatusWritten(FunctionKey::of(&hello), Ok(())));
    assert!(statuses(&world.demand(&hello, 1)).is_empty());
    assert!(statuses(&world.pass(Duration::from_secs(4))).is_empty());
    assert_eq!(statuses(&world.pass(Duration::from_secs(1)))[0].environments, 1);
}

#[test]
fn an_update_drains_what_is_old_and_starts_what_is_new() {
    let (first, second) = (function("f", 1, &json!({})), function("f", 2, &json!({"timeout": 9})));
    let mut world = World::with(vec![first.clone()]);
    let (old, _) = creations(&world.demand(&first, 1)).remove(0);
    let link = world.serve(&old);
    world.phase(link, Phase::Busy);

    assert_eq!(drains(&world.apply(second.clone())), [link]);
    let (new, _) = creations(&world.demand(&second, 1)).remove(0);
    assert_ne!(new, old);
    assert!(deletions(&world.phase(link, Phase::Draining)).is_empty());
    let effects = world.phase(link, Phase::Drained);
    assert_eq!(deletions(&effects), std::slice::from_ref(&old));
    assert!(matches!(&told(&effects)[..], [FromOperator::EnvironmentGone { pod, .. }] if *pod == old.name));
}

#[test]
fn a_description_or_another_cap_leaves_environments_alone() {
    let first = function("f", 1, &json!({}));
    let mut world = World::with(vec![first.clone()]);
    let (pod, _) = creations(&world.demand(&first, 1)).remove(0);
    world.serve(&pod);
    let second = function("f", 2, &json!({"description": "d", "scaling": {"maxEnvironments": 7}}));
    let effects = world.apply(second);
    assert!(drains(&effects).is_empty() && deletions(&effects).is_empty() && creations(&effects).is_empty());
}

#[test]
fn the_cap_is_exact_while_an_old_revision_still_runs() {
    let scaling = json!({"scaling": {"maxEnvironments": 1}});
    let first = function("f", 1, &scaling);
    let second = function("f", 2, &json!({"scaling": {"maxEnvironments": 1}, "timeout": 9}));
    let mut world = World::with(vec![first.clone()]);
    let (old, _) = creations(&world.demand(&first, 5)).remove(0);
    let link = world.serve(&old);
    world.phase(link, Phase::Busy);
    world.apply(second.clone());
    assert!(creations(&world.demand(&second, 5)).is_empty());
    world.phase(link, Phase::Draining);
    assert_eq!(creations(&world.phase(link, Phase::Drained)).len(), 1);
}

#[test]
fn a_pod_on_a_dead_node_stops_counting_once_its_grace_is_over() {
    let scaling = json!({"scaling": {"maxEnvironments": 1}});
    let hello = function("hello", 1, &scaling);
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    let link = world.serve(&key);
    world.phase(link, Phase::Busy);
    world.tell(Input::EnvironmentUnlinked(link));
    let mut evicted = pod.clone();
    evicted.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(deletions(&world.seen(&evicted, Progress::Running)), [key]);
    world.pass(Duration::from_secs(33));
    assert!(creations(&world.demand(&hello, 1)).is_empty());
    assert_eq!(creations(&world.pass(Duration::from_secs(1))).len(), 1);
}

#[test]
fn an_environment_out_of_reach_is_replaced_within_the_cap() {
    let hello = function("hello", 1, &json!({"scaling": {"maxEnvironments": 2}}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, _) = creations(&world.demand(&hello, 1)).remove(0);
    let link = world.serve(&key);
    world.phase(link, Phase::Busy);
    world.tell(Input::EnvironmentUnlinked(link));
    world.pass(Duration::from_secs(5));
    assert!(creations(&world.demand(&hello, 1)).is_empty());
    let effects = world.pass(Duration::from_secs(1));
    assert_eq!((creations(&effects).len(), deletions(&effects).len()), (1, 0));
    assert!(creations(&world.demand(&hello, 2)).is_empty());
    // It is back, so nothing is missing.
    let (link, _) = world.link(&key);
    world.phase(link, Phase::Free);
    assert!(creations(&world.demand(&hello, 2)).is_empty());
}

#[test]
fn pods_of_a_deleted_function_go() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (pod, _) = creations(&world.demand(&hello, 1)).remove(0);
    let link = world.serve(&pod);
    let effects = world.tell(Input::Functions(Change::Gone(FunctionKey::of(&hello))));
    assert_eq!(drains(&effects), [link]);
    assert_eq!(deletions(&world.phase(link, Phase::Drained)), [pod]);
}

#[test]
fn idle_environments_beyond_demand_go_one_by_one() {
    let hello = function("hello", 1, &json!({"scaling": {"idleTimeoutSeconds": 60}}));
    let mut world = World::with(vec![hello.clone()]);
    let asked = creations(&world.demand(&hello, 3));
    let links: Vec<_> = asked.iter().map(|(pod, _)| world.serve(pod)).collect();
    world.demand(&hello, 1);
    assert!(drains(&world.pass(Duration::from_secs(59))).is_empty());
    let mut drained = drains(&world.pass(Duration::from_secs(1)));
    assert_eq!(drained.len(), 1);
    drained.extend(drains(&world.pass(Duration::from_secs(1))));
    assert_eq!(drained.len(), 2);
    world.demand(&hello, 1);
    assert!(drains(&world.pass(Duration::from_secs(3))).is_empty());
    assert!(drained.iter().all(|link| links.contains(link)));
}

#[test]
fn starts_at_once_are_bounded_over_all_functions() {
    let functions = [function("a", 1, &json!({})), function("b", 1, &json!({}))];
    let mut world = World::with(functions.to_vec());
    world.core.rules.starts_max = 3;
    let wanted = |revision| Demand { revision, running: 0, waiting: 2 };
    let demand = functions.iter().map(|one| wanted(world.revision(one))).collect();
    assert_eq!(creations(&world.tell(Input::GatewayDemand(GATEWAY, demand))).len(), 3);
}

#[test]
fn a_silent_gateways_demand_is_forgotten() {
    let hello = function("hello", 1, &json!({"scaling": {"idleTimeoutSeconds": 1}}));
    let mut world = World::with(vec![hello.clone()]);
    let (pod, _) = creations(&world.demand(&hello, 1)).remove(0);
    let link = world.serve(&pod);
    assert!(drains(&world.pass(Duration::from_secs(3))).is_empty());
    assert_eq!(drains(&world.pass(Duration::from_secs(1))), [link]);
}

#[test]
fn only_the_leader_acts_and_every_replica_knows_demand() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::unled(vec![hello.clone()]);
    assert_eq!(world.demand(&hello, 2), []);
    let effects = world.tell(Input::Leads);
    assert_eq!(creations(&effects).len(), 2);
}

#[test]
fn a_new_leader_adopts_and_dials_what_exists() {
    let hello = function("hello", 1, &json!({}));
    let mut before = World::with(vec![hello.clone()]);
    let (key, mut pod) = creations(&before.demand(&hello, 1)).remove(0);
    pod.status = serde_json::from_value(json!({"podIP": "10.0.1.7"})).unwrap();

    let mut world = World::unled(vec![hello.clone()]);
    assert!(matches!(&told(&world.seen(&pod, Progress::Running))[..], [FromOperator::EnvironmentUp(_)]));
    world.demand(&hello, 1);
    let effects = world.tell(Input::Leads);
    assert!(creations(&effects).is_empty());
    assert!(effects.contains(&Effect::Dial(key.clone(), ([10, 0, 1, 7], 9700).into())));
    world.tell(Input::DialFailed(key.clone()));
    let again = world.pass(Duration::from_secs(1));
    assert!(again.iter().any(|effect| matches!(effect, Effect::Dial(..))));
}

#[test]
fn a_new_leader_leaves_alone_what_runs_and_it_cannot_reach() {
    let hello = function("hello", 1, &json!({"scaling": {"idleTimeoutSeconds": 3600}}));
    let mut before = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&before.demand(&hello, 1)).remove(0);

    let mut world = World::unled(vec![hello.clone()]);
    world.seen(&pod, Progress::Running);
    world.tell(Input::Leads);
    for _ in 0..10 {
        assert!(deletions(&world.pass(Duration::from_mins(2))).is_empty());
    }
    // Another is in reach, so it is not this operator that is cut off. The first name drawn is taken.
    world.demand(&hello, 2);
    let (other, _) = creations(&world.pass(Duration::from_secs(1))).remove(0);
    world.created(&other);
    let (_, effects) = world.link(&other);
    assert_eq!(deletions(&effects), [key]);
}

#[test]
fn at_the_cap_the_longest_free_environment_makes_room_for_another_tenant() {
    let tenancy = json!({"tenantIsolationMode": "PER_TENANT"});
    let spec = json!({"tenancyConfig": tenancy, "scaling": {"maxEnvironments": 2}});
    let isolating = function("f", 1, &spec);
    let mut world = World::with(vec![isolating.clone()]);
    let asked = creations(&world.demand(&isolating, 2));
    let first = world.serve(&asked[0].0);
    world.pass(Duration::from_millis(500));
    world.serve(&asked[1].0);
    // One waits, and two are free: other tenants'. Who waits could still be about to take one of them.
    assert!(drains(&world.demand(&isolating, 3)).is_empty());
    assert_eq!(drains(&world.pass(Duration::from_millis(600))), [first]);
    assert!(drains(&world.pass(Duration::from_millis(600))).is_empty(), "one at a time");
    assert_eq!(creations(&world.phase(first, Phase::Drained)).len(), 1);

    let sharing = function("g", 1, &json!({"scaling": {"maxEnvironments": 1}}));
    let mut world = World::with(vec![sharing.clone()]);
    let asked = creations(&world.demand(&sharing, 1));
    world.serve(&asked[0].0);
    world.demand(&sharing, 2);
    assert!(drains(&world.pass(Duration::from_secs(2))).is_empty());
}
