//! Starts that fail: who is told what, and when they are tried again.

use std::time::Duration;

use protocol::link::control::{FromOperator, Obstacle};
use protocol::link::environment::{InitResult, Phase};
use resources::{Function, Reason};
use serde_json::json;

use super::super::*;
use super::world::*;
use crate::function::FunctionKey;
use crate::image::{ImageFacts, ImageProgress};
use crate::pod::observation::{End, Progress};

/// The reason and message of `Ready` that is written next.
fn next_condition(world: &mut World, function: &Function) -> (String, String) {
    world.tell(Input::StatusWritten(FunctionKey::of(function), Ok(())));
    let effects = world.pass(Duration::from_secs(STATUS_SECONDS_MIN));
    let status = statuses(&effects).pop().expect("a status is written");
    (status.conditions[0].reason.clone(), status.conditions[0].message.clone())
}

#[test]
fn a_refused_pod_is_told_in_the_api_servers_words_and_tried_again() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (pod, _) = creations(&world.demand(&hello, 1)).remove(0);
    let refusal = CreateError::Refused("exceeded quota: pods=1".into());
    let effects = world.tell(Input::PodCreated(pod, Err(refusal)));
    let blocked = told(&effects);
    let [FromOperator::Blocked { reason, message, .. }] = &blocked[..] else { panic!("{blocked:?}") };
    assert_eq!((*reason, message.as_str()), (Obstacle::Refused, "exceeded quota: pods=1"));
    assert!(creations(&effects).is_empty());
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Publish(notice) if notice.reason == "PodRefused"))
    );

    world.demand(&hello, 1);
    let effects = world.pass(Duration::from_secs(2));
    assert!(matches!(&told(&effects)[..], [FromOperator::Unblocked { .. }]));
    assert_eq!(creations(&effects).len(), 1);
    assert_eq!(next_condition(&mut world, &hello).0, "PodRefused");
}

#[test]
fn an_obstacle_is_told_again_while_invocations_wait() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    world.seen(&pod, Progress::Unschedulable("0/1 nodes".into()));
    let mut again = |waiting| {
        let mut effects = Vec::new();
        for _ in 0..40 {
            effects.extend(world.pass(Duration::from_secs(1)));
            effects.extend(world.demand(&hello, waiting));
        }
        told(&effects).iter().filter(|one| matches!(one, FromOperator::Blocked { .. })).count()
    };
    assert_eq!(again(1), 8);
    assert_eq!(again(0), 0);
}

#[test]
fn an_unschedulable_pod_blocks_until_it_is_scheduled() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    let effects = world.seen(&pod, Progress::Unschedulable("0/1 nodes".into()));
    let blocked = told(&effects);
    assert!(matches!(&blocked[..], [FromOperator::Blocked { reason: Obstacle::Unschedulable, .. }]));
    assert!(creations(&world.demand(&hello, 4)).is_empty());
    assert_eq!(next_condition(&mut world, &hello), ("Unschedulable".into(), "0/1 nodes".into()));
    world.demand(&hello, 4);
    let effects = world.seen(&pod, Progress::Starting);
    assert!(matches!(&told(&effects)[..], [FromOperator::Unblocked { .. }]));
    assert_eq!(creations(&effects).len(), 3);
}

#[test]
fn who_can_have_an_environment_is_not_turned_away_for_want_of_room_for_another() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let pods = creations(&world.demand(&hello, 2));
    for (key, _) in &pods {
        world.created(key);
    }
    let effects = world.seen(&pods[1].1, Progress::Unschedulable("0/1 nodes".into()));
    assert!(!told(&effects).iter().any(|one| matches!(one, FromOperator::Blocked { .. })));
    let effects = world.seen(&pods[0].1, Progress::Unschedulable("0/1 nodes".into()));
    assert!(told(&effects).iter().any(|one| matches!(one, FromOperator::Blocked { .. })));
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_and_its_pod_deleted() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    let effects = world.seen(&pod, Progress::ImagePull("image python: not found".into()));
    assert_eq!(deletions(&effects), [key]);
    assert!(
        told(&effects).iter().any(|one| matches!(one, FromOperator::Blocked { reason: Obstacle::Image, .. }))
    );
    assert_eq!(next_condition(&mut world, &hello).0, "ImagePullFailed");
}

#[test]
fn a_failed_init_is_told_until_one_succeeds_or_the_generation_changes() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (pod, _) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&pod);
    let (link, _) = world.link(&pod);
    let failed = InitResult::Failed {
        error_type: "Runtime.ImportModuleError".into(),
        message: "No module named 'nope'".into(),
    };
    let effects = world.state(link, Phase::Free, Some(failed.clone()));
    assert!(!told(&effects).iter().any(|one| matches!(one, FromOperator::Blocked { .. })));
    let (reason, message) = next_condition(&mut world, &hello);
    assert_eq!(reason, "InitFailed");
    assert!(message.contains("No module named 'nope'"));

    world.state(link, Phase::Free, Some(failed));
    let succeeded = InitResult::Succeeded { duration_ms: 3.0 };
    world.state(link, Phase::Free, Some(succeeded));
    assert_eq!(next_condition(&mut world, &hello).0, "Available");
}

