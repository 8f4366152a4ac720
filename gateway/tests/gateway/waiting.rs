//! Caps, waiting for environments, and who is served when.

use std::time::{Duration, Instant};

use crate::support::client::{Client, invoke};
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use futures::future::join_all;
use gateway::Options;
use gateway::catalog::Declared;
use protocol::link::assignment::ConfigurationHash;
use tokio::time::sleep;

const WHILE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn at_the_cap_there_is_429_at_once_and_below_it_one_waits() {
    let declared = function("f", 3);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Slow(WHILE)).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    running
        .until_metric(
            r#"kubelambda_environments{function="f",namespace="default",state="free",version="$LATEST"} 1"#,
        )
        .await;
    let taken: Vec<_> = (0..3).map(|_| tokio::spawn(invoke(running.api, "f", "{}"))).collect();
    running
        .until_metric(
            r#"kubelambda_invocations_in_flight{function="f",namespace="default",version="$LATEST"} 3"#,
        )
        .await;
    let started = Instant::now();
    let refused = invoke(running.api, "f", "{}").await;
    assert_eq!(refused.status, 429);
    assert!(started.elapsed() < WHILE / 2, "{:?}", started.elapsed());
    for answer in join_all(taken).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!((fake.ran(), fake.most_at_once()), (3, 1));
    running.until_metric(r#"kubelambda_invocations_total{function="f",namespace="default",outcome="throttle",version="$LATEST"} 1"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_cap_of_one_a_caller_can_follow_its_own_answers() {
    let declared = function("f", 1);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    let mut client = Client::connect(running.api).await;
    for _ in 0..300 {
        assert_eq!(client.invoke("f", "{}").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoke_waits_for_a_cold_environment_and_its_demand_is_told_at_once() {
    let declared = function("f", 3);
    let mut running = Running::start(options(), vec![declared.clone()]).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    let started = Instant::now();
    let demand = running.demand.wait_for(|demand| !demand.is_empty()).await.unwrap().clone();
    assert!(started.elapsed() < Duration::from_millis(500));
    assert_eq!((demand[0].running, demand[0].waiting, &demand[0].revision), (0, 1, &revision(&declared)));
    let fake = Fake::start("pod", &revision(&declared), Conduct::Slow(WHILE)).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    running.demand.wait_for(|demand| demand.iter().any(|of| of.running == 1)).await.unwrap();
    assert_eq!(waiting.await.unwrap().text(), "1");
    running.demand.wait_for(|demand| demand.is_empty()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_first_invokes_share_a_few_environments() {
    let declared = function("f", 1_000);
    let mut running = Running::start(options(), vec![declared.clone()]).await;
    let herd: Vec<_> = (0..500).map(|n| tokio::spawn(invoke(running.api, "f", n.to_string()))).collect();
    running.demand.wait_for(|demand| demand.iter().any(|of| of.waiting == 500)).await.unwrap();
    let mut fakes = Vec::new();
    for number in 0..5 {
        let pod = format!("pod-{number}");
        let fake = Fake::start(&pod, &revision(&declared), Conduct::Slow(Duration::from_millis(1))).await;
        running.up(&pod, fake.address, &revision(&declared)).await;
        fakes.push(fake);
    }
    for (number, answer) in join_all(herd).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), number.to_string());
    }
    assert_eq!(fakes.iter().map(Fake::ran).sum::<usize>(), 500);
    assert!(fakes.iter().all(|fake| fake.most_at_once() == 1));
    // Roughly in order of arrival: what each environment saw went up, but for what came in at the same time.
    let told = fakes[0].waiting();
    assert!(told.first().is_some_and(Option::is_some), "{told:?}");
    // Environments are told that nobody waits.
    while fakes[0].waiting().last() != Some(&None) {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_function_keeps_no_other_waiting() {
    let (slow, fast) = (function("slow", 500), function("fast", 500));
    let running = Running::start(options(), vec![slow.clone(), fast.clone()]).await;
    let fake = Fake::start("pod", &revision(&fast), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&fast)).await;
    let stuck: Vec<_> = (0..300).map(|_| tokio::spawn(invoke(running.api, "slow", "{}"))).collect();
    let mut client = Client::connect(running.api).await;
    for _ in 0..200 {
        let answer = tokio::time::timeout(Duration::from_secs(2), client.invoke("fast", "{}")).await;
        assert_eq!(answer.unwrap().status, 200);
    }
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_has_an_end() {
    let options = Options { environment_wait: WHILE, ..options() };
    let running = Running::start(options, vec![function("f", 3)]).await;
    let answer = invoke(running.api, "f", "{}").await;
    assert_eq!(answer.status, 429);
    assert!(answer.text().contains("no environment was free or started within"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_has_room_for_so_many_and_no_more() {
    let options = Options { waiting_per_function_max: 3, ..options() };
    let mut running = Running::start(options, vec![function("f", 100)]).await;
    let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(invoke(running.api, "f", "{}"))).collect();
    running.demand.wait_for(|demand| demand.iter().any(|of| of.waiting == 3)).await.unwrap();
    assert_eq!(invoke(running.api, "f", "{}").await.status, 429);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    running.demand.wait_for(|demand| demand.is_empty()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_bytes_in_flight_are_bounded() {
    let options = Options { payload_bytes_in_flight_max: 2_000, ..options() };
    let mut running = Running::start(options, vec![function("f", 100)]).await;
    let body = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let waiting = tokio::spawn(invoke(running.api, "f", body(1_500)));
    running.demand.wait_for(|demand| !demand.is_empty()).await.unwrap();
    let refused = invoke(running.api, "f", body(501)).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("payload bytes"), "{}", refused.text());
    waiting.abort();
    running.demand.wait_for(|demand| demand.is_empty()).await.unwrap();
    running.until_metric("kubelambda_gateway_payload_bytes 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_moves_to_the_new_revision_and_the_old_environments_are_left() {
    let old = function("f", 5);
    let mut running = Running::start(options(), vec![old.clone()]).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    running.demand.wait_for(|demand| !demand.is_empty()).await.unwrap();
    let mut new = old.clone();
    new.configuration = ConfigurationHash("configuration-2".into());
    running.declare(|declared: &mut Declared| declared.functions = vec![new.clone()]);
    let is_new = |demand: &protocol::link::control::Demand| demand.revision == revision(&new);
    running.demand.wait_for(|demand| demand.iter().any(is_new)).await.unwrap();
    let old_fake = Fake::start("old", &revision(&old), Conduct::Echo).await;
    let new_fake = Fake::start("new", &revision(&new), Conduct::Echo).await;
    running.up("old", old_fake.address, &revision(&old)).await;
    while old_fake.links() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    running.up("new", new_fake.address, &revision(&new)).await;
    assert_eq!(waiting.await.unwrap().text(), "1");
    assert_eq!((old_fake.ran(), new_fake.ran()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_function_is_not_found_by_who_waits_for_it() {
    let mut running = Running::start(options(), vec![function("f", 5)]).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    running.demand.wait_for(|demand| !demand.is_empty()).await.unwrap();
    running.declare(|declared| declared.functions.clear());
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (404, Some("ResourceNotFoundException")));
}
