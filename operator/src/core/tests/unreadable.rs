//! Functions that cannot be read.

use k8s_openapi::api::core::v1::ObjectReference;
use serde_json::json;

use super::super::*;
use super::world::*;
use crate::pod::observation::Progress;

fn unreadable(name: &str) -> Input {
    let about = ObjectReference {
        namespace: Some("team".to_owned()),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    };
    Input::FunctionUnreadable(about, "invalid type".to_owned())
}

fn published(effects: &[Effect]) -> Vec<&'static str> {
    let reason = |effect: &Effect| match effect {
        Effect::Publish(notice) => Some(notice.reason),
        _ => None,
    };
    effects.iter().filter_map(reason).collect()
}

#[test]
fn a_function_that_cannot_be_read_is_told_once_and_stops_nobody() {
    let (good, bad) = (function("good", 1, &json!({})), function("bad", 1, &json!({})));
    let mut before = World::with(vec![bad.clone()]);
    let (_, pod) = creations(&before.demand(&bad, 1)).remove(0);

    let mut world = World::unled(vec![good.clone()]);
    world.seen(&pod, Progress::Running);
    assert_eq!(published(&world.tell(unreadable("bad"))), [""; 0]);
    assert_eq!(published(&world.tell(Input::Leads)), ["InvalidSpec"]);
    assert_eq!(published(&world.tell(unreadable("bad"))), [""; 0]);
    let listed = Input::Functions(Change::Listed(vec![Arc::new(good.clone())]));
    assert_eq!(deletions(&world.tell(listed)), []);
    assert!(!creations(&world.demand(&good, 1)).is_empty());

    // The next list has it no more.
    let listed = Input::Functions(Change::Listed(vec![Arc::new(good)]));
    world.tell(listed);
    let gone = world.pass(std::time::Duration::from_secs(1));
    assert_eq!(deletions(&gone).len(), 1);
}
