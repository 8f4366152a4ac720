//! Environments that their provider no longer has, while something is under way there.

use std::time::Duration;

use crate::support::client::invoke;
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use bytes::Bytes;
use domain::limits::RESPONSE_PAYLOAD_BYTES_MAX;
use tokio::time::{sleep, timeout};

const LOOK: Duration = Duration::from_millis(1);

async fn with_one(conduct: Conduct) -> (Running, Fake) {
    let declared = function("f", 10);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("one", &revision(&declared), conduct).await;
    running.up("one", fake.address, &revision(&declared)).await;
    (running, fake)
}

async fn until_it_runs(fake: &Fake) {
    while fake.seen().is_empty() {
        sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_an_environment_that_is_gone_is_answered_and_nothing_more_is_placed_there() {
    let (running, old) = with_one(Conduct::Slow(Duration::from_millis(500))).await;
    let first = tokio::spawn(invoke(running.api, "f", "1"));
    until_it_runs(&old).await;
    running.gone("one").await;
    let second = tokio::spawn(invoke(running.api, "f", "2"));
    assert_eq!(first.await.unwrap().text(), "1");
    let new = Fake::start("two", &revision(&function("f", 10)), Conduct::Echo).await;
    running.up("two", new.address, &revision(&function("f", 10))).await;
    assert_eq!(second.await.unwrap().text(), "2");
    assert_eq!((old.seen().len(), new.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_on_the_wire_when_its_environment_is_gone_comes_whole() {
    let body = Bytes::from(vec![b'7'; RESPONSE_PAYLOAD_BYTES_MAX]);
    let (running, fake) = with_one(Conduct::Answer(body.clone(), None)).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    until_it_runs(&fake).await;
    running.gone("one").await;
    let answer = waiting.await.unwrap();
    assert!(
        (answer.status, &answer.body) == (200, &body),
        "{} with {} bytes",
        answer.status,
        answer.body.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_gateway_nothing_is_waited_for() {
    let (running, fake) = with_one(Conduct::Hang).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    until_it_runs(&fake).await;
    running.gone("one").await;
    running.gateway.end();
    assert_eq!(timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().status, 500);
}
