//! Where environments are reached.

use protocol::link::control::FromOperator;
use protocol::link::environment::Phase;
use serde_json::json;

use super::super::*;
use super::world::*;
use crate::pod::observation::Progress;

#[test]
fn an_environment_is_reached_where_the_api_server_says_it_is() {
    let hello = function("hello", 1, &json!({}));
    let mut world = World::with(vec![hello.clone()]);
    let (key, mut pod) = creations(&world.demand(&hello, 1)).remove(0);
    world.created(&key);
    let (link, _) = world.link(&key);
    // It announced itself from a node's address.
    pod.status = serde_json::from_value(json!({"podIP": "10.0.1.7"})).unwrap();
    let effects = world.seen(&pod, Progress::Running);
    let up = told(&effects);
    let [FromOperator::EnvironmentUp(entry)] = up.as_slice() else { panic!("{up:?}") };
    assert_eq!(entry.address, "10.0.1.7:9700");
    assert!(effects.contains(&Effect::CloseLink(link)));
    let dial = Effect::Dial(key.clone(), ([10, 0, 1, 7], 9700).into());
    assert!(effects.contains(&dial));
    assert_eq!(told(&world.seen(&pod, Progress::Running)), []);

    let (again, effects) = world.link(&key);
    assert_eq!(effects, [Effect::CloseLink(again), dial]);
    let address = ([10, 0, 1, 7], 9700).into();
    let dialled = Input::EnvironmentLinked { pod: key, link: LinkId(99), address };
    assert!(world.tell(dialled).iter().all(|effect| !matches!(effect, Effect::CloseLink(_))));
    assert!(drains(&world.phase(LinkId(99), Phase::Free)).is_empty());
}
