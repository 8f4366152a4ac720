//! Frames of the link, of every kind of message.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use protocol::link::control::{FromOperator, ToOperator};
use protocol::link::environment::{FromEnvironment, ToEnvironment};
use protocol::link::frame::{Frame, FrameError, HANDSHAKE_FRAME_BYTES_MAX, read_frame, write_frame};
use protocol::link::handshake::{Answer, Challenge, Opening};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, ReadBuf};

use crate::run::Target;

pub const TARGETS: [Target; 5] = [
    Target { name: "frame_to_environment", seeds: to_environment, check: check::<ToEnvironment> },
    Target { name: "frame_from_environment", seeds: from_environment, check: check::<FromEnvironment> },
    Target { name: "frame_to_operator", seeds: to_operator, check: check::<ToOperator> },
    Target { name: "frame_from_operator", seeds: from_operator, check: check::<FromOperator> },
    Target { name: "handshake_frames", seeds: handshakes, check: handshake },
];

/// Bytes that come in pieces, and how many of them were taken.
struct Wire<'a> {
    left: &'a [u8],
    piece: usize,
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.piece.min(into.remaining()).min(self.left.len());
        let (taken, left) = self.left.split_at(length);
        into.put_slice(taken);
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

/// What comes of a future that never has to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits although all bytes are there"),
    }
}

fn wire<H: Serialize>(header: H, body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let frame = Frame { header, body: Bytes::copy_from_slice(body) };
    now(write_frame(&mut wire, &frame)).unwrap();
    wire
}

/// Frames of the messages, each read before it is taken for a seed, and then two in a row.
fn seeds<H: DeserializeOwned + Serialize>(messages: &[Value]) -> Vec<Vec<u8>> {
    let read = |message: &Value| {
        serde_json::from_value::<H>(message.clone()).unwrap_or_else(|e| panic!("{message}: {e}"))
    };
    let mut seeds: Vec<_> = messages.iter().map(|message| wire(read(message), b"{\"k\":1}")).collect();
    seeds.push(seeds.concat());
    seeds
}

/// As `check` does: with the least bound that takes every seed, so that mutations meet it.
const BOUND: usize = 4 * 1024;

fn check<H: DeserializeOwned + Serialize + PartialEq + Debug>(input: &[u8]) -> String {
    let whole = read_all::<H>(input, usize::MAX);
    let pieces = read_all::<H>(input, 1);
    assert_eq!(whole.0, pieces.0, "one byte at a time is read as something else");
    assert_eq!(whole.1, pieces.1);
    whole.1
}

/// The frames of `input`, and how it ended.
fn read_all<H: DeserializeOwned + Serialize + PartialEq + Debug>(
    input: &[u8],
    piece: usize,
) -> (Vec<Frame<H>>, String) {
    let mut reader = Wire { left: input, piece };
    let mut frames = Vec::new();
    loop {
        let before = reader.left;
        let read = now(read_frame::<H, _>(&mut reader, BOUND));
        let taken = before.len() - reader.left.len();
        let announced = before.first_chunk().map(|prefix| u32::from_be_bytes(*prefix) as usize);
        match read {
            Ok(frame) => {
                assert_eq!(Some(taken - 4), announced, "a frame ends where it was announced to end");
                let again = wire(&frame.header, &frame.body);
                let mut reader = Wire { left: &again, piece };
                assert_eq!(now(read_frame::<H, _>(&mut reader, 2 * BOUND)).unwrap(), frame);
                frames.push(frame);
            }
            Err(error) => {
                let most = announced.filter(|announced| *announced <= BOUND).unwrap_or_default();
                assert!(taken <= 4 + most, "{taken} bytes are taken of a frame of {announced:?}");
                if let FrameError::TooLong { announced: told, bound } = error {
                    assert!(told > bound, "{told} is within {bound}");
                }
                return (frames, error.to_string());
            }
        }
    }
}

const ATTEMPT: &str = "11111111-2222-4333-8444-555555555555";

fn revision() -> Value {
    json!({"namespace": "default", "function": "f", "uid": "u", "version": "$LATEST", "configuration": "c0ffee"})
}

