//! Images and the registries that are asked about them.

use std::time::Duration;

use serde_json::json;

use super::super::*;
use super::world::*;
use crate::function::FunctionKey;
use crate::image::{ImageFacts, ImageProgress};

#[test]
fn a_registry_that_is_out_after_a_restart_un_pins_nothing() {
    let mut image = function(
        "i",
        1,
        &json!({
            "runtime": null, "handler": null, "code": {"image": "r.test/i:1"},
            "imageConfig": {"entryPoint": ["/main"]},
        }),
    );
    let key = FunctionKey::of(&image);
    let mut before = World::with(vec![image.clone()]);
    let facts = ImageFacts { reference: "r.test/i@sha256:0".into(), ..ImageFacts::default() };
    let written = statuses(&before.tell(Input::ImageRead(key.clone(), 1, ImageProgress::Known(facts))));
    image.status = written.last().cloned();

    let mut world = World::unled(vec![image.clone()]);
    let asked = |effects: &[Effect]| {
        let reference = |effect: &Effect| match effect {
            Effect::ReadImage(_, _, question) => Some(question.reference.clone()),
            _ => None,
        };
        effects.iter().find_map(reference)
    };
    assert_eq!(asked(&world.tell(Input::Leads)).as_deref(), Some("r.test/i@sha256:0"));
    let silent = ImageProgress::Unreadable("no answer".into());
    let mut effects = world.tell(Input::ImageRead(key.clone(), 1, silent));
    effects.extend(world.pass(Duration::from_mins(10)));
    assert_eq!(asked(&effects).as_deref(), Some("r.test/i@sha256:0"));
    for status in statuses(&effects) {
        assert_eq!(status.image.as_deref(), Some("r.test/i@sha256:0"));
    }
    let (_, pod) = creations(&world.demand(&image, 1)).remove(0);
    assert_eq!(pod.spec.unwrap().containers[1].image.as_deref(), Some("r.test/i@sha256:0"));
}
