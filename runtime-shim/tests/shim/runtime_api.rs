//! The Runtime API, call by call. What other files show is named here, so that the list is whole:
//!
//! | call | shown by |
//! | --- | --- |
//! | `next`: 200, every header, the payload | `invocations::every_header_of_the_context_is_handed_over` |
//! | `next` again while an invocation runs: the same event | `invocations::the_runtime_api_refuses_what_aws_refuses` |
//! | `next` after an init error: 403; several that wait: each gets an event in its turn | here |
//! | `response`, `error`: 202; twice: 403 | `invocations::the_runtime_api_refuses_what_aws_refuses` |
//! | other id, no id: 400; another attempt's: 410 | there |
//! | an answer after the time-out: 410 | `lifecycle::an_answer_to_an_ended_invocation_goes_nowhere` |
//! | an echo that is right, wrong, or none at all | here |
//! | over 6 MiB + 100 bytes: 413, with and without a length | `failures::a_response_is_bounded_to_the_byte` |
//! | an error over 1 MiB: 413; an X-Ray cause in its header, or in its body | here |
//! | cut off: 400; a bad mode: 400 | `failures::a_response_that_breaks_off_or_names_a_wrong_mode_is_told` |
//! | streamed; its trailers; the HTTP-integration prelude | `streaming` |
//! | chunked with announced trailers, not streamed, as Go posts everything | here |
//! | the error type, sanitised | `invocations::a_handler_s_error_is_passed_on_word_for_word` |
//! | `init/error`: 202; twice, or after the init phase: 403 | here |
//! | `restore/*`, credentials, unknown paths: 404; other methods: 405 and `Allow` | here |
//! | `ping`: 200 | here |
//! | a body that waits for `100 Continue`, as libcurl's larger ones | here |

use protocol::link::environment::FunctionErrorCause::{Crashed, Handler, Init};
use serde_json::json;

use crate::harness::{Shim, assignment, assignment_with};
use crate::link::invoke;

/// Runs Python as the handler; what it leaves in `answer` comes back.
async fn answered(code: &str) -> serde_json::Value {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let event = json!({"run": code}).to_string();
    gateway.run_with(invoke(20_000), &event).await.succeeded().json()
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_has_its_method() {
    let code = r#"
def status(method, path):
    connection = http.client.HTTPConnection(API)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    told = body.decode() if body == b"pong" else json.loads(body)["errorType"]
    return [answer.status, answer.getheader("Content-Type"), answer.getheader("Allow"), told]
answer = {
    "ping": status("GET", "/2018-06-01/ping"),
    "ping elsewhere": status("GET", "/ping"),
    "post ping": status("POST", "/2018-06-01/ping"),
    "restore next": status("GET", PREFIX + "/restore/next"),
    "restore error": status("POST", PREFIX + "/restore/error"),
    "credentials": status("GET", "/2021-04-23/credentials"),
    "root": status("GET", "/"),
    "other version": status("GET", "/2018-06-02/runtime/invocation/next"),
    "post next": status("POST", PREFIX + "/invocation/next"),
    "get response": status("GET", f"{PREFIX}/invocation/{request}/response"),
    "put init error": status("PUT", PREFIX + "/init/error"),
    "get logs": status("GET", "/2020-08-15/logs"),
}
"#;
    let missing = json!([404, "application/json", null, "NotFound"]);
    let method = |allowed: &str| json!([405, "application/json", allowed, "MethodNotAllowed"]);
    let expected = json!({
        "ping": [200, "text/plain; charset=utf-8", null, "pong"], "ping elsewhere": missing,
        "restore next": missing, "restore error": missing, "credentials": missing, "root": missing,
        "other version": missing, "post ping": method("GET"), "post next": method("GET"),
        "get response": method("POST"), "put init error": method("POST"), "get logs": method("PUT, POST"),
    });
    assert_eq!(answered(code).await, expected);
}

#[tokio::test]
async fn calls_of_next_that_wait_get_an_event_each_in_their_turn() {
    let shim = Shim::start().await;
    // A call has reached the shim once what was sent after it is answered.
    let code = r#"
NEXT = f"GET {PREFIX}/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n".encode()
def ping(peer):
    peer.sendall(b"GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\n\r\n")
    assert peer.recv(1000).endswith(b"pong")
def connected():
    host, port = API.split(":")
    peer = socket.create_connection((host, int(port)))
    ping(peer)
    return peer
def serve(peer, name):
    lines = peer.recv(65536).decode().split("\r\n")
    ids = [line.split(": ")[1] for line in lines if line.lower().startswith("lambda-runtime-aws-request-id")]
    print(name, "got", lines[0], flush=True)
    respond(ids[0], json.dumps(name))
first, second, third = connected(), connected(), connected()
first.sendall(NEXT)
ping(third)
second.sendall(NEXT)
ping(third)
print("two wait", flush=True)
serve(first, "first")
first.sendall(NEXT)
serve(second, "second")
first.close()
third.sendall(NEXT)
serve(third, "third, as the first one has closed its connection")
"#;
    let mut gateway = shim.ready(assignment_with("RAW_CODE", code)).await;
    shim.log_with("two wait").await;
    for name in ["first", "second", "third, as the first one has closed its connection"] {
        assert_eq!(gateway.run(&json!({})).await.succeeded().json(), name);
    }
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn an_echo_is_checked_where_there_is_one() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let code = r#"
own = headers["lambda-runtime-invocation-id"]
tried = ["", "no id", own[:-1], own[:-1] + ("0" if own[-1] != "0" else "1"), own]
told = [respond(request, '"told"', headers={"Lambda-Runtime-Invocation-Id": echo})[0] for echo in tried]
print("told", told, flush=True)
"#;
    let outcome = gateway.run(&json!({"run": code})).await;
    assert_eq!(outcome.succeeded().json(), "told");
    assert!(outcome.tail.contains("told [410, 410, 410, 410, 202]\n"), "{}", outcome.tail);
}

#[tokio::test]
async fn errors_are_bounded_and_carry_their_cause() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let error = |bytes: usize, cause: usize| {
        let code = format!(
            "body = b'e' * {bytes}\nstatus = respond(request, body, 'error', {{'Content-Type': \
             'application/json', 'Lambda-Runtime-Function-XRay-Error-Cause': 'c' * {cause}}})\n\
             print('error status', status[0], flush=True)"
        );
        json!({"run": code}).to_string()
    };
    let outcome = gateway.run_with(invoke(20_000), &error(1024 * 1024, 1024 * 1024 - 1)).await;
    outcome.failed_with(Handler, "Runtime.Unknown");
    assert_eq!(outcome.body.len(), 1024 * 1024);
    assert_eq!(outcome.head.content_type, "application/json");
    assert!(outcome.tail.contains("error status 202\n"), "{}", outcome.tail);
    let outcome = gateway.run_with(invoke(20_000), &error(1024 * 1024 + 1, 1)).await;
    outcome.failed_with(Crashed, "Function.ResponseSizeTooLarge");
    assert!(outcome.tail.contains("error status 413\n"), "{}", outcome.tail);
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn of_an_error_with_its_cause_the_caller_gets_the_error() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let kind = "application/vnd.aws.lambda.error.cause+json";
    let code = "respond(request, event['body'], 'error', {'Content-Type': event['type'], \
                'Lambda-Runtime-Function-Error-Type': 'Runtime.Told'})";
    let told =
        json!({"errorType": "T", "errorMessage": "m", "stackTrace": ["a"], "errorCause": {"message": "c"}});
    let of_the_caller = r#"{"errorMessage":"m","errorType":"T","stackTrace":["a"]}"#.to_owned();
    for (kind, body, expected_kind, expected) in [
        (kind, told.to_string(), "application/json", of_the_caller),
        (kind, "{".to_owned(), "application/octet-stream", "\"Invalid error body\"".to_owned()),
        ("application/json", told.to_string(), "application/json", told.to_string()),
    ] {
        let outcome = gateway.run(&json!({"run": code, "type": kind, "body": body})).await;
        outcome.failed_with(Handler, "Runtime.Told");
        let came = (outcome.head.content_type.as_str(), String::from_utf8(outcome.body).unwrap());
        assert_eq!(came, (expected_kind, expected));
    }
}

