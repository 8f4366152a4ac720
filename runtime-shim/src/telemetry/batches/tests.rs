use protocol::telemetry::Api;
use serde_json::{Value, json};

use super::*;

fn batches(http: bool, buffering: &Value) -> Batches {
    let destination = if http {
        json!({"protocol": "HTTP", "URI": "http://sandbox.localdomain:1/"})
    } else {
        json!({"protocol": "TCP", "port": 1})
    };
    let body = json!({
        "schemaVersion": "2022-12-13", "types": ["function"], "buffering": buffering, "destination": destination,
    });
    Batches::of(&Subscription::read(Api::Telemetry, body.to_string().as_bytes()).unwrap())
}

fn event(length: usize) -> Item {
    Item::Event(Bytes::from(vec![b'1'; length]))
}

#[tokio::test]
async fn a_batch_is_due_when_it_is_full_or_its_time_is_over_or_it_is_asked_for() {
    let mut batches = batches(true, &json!({"maxItems": 1_000, "timeoutMs": 30_000}));
    for _ in 0..999 {
        batches.take(event(1));
    }
    assert!(!batches.is_due());
    batches.take(event(1));
    assert!(batches.is_due());
    assert_eq!(batches.delivered(1_000), 1_000);
    assert!(!batches.is_due() && batches.due.is_none());

    // Bytes, too; and a batch that nothing is in is never due.
    batches.take(Item::Flush);
    assert!(!batches.is_due());
    batches.take(event(262_143));
    assert!(!batches.is_due());
    batches.take(event(1));
    assert!(batches.is_due());
    batches.delivered(2);

    batches.take(event(1));
    assert!(!batches.is_due());
    batches.take(Item::Flush);
    assert!(batches.is_due());
}

#[tokio::test]
async fn a_batch_keeps_to_its_items_and_its_bytes() {
    let mut http = batches(true, &json!({"maxItems": 1_000}));
    let mut tcp = batches(false, &json!({"maxItems": 1_000}));
    for _ in 0..1_500 {
        http.take(event(2));
        tcp.take(event(2));
    }
    let (batch, count) = http.next();
    assert_eq!(serde_json::from_slice::<Vec<u8>>(&batch).unwrap(), vec![11; 1_000]);
    assert_eq!(count, 1_000);
    let (batch, count) = tcp.next();
    assert_eq!((batch.len(), count, &batch[..6]), (3_000, 1_000, &b"11\n11\n"[..]));
    tcp.delivered(count);
    assert_eq!(tcp.next().1, 500);

    let mut large = batches(true, &json!({"maxBytes": 262_144}));
    for _ in 0..5 {
        large.take(event(100_000));
    }
    let (batch, count) = large.next();
    assert!(count == 2 && batch.len() <= 262_144, "{count}");
    // One event over the bound goes alone rather than never.
    large.delivered(5);
    large.take(event(300_000));
    assert_eq!(large.next().1, 1);
}
