//! Environments that are lost, refuse or keep silent, and clients that go away or take their time.

use std::time::{Duration, Instant};

use crate::support::client::{Client, invoke};
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use gateway::Options;
use gateway::limits::HEADER_READ;
use protocol::link::assignment::{ConfigurationHash, Revision};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

async fn with_one(conduct: Conduct) -> (Running, Fake) {
    let declared = function("f", 10);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("one", &revision(&declared), conduct).await;
    running.up("one", fake.address, &revision(&declared)).await;
    running.until_metric(FREE).await;
    (running, fake)
}

const FREE: &str =
    r#"kubelambda_environments{function="f",namespace="default",state="free",version="$LATEST"} 1"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_invocation_is_placed_elsewhere() {
    let (running, refusing) = with_one(Conduct::Refuse).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    let declared = function("f", 10);
    while refusing.seen().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let other = Fake::start("two", &revision(&declared), Conduct::Echo).await;
    running.up("two", other.address, &revision(&declared)).await;
    assert_eq!(waiting.await.unwrap().text(), "1");
    assert_eq!(refusing.seen().len(), 1, "it is not asked again before it says that it is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_environment_is_told_with_the_request_id_and_linked_again() {
    for conduct in [Conduct::LoseBeforeAccept, Conduct::LoseAfterAccept] {
        let (running, fake) = with_one(conduct).await;
        let answer = invoke(running.api, "f", "1").await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (500, Some("ServiceException")));
        assert!(answer.text().contains(answer.header("x-amzn-requestid").unwrap()), "{}", answer.text());
        fake.conduct(Conduct::Echo);
        assert_eq!(invoke(running.api, "f", "2").await.text(), "2");
        assert_eq!(fake.links(), 2);
        running
            .until_metric(
                r#"kubelambda_invocations_total{function="f",namespace="default",outcome="platform_error",version="$LATEST"} 1"#,
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_claims_to_be_another_function_gets_nothing_of_it() {
    let (own, other) = (function("own", 10), function("other", 10));
    let options = Options { environment_wait: Duration::from_millis(200), ..options() };
    let running = Running::start(options, vec![own.clone(), other.clone()]).await;
    let known = revision(&own);
    let lies = [
        revision(&other),
        Revision { namespace: "else".into(), ..known.clone() },
        Revision { version: "7".into(), ..known.clone() },
        Revision { configuration: ConfigurationHash("another".into()), ..known.clone() },
    ];
    for (number, lie) in lies.iter().enumerate() {
        let pod = format!("liar-{number}");
        let liar = Fake::start(&pod, lie, Conduct::Echo).await;
        running.up(&pod, liar.address, &known).await;
        while liar.links() < 2 {
            sleep(Duration::from_millis(5)).await;
        }
        for name in ["own", "other"] {
            assert_eq!(invoke(running.api, name, "1").await.status, 429, "{lie:?}");
        }
        assert!(liar.seen().is_empty());
    }
    let honest = Fake::start("honest", &known, Conduct::Echo).await;
    let shortened = Revision { function: "o".into(), ..known };
    running.up("honest", honest.address, &shortened).await;
    while honest.links() < 1 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(invoke(running.api, "own", "1").await.text(), "1", "a label may shorten the name");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_never_accepts_counts_as_dead() {
    let (running, _fake) = with_one(Conduct::Ignore).await;
    let started = Instant::now();
    assert_eq!(invoke(running.api, "f", "1").await.status, 500);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_runs_on_when_its_caller_is_gone_and_keeps_its_slot() {
    let (running, fake) = with_one(Conduct::Slow(Duration::from_millis(400))).await;
    let mut gone = TcpStream::connect(running.api).await.unwrap();
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\n1";
    gone.write_all(head.as_bytes()).await.unwrap();
    while fake.seen().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(gone);
    running.until_metric("kubelambda_gateway_connections 0").await;
    let started = Instant::now();
    assert_eq!(invoke(running.api, "f", "2").await.text(), "2", "it gets its own answer");
    assert!(
        started.elapsed() > Duration::from_millis(500),
        "it waited for the slot: {:?}",
        started.elapsed()
    );
    assert_eq!((fake.ran(), fake.most_at_once()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_and_keep_nobody_waiting() {
    let (running, _fake) = with_one(Conduct::Echo).await;
    let mut slow = Vec::new();
    for number in 0..500 {
        let mut stream = TcpStream::connect(running.api).await.unwrap();
        let part = if number % 2 == 0 {
            "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: h\r\nx-slow: "
        } else {
            "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n1"
        };
        stream.write_all(part.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let mut client = Client::connect(running.api).await;
    for _ in 0..100 {
        let answer = timeout(Duration::from_secs(2), client.invoke("f", "{}")).await;
        assert_eq!(answer.unwrap().status, 200);
    }
    let mut half_a_header = slow.swap_remove(0);
    let (mut text, started) = (String::new(), Instant::now());
    let read = timeout(Duration::from_secs(15), half_a_header.read_to_string(&mut text)).await;
    assert!(read.is_ok() && started.elapsed() > Duration::from_secs(5), "{read:?} {:?}", started.elapsed());
    let mut half_a_body = slow.swap_remove(1);
    timeout(Duration::from_secs(25), half_a_body.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(started.elapsed() > HEADER_READ, "{:?}", started.elapsed());
    assert_eq!(
        client.invoke("f", "3").await.text(),
        "3",
        "an idle connection is kept longer than a header may take"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_requests_in_flight_are_finished() {
    let (running, fake) = with_one(Conduct::Slow(Duration::from_millis(300))).await;
    let waiting = tokio::spawn(invoke(running.api, "f", "1"));
    while fake.seen().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    running.gateway.leave();
    assert!(!running.gateway.is_ready());
    running.shutdown.cancel();
    assert_eq!(waiting.await.unwrap().text(), "1");
    running.served.await.unwrap().unwrap();
    assert!(TcpStream::connect(running.api).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded() {
    let running = Running::start(Options { connections_max: 2, ..options() }, vec![]).await;
    let mut first = Client::connect(running.api).await;
    assert_eq!(first.invoke("f", "{}").await.status, 404);
    let _second = TcpStream::connect(running.api).await.unwrap();
    running.until_metric("kubelambda_gateway_connections 2").await;
    let mut third = TcpStream::connect(running.api).await.unwrap();
    let mut text = String::new();
    assert_eq!(third.read_to_string(&mut text).await.unwrap(), 0, "{text}");
    assert_eq!(first.invoke("f", "{}").await.status, 404);
}