fn to_environment() -> Vec<Vec<u8>> {
    let assignment = json!({
        "type": "assign", "revision": revision(), "functionName": "my_function", "account": "123456789012",
        "region": "eu-central-1", "handler": "app.handler",
        "code": {"type": "inline", "files": BTreeMap::from([("app.py", "def handler(e, c): return e")])},
        "command": ["/lambda-entrypoint.sh", "app.handler"], "workingDirectory": "/var/task",
        "variables": {"A": "b"}, "executionEnvironment": "AWS_Lambda_python3.13", "memoryMb": 256,
        "timeoutSeconds": 3, "ephemeralStorageMb": 512, "logGroup": "/aws/lambda/f",
        "logStreamId": "07".repeat(16), "idle": "run",
    });
    seeds::<ToEnvironment>(&[
        assignment,
        json!({
            "type": "invoke", "requestId": ATTEMPT, "attempt": ATTEMPT, "revision": revision(), "budget": 3_000,
            "invokedArn": "arn:aws:lambda:eu-central-1:123456789012:function:f", "clientContext": "{\"custom\":{}}",
            "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}, "trace": "Root=1-0-0",
            "tenantId": "t", "wantsLogTail": true, "responseMode": "streaming",
        }),
        json!({"type": "waiting", "oldest_ms": 12}),
        json!({"type": "more", "attempt": ATTEMPT, "parts": 3}),
        json!({"type": "drain"}),
        json!({"type": "laterThanThis", "x": 1}),
    ])
}

fn from_environment() -> Vec<Vec<u8>> {
    let error = json!({"cause": "timedOut", "errorType": "Sandbox.Timedout"});
    seeds::<FromEnvironment>(&[
        json!({"type": "state", "phase": "free", "revision": revision(), "init": {"status": "succeeded", "duration_ms": 1.25}, "invocations": 7}),
        json!({"type": "state", "phase": "generic"}),
        json!({"type": "granted"}),
        json!({"type": "refused", "attempt": ATTEMPT, "reason": "busy"}),
        json!({"type": "accepted", "attempt": ATTEMPT}),
        json!({"type": "response", "attempt": ATTEMPT, "last": true, "head": {"functionError": error, "contentType": "application/json"}, "error": error}),
        json!({"type": "errorCause", "attempt": ATTEMPT}),
        json!({"type": "finished", "attempt": ATTEMPT, "report": {"durationMs": 1.5, "billedDurationMs": 2, "maxMemoryUsedMb": 30, "initDurationMs": 80.25, "remainingMs": 2998}}),
    ])
}

fn to_operator() -> Vec<Vec<u8>> {
    let demand = json!({"revision": revision(), "running": 1, "waiting": 2});
    seeds::<ToOperator>(&[json!({"type": "demand", "revisions": [demand, demand]}), json!({"type": "x"})])
}

fn from_operator() -> Vec<Vec<u8>> {
    seeds::<FromOperator>(&[
        json!({"type": "environmentUp", "namespace": "n", "pod": "p", "address": "10.0.0.1:9700", "revision": revision()}),
        json!({"type": "environmentGone", "namespace": "n", "pod": "p"}),
        json!({"type": "blocked", "revision": revision(), "reason": "unschedulable", "message": "0/1 nodes"}),
        json!({"type": "unblocked", "revision": revision()}),
    ])
}

fn handshakes() -> Vec<Vec<u8>> {
    let nonce = "ab".repeat(32);
    let claims = json!({"namespace": "n", "pod": "p", "pool": "q", "expires_epoch_seconds": 1_768_464_000});
    let mut all = seeds::<Opening>(&[
        json!({"type": "environment", "version": 1, "claims": claims, "nonce": nonce}),
        json!({"type": "gateway", "version": 1, "name": "gateway-0", "nonce": nonce}),
    ]);
    all.extend(seeds::<Challenge>(&[
        json!({"version": 1, "role": "operator", "nonce": nonce, "signature": nonce}),
    ]));
    all.extend(seeds::<Answer>(&[json!({"proof": nonce})]));
    all
}

/// Before a peer has proved itself; each of the three frames is read from the same bytes.
fn handshake(input: &[u8]) -> String {
    fn one<H: DeserializeOwned + Serialize>(input: &[u8]) -> String {
        let mut reader = Wire { left: input, piece: usize::MAX };
        let read = now(read_frame::<H, _>(&mut reader, HANDSHAKE_FRAME_BYTES_MAX));
        assert!(input.len() - reader.left.len() <= 4 + HANDSHAKE_FRAME_BYTES_MAX);
        match read {
            Ok(frame) => {
                let written = serde_json::to_string(&frame.header).unwrap();
                let again: H = serde_json::from_str(&written).unwrap();
                assert_eq!(serde_json::to_string(&again).unwrap(), written);
                "read".into()
            }
            Err(error) => error.to_string(),
        }
    }
    [one::<Opening>(input), one::<Challenge>(input), one::<Answer>(input)].join(" ")
}