#[test]
fn a_container_that_cannot_start_blocks_who_waits() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    let effects = world.seen(&pod, Progress::CannotStart("container function: exec format error".into()));
    assert!(matches!(
        &told(&effects)[..],
        [FromOperator::Blocked { reason: Obstacle::Invalid, message, .. }] if message.contains("exec format")
    ));
    let end = End { reason: "Error".into(), message: String::new() };
    assert!(deletions(&world.seen(&pod, Progress::Ended(end))).is_empty());
}

#[test]
fn starts_that_fail_together_count_once_and_back_off() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let asked = creations(&world.demand(&hello, 4));
    for (pod, _) in &asked {
        world.tell(Input::PodCreated(pod.clone(), Err(CreateError::Failed("busy".into()))));
    }
    world.demand(&hello, 4);
    let again = creations(&world.pass(Duration::from_secs(2)));
    assert_eq!(again.len(), 1);
    world.serve(&again[0].0);
    assert_eq!(world.core.census().starting, 3);
}

#[test]
fn an_environment_that_dies_is_deleted_and_replaced() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.serve(&key);
    let end = End { reason: "OOMKilled".into(), message: "container function exited with code 137".into() };
    let effects = world.seen(&pod, Progress::Ended(end));
    assert_eq!(deletions(&effects), [key]);
    assert_eq!(creations(&effects).len(), 1);
    assert!(told(&effects).iter().any(|one| matches!(one, FromOperator::EnvironmentGone { .. })));
}

#[test]
fn a_pod_that_never_announces_itself_is_given_up() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    world.seen(&pod, Progress::Running);
    assert!(deletions(&world.pass(Duration::from_mins(5))).is_empty());
    assert_eq!(deletions(&world.pass(Duration::from_secs(1))), [key]);
}

#[test]
fn of_two_with_one_name_the_oldest_has_it() {
    let first = function("a", 1, &json!({"functionName": "Same"}));
    let mut second = function("b", 1, &json!({"functionName": "Same"}));
    second.metadata.creation_timestamp = serde_json::from_value(json!("2026-01-02T00:00:00Z")).unwrap();
    let mut world = World::unled(vec![second.clone(), first.clone()]);
    let written = statuses(&world.tell(Input::Leads));
    let reasons: Vec<_> = written.iter().map(|status| status.conditions[0].reason.as_str()).collect();
    assert_eq!(reasons, ["Available", "NameConflict"]);
    let effects = world.demand(&second, 1);
    assert!(creations(&effects).is_empty());
    world.tell(Input::StatusWritten(FunctionKey::of(&second), Ok(())));
    world.now.elapsed += Duration::from_secs(STATUS_SECONDS_MIN);
    let effects = world.tell(Input::Functions(Change::Gone(FunctionKey::of(&first))));
    assert_eq!(statuses(&effects)[0].conditions[0].reason, "Available");
}

#[test]
fn a_missing_runtime_blocks_until_it_is_there() {
    let cobol = function("cobol", 1, &json!({"runtime": "cobol"}));
    let mut world = World::unled(vec![cobol.clone()]);
    let effects = world.tell(Input::Leads);
    assert_eq!(statuses(&effects)[0].conditions[0].reason, Reason::UnknownRuntime.as_str());
    assert!(matches!(&told(&effects)[..], [FromOperator::Blocked { reason: Obstacle::UnknownRuntime, .. }]));
    let runtime = resources::Runtime::new("cobol", world.runtime.spec.clone());
    let effects = world.tell(Input::Runtimes(Change::Seen(runtime)));
    assert!(matches!(&told(&effects)[..], [FromOperator::Unblocked { .. }]));
}

#[test]
fn an_image_is_asked_for_once_per_generation_and_pinned() {
    let spec = json!({"runtime": null, "handler": null, "code": {"image": "r.test/i:1"}});
    let image = function("i", 1, &spec);
    let mut world = World::unled(vec![image.clone()]);
    let effects = world.tell(Input::Leads);
    let asked =
        |effects: &[Effect]| effects.iter().filter(|one| matches!(one, Effect::ReadImage(..))).count();
    assert_eq!(asked(&effects), 1);
    assert!(statuses(&effects).is_empty());
    assert_eq!(statuses(&world.pass(Duration::from_secs(2)))[0].state.as_deref(), Some("Pending"));
    assert_eq!(asked(&world.pass(Duration::from_mins(1))), 0);
    let facts = ImageFacts {
        reference: "r.test/i@sha256:0".into(),
        entry_point: vec!["/main".into()],
        ..ImageFacts::default()
    };
    world.tell(Input::ImageRead(FunctionKey::of(&image), 1, ImageProgress::Known(facts.clone())));
    assert_eq!(asked(&world.pass(Duration::from_mins(10))), 0);
    let (key, pod) = creations(&world.demand(&image, 1)).remove(0);
    world.created(&key);
    let (link, _) = world.link(&key);

    // Another description: the image is asked for anew, and the environment waits for the answer.
    let mut spec = spec;
    spec["description"] = "d".into();
    world.apply(function("i", 2, &spec));
    let assigned = |effects: &[Effect]| effects.iter().any(|one| matches!(one, Effect::ToEnvironment(..)));
    assert!(!assigned(&world.phase(link, Phase::Generic)));
    world.tell(Input::ImageRead(FunctionKey::of(&image), 2, ImageProgress::Known(facts)));
    assert!(assigned(&world.pass(Duration::from_millis(500))));
    assert_eq!(pod.spec.unwrap().containers[1].image.as_deref(), Some("r.test/i@sha256:0"));
}
