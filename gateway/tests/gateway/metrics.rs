//! Names and labels of metrics, and which series exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::client::{get, invoke};
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};
use gateway::metrics::{ComingGateway, NAMES, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ENDED: &str = r#"kubelambda_invocations_total{function="F_1",namespace="default",outcome="success",version="$LATEST"} 2"#;

async fn after_two_invokes() -> (Running, Fake) {
    let declared = function("F_1", 2);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    for _ in 0..2 {
        assert_eq!(invoke(running.api, "F_1", "{}").await.status, 200);
    }
    assert_eq!(invoke(running.api, "made-up-by-a-caller", "{}").await.status, 404);
    running.until_metric(ENDED).await;
    (running, fake)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_a_gateway_yet_is_alive_and_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, coming) = (listener.local_addr().unwrap(), ComingGateway::default());
    tokio::spawn(serve(Arc::clone(&coming), listener, CancellationToken::new()));
    let status = async |path: &str| get(address, path).await.status;
    assert_eq!(
        (status("/healthz").await, status("/readyz").await, status("/metrics").await),
        (200, 503, 200)
    );
    let running = Running::start(options(), vec![]).await;
    coming.set(running.gateway.clone()).unwrap();
    assert_eq!(status("/readyz").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_there_with_help_type_and_few_buckets() {
    let (running, _fake) = after_two_invokes().await;
    let text = running.metrics_text().await;
    let typed: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(typed, NAMES.into_iter().collect());
    for name in NAMES {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        let buckets = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
        assert!(buckets.count() <= 13, "{name}: twelve and +Inf");
    }
    for line in [
        r#"kubelambda_cold_starts_total{function="F_1",namespace="default",version="$LATEST"} 0"#,
        r#"kubelambda_invocation_duration_seconds_count{function="F_1",namespace="default",version="$LATEST"} 2"#,
        r#"kubelambda_remaining_time_seconds_sum{function="F_1",namespace="default",version="$LATEST"} 4"#,
        r#"kubelambda_memory_used_bytes_sum{function="F_1",namespace="default",version="$LATEST"} 83886080"#,
        r#"kubelambda_gateway_requests_total{code="404"} 1"#,
        "kubelambda_gateway_functions 1",
    ] {
        running.until_metric(line).await;
    }
    assert!(!text.contains("made-up-by-a-caller"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_series_of_a_deleted_function_go_away() {
    let (running, _fake) = after_two_invokes().await;
    running.declare(|declared| declared.functions.clear());
    running.until_metric("kubelambda_gateway_functions 0").await;
    for _ in 0..100 {
        if !running.metrics_text().await.contains("F_1") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{}", running.metrics_text().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_of_life_and_readiness() {
    let running = Running::start(options(), vec![]).await;
    assert_eq!(get(running.metrics, "/healthz").await.status, 200);
    assert_eq!(get(running.metrics, "/readyz").await.status, 200);
    running.gateway.leave();
    assert_eq!(get(running.metrics, "/readyz").await.status, 503);
    assert_eq!(get(running.metrics, "/healthz").await.status, 200);
}
