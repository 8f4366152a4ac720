//! What the gateway adds to a warm invoke, measured: 100-byte payload, one client, one connection.
//!
//! In `make test` a short run that only shows that the measurement works; `make bench` sets `KUBELAMBDA_BENCH`:
//! `KUBELAMBDA_BENCH=1 cargo test --release -p gateway --test gateway -- --nocapture overhead`

#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::support::client::Client;
use crate::support::fake::{Conduct, Fake};
use crate::support::gateway::{Running, function, options, revision};

/// 20,000 for a figure, 320 to see that it can be taken.
fn invokes() -> usize {
    if std::env::var_os("KUBELAMBDA_BENCH").is_some() { 20_000 } else { 320 }
}

async fn measure(client: &mut Client, what: &str) {
    let payload = Bytes::from(format!("\"{}\"", "x".repeat(98)));
    for _ in 0..invokes() / 10 {
        client.invoke("f", payload.clone()).await;
    }
    let mut took: Vec<Duration> = Vec::with_capacity(invokes());
    for _ in 0..invokes() {
        let started = Instant::now();
        assert_eq!(client.invoke("f", payload.clone()).await.status, 200);
        took.push(started.elapsed());
    }
    took.sort();
    println!("{what}: p50 {:?}, p99 {:?}", took[invokes() / 2], took[invokes() * 99 / 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn overhead_of_a_warm_invoke() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let direct = listener.local_addr().unwrap();
    let path = protocol::lambda_api::invoke::PATH;
    let router = Router::new().route(path, post(|body: Bytes| async { body }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    measure(&mut Client::connect(direct).await, "HTTP server that echoes").await;

    let declared = function("f", 2);
    let running = Running::start(options(), vec![declared.clone()]).await;
    let fake = Fake::start("pod", &revision(&declared), Conduct::Echo).await;
    running.up("pod", fake.address, &revision(&declared)).await;
    measure(&mut Client::connect(running.api).await, "gateway with an environment that echoes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overhead_throughput_of_many_clients() {
    let declared = function("f", 1_000);
    let running = Running::start(options(), vec![declared.clone()]).await;
    for number in 0..16 {
        let pod = format!("pod-{number}");
        let fake = Fake::start(&pod, &revision(&declared), Conduct::Echo).await;
        running.up(&pod, fake.address, &revision(&declared)).await;
    }
    let started = Instant::now();
    let clients = (0..16).map(|_| async {
        let mut client = Client::connect(running.api).await;
        for _ in 0..invokes() / 16 {
            assert_eq!(client.invoke("f", "1").await.status, 200);
        }
    });
    futures::future::join_all(clients).await;
    let seconds = started.elapsed().as_secs_f64();
    let invokes = invokes();
    println!("16 clients, 16 environments: {invokes} invokes in {seconds:.2} s");
}
