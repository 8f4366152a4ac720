//! The payload bytes of answers: counted while they arrive, and held back at the bound.

use crate::support::client::invoke;
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use bytes::Bytes;
use domain::limits::RESPONSE_PAYLOAD_BYTES_MAX;
use futures::future::join_all;
use gateway::Options;
use protocol::link::frame::CHUNK_BYTES_MAX;

async fn up(running: &Running, pod: &str, function_name: &str, conduct: Conduct) -> Fake {
    let revision = revision(&function(function_name, 100));
    let fake = Fake::start(pod, &revision, conduct).await;
    running.up(pod, fake.address, &revision).await;
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_an_answer_count_while_it_arrives() {
    let running = Running::start(options(), vec![function("f", 100)]).await;
    let _fake = up(&running, "pod", "f", Conduct::Pause(Bytes::from_static(b"12345"))).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    // With the room that is kept for the next part.
    running.until_metric(&format!("kubelambda_gateway_payload_bytes {}", 5 + CHUNK_BYTES_MAX)).await;
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_longer_than_the_bound_come_whole_although_one_pauses() {
    let options = Options { payload_bytes_in_flight_max: CHUNK_BYTES_MAX, ..options() };
    let running = Running::start(options, vec![function("f", 100), function("pauses", 100)]).await;
    let part = Bytes::from(vec![b'1'; CHUNK_BYTES_MAX]);
    let _pauses = up(&running, "pauses", "pauses", Conduct::Pause(part)).await;
    let paused = tokio::spawn(invoke(running.api, "pauses", "1"));
    running.until_metric(&format!("kubelambda_gateway_payload_bytes {CHUNK_BYTES_MAX}")).await;
    let body = Bytes::from(vec![b'7'; RESPONSE_PAYLOAD_BYTES_MAX]);
    let mut fakes = Vec::new();
    for number in 0..4 {
        fakes.push(up(&running, &format!("pod-{number}"), "f", Conduct::Answer(body.clone(), None)).await);
    }
    for answer in join_all((0..4).map(|_| invoke(running.api, "f", ""))).await {
        assert!((answer.status, &answer.body) == (200, &body), "{} {}", answer.status, answer.body.len());
    }
    paused.abort();
}
