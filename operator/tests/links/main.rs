//! The operator over real connections: a gateway and an environment that speak the protocol, and an API
//! server that answers every request as asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod api_server;
mod peers;
mod scene;

use std::time::Duration;

use operator::actor::IMAGE_READS_MAX;
use protocol::link::control::FromOperator;
use protocol::link::environment::{InitResult, Phase, ToEnvironment};
use protocol::link::trust::LinkKey;

use crate::peers::{Environment, Gateway};
use crate::scene::{Scene, key};

#[tokio::test]
async fn a_gateways_demand_becomes_an_environment_that_it_is_told_of() {
    let mut scene = Scene::leading().await;
    let mut gateway = Gateway::link(scene.address, &key()).await;
    gateway.demand(&scene.revision(), 1).await;
    let pod = scene.created().await;

    let mut environment = Environment::announce(scene.address, &pod, &key()).await;
    let up = gateway.next().await;
    let FromOperator::EnvironmentUp(entry) = up else { panic!("{up:?}") };
    assert_eq!((entry.address.as_str(), &entry.revision), ("127.0.0.1:9700", &Some(scene.revision())));

    environment.tell(Phase::Generic, None).await;
    let ToEnvironment::Assign(assignment) = environment.next().await else { panic!("no assignment") };
    assert_eq!(assignment.revision, scene.revision());
    assert_eq!(assignment.handler.as_deref(), Some("a.b"));
    environment.tell(Phase::Init, None).await;
    environment.tell(Phase::Free, Some(InitResult::Succeeded { duration_ms: 2.0 })).await;

    scene.delete_function().await;
    assert_eq!(environment.next().await, ToEnvironment::Drain);
    environment.tell(Phase::Drained, None).await;
    assert_eq!(scene.deleted().await, entry.pod);
}

#[tokio::test]
async fn a_second_gateway_is_told_of_what_is_there() {
    let mut scene = Scene::leading().await;
    let mut first = Gateway::link(scene.address, &key()).await;
    first.demand(&scene.revision(), 1).await;
    let pod = scene.created().await;
    let _environment = Environment::announce(scene.address, &pod, &key()).await;
    first.next().await;
    let mut second = Gateway::link(scene.address, &key()).await;
    assert!(matches!(second.next().await, FromOperator::EnvironmentUp(_)));
}

#[tokio::test]
async fn an_environment_that_the_operator_did_not_make_is_hung_up_on() {
    let mut scene = Scene::leading().await;
    let mut gateway = Gateway::link(scene.address, &key()).await;
    gateway.demand(&scene.revision(), 1).await;
    let mut pod = scene.created().await;
    pod.rename("another");
    let mut environment = Environment::announce(scene.address, &pod, &key()).await;
    assert!(environment.is_hung_up_on().await);
}

#[tokio::test]
async fn strangers_are_refused() {
    let mut scene = Scene::leading().await;
    let stranger = LinkKey::from_secret(&[9; 32]).unwrap();
    assert!(Gateway::try_link(scene.address, &stranger).await.is_none());
    let mut gateway = Gateway::link(scene.address, &key()).await;
    gateway.demand(&scene.revision(), 1).await;
    let pod = scene.created().await;
    assert!(Environment::try_announce(scene.address, &pod, &stranger).await.is_none());
}

#[tokio::test]
async fn a_replica_that_does_not_lead_assigns_nothing() {
    let scene = Scene::following().await;
    let mut gateway = Gateway::link(scene.address, &key()).await;
    gateway.demand(&scene.revision(), 1).await;
    let pod = scene::Created::example();
    let mut environment = Environment::announce(scene.address, &pod, &key()).await;
    assert!(environment.is_hung_up_on().await);
    assert_eq!(scene.requests(), 0);
}

#[tokio::test]
async fn images_are_read_a_few_at_a_time() {
    let scene = Scene::leading().await;
    scene.add_images(3 * IMAGE_READS_MAX).await;
    // One is the status of the Function that every scene has.
    while scene.requests() < 1 + IMAGE_READS_MAX {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.requests(), 1 + IMAGE_READS_MAX);
}