#[tokio::test]
async fn go_s_way_of_posting_is_understood() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    // "every POST chunked and announces both error trailers, even plain buffered and error bodies"
    let post = |path: &str, trailers: &str| {
        let code = format!(
            "connection = http.client.HTTPConnection(API)\n\
             connection.putrequest('POST', f'{{PREFIX}}/invocation/{{request}}/{path}')\n\
             connection.putheader('Transfer-Encoding', 'chunked')\n\
             connection.putheader('Trailer', 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body')\n\
             connection.endheaders()\n\
             connection.send(b'4\\r\\n\"go\"\\r\\n0\\r\\n{trailers}\\r\\n')\n\
             print('status', connection.getresponse().status, flush=True)"
        );
        json!({"run": code})
    };
    let outcome = gateway.run(&post("response", "")).await;
    assert_eq!(outcome.succeeded().json(), "go");
    assert!(outcome.tail.contains("status 202\n"), "{}", outcome.tail);
    let outcome = gateway.run(&post("error", "")).await;
    assert_eq!(outcome.failed_with(Handler, "Runtime.Unknown").json(), "go");
    // An error in the trailer takes the place of a whole answer.
    let trailers = "Lambda-Runtime-Function-Error-Type: Runtime.Late\\r\\nLambda-Runtime-Function-Error-Body: ImxhdGUi\\r\\n";
    let outcome = gateway.run(&post("response", trailers)).await;
    assert_eq!(outcome.failed_with(Handler, "Runtime.Late").json(), "late");
}

#[tokio::test]
async fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let code = r#"
import socket
host, port = API.split(":")
peer = socket.create_connection((host, int(port)))
body = b'"waited"'
peer.send(f"POST {PREFIX}/invocation/{request}/response HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
first = peer.recv(1000)
peer.send(body)
print("first", first.split(b"\r\n")[0], "then", peer.recv(1000).split(b"\r\n")[0], flush=True)
"#;
    assert_eq!(answered(code).await, "waited");
}

#[tokio::test]
async fn an_init_error_is_told_once_and_only_in_the_init_phase() {
    let shim = Shim::start().await;
    let code = r#"
early = respond("00000000-0000-4000-8000-000000000000", "{}")
first = call("POST", "/init/error", '{"errorType":"first"}', {"Lambda-Runtime-Function-Error-Type": "Runtime.First"})
second = call("POST", "/init/error", '{"errorType":"second"}', {"Lambda-Runtime-Function-Error-Type": "Runtime.Second"})
asked = call("GET", "/invocation/next")
print("told", early[0], first[0], first[2], second[0], asked[0], json.loads(asked[2])["errorType"], flush=True)
sys.exit(1)
"#;
    let mut operator = shim.operator().await;
    operator.assign(assignment_with("RAW_CODE", code), bytes::Bytes::new()).await;
    operator.until_free().await;
    let outcome = shim.gateway().await.run_with(invoke(20_000), "{}").await;
    outcome.failed_with(Init, "Runtime.First");
    assert_eq!(outcome.json(), json!({"errorType": "first"}));
    let told = "told 403 202 b'{\"status\":\"OK\"}\\n' 403 403 InvalidStateTransition\n";
    assert!(shim.log().contains(told), "{}", shim.log());
}
