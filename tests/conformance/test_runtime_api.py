"""The Runtime API, called by a runtime that does what its events say (functions/raw.py)."""

import json
import re
import time
import uuid

SELF = "invocation/{self}/"
ANSWERED = {"status": "OK"}
LIMIT = 6_291_556


def raw(endpoint, steps=(), after=(), answer=True, headers=None, function="raw"):
    """What the steps saw, in order, and the answer of the invocation that made them."""
    token = str(uuid.uuid4())
    event = {"token": token, "steps": list(steps), "after": list(after), "answer": answer}
    first = endpoint.invoke(function, event, headers=headers)
    seen = seen_in(first, token)
    if len(seen) < len([step for step in [*steps, *after] if "path" in step]):
        # What was not told by the invocation itself is told by the next one.
        seen += seen_in(endpoint.invoke(function), token)
    return seen, first


def seen_in(answer, token):
    try:
        told = answer.json
    except ValueError:
        return []
    return [one for one in told.get("seen", []) if one["token"] == token] if isinstance(told, dict) else []


def next_headers(endpoint, headers=None):
    answer = endpoint.invoke("raw", headers=headers)
    return answer, answer.json["next"]["headers"]


def is_error(seen, status, error_type):
    assert seen["status"] == status, seen
    body = json.loads(seen["body"])
    assert sorted(body) == ["errorMessage", "errorType"] and body["errorType"] == error_type, seen
    return body


def test_next_gives_the_event(endpoint):
    """Guide, runtimes-api: "The response body contains the payload from the invocation, which is a JSON document that contains event data from the function trigger." """
    event = {"text": "ä€😀", "b": 1, "a": 2}
    payload = json.dumps(event, ensure_ascii=False).encode()
    answer = endpoint.invoke("raw", payload=payload)
    assert answer.json["next"]["body"] == payload.decode()


def test_next_status(endpoint):
    """Facts 1.1: "GET `/runtime/invocation/next` | 200 | event bytes" """
    assert endpoint.invoke("raw").json["next"]["status"] == 200


def test_next_request_id(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Aws-Request-Id – The request ID, which identifies the request that triggered the function invocation." """
    first, second = (next_headers(endpoint)[1]["lambda-runtime-aws-request-id"] for _ in range(2))
    assert str(uuid.UUID(first)) == first and first != second


def test_next_deadline(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Deadline-Ms – The date that the function times out in Unix time milliseconds." """
    _, headers = next_headers(endpoint)
    assert re.fullmatch(r"\d{13}", headers["lambda-runtime-deadline-ms"])
    assert 8 < int(headers["lambda-runtime-deadline-ms"]) / 1000 - time.time() <= 10


def test_next_arn(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Invoked-Function-Arn – The ARN of the Lambda function, version, or alias that's specified in the invocation." """
    _, headers = next_headers(endpoint)
    assert re.fullmatch(r"arn:aws:lambda:us-east-1:\d{12}:function:raw", headers["lambda-runtime-invoked-function-arn"])


def test_next_trace_id(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Trace-Id – The AWS X-Ray tracing header." """
    _, headers = next_headers(endpoint)
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-")


def test_next_client_context_is_decoded(endpoint):
    """Facts 1.2: "Lambda-Runtime-Client-Context | decoded JSON text (caller sends base64)" """
    _, headers = next_headers(endpoint, {"X-Amz-Client-Context": "eyAiY3VzdG9tIiA6IHt9IH0="})
    assert headers["lambda-runtime-client-context"] == '{ "custom" : {} }'


def test_next_without_client_context_and_identity(endpoint):
    """Facts 1.2: "Response headers on `next` (empty ones are omitted)" """
    _, headers = next_headers(endpoint)
    assert "lambda-runtime-client-context" not in headers and "lambda-runtime-cognito-identity" not in headers


def test_next_content_type(endpoint):
    """Facts 1.2: "Content-Type | `application/json` | **mandatory in practice**" """
    _, headers = next_headers(endpoint)
    assert headers["content-type"] == "application/json"


def test_next_invocation_id(endpoint):
    """Facts 1.2: "Lambda-Runtime-Invocation-Id | **new July 2026**: unique nonce per delivery, never reused across retries" """
    first, second = (next_headers(endpoint)[1]["lambda-runtime-invocation-id"] for _ in range(2))
    assert first and second and first != second


def test_repeated_next(endpoint):
    """Facts 1.1: "Repeating it while an invocation is running returns the same event again (200) (S)" """
    (seen,), answer = raw(endpoint, [{"method": "GET", "path": "invocation/next"}])
    assert seen["status"] == 200 and seen["headers"]["lambda-runtime-aws-request-id"] == answer.json["next"]["headers"]["lambda-runtime-aws-request-id"]
    assert json.loads(seen["body"]) == answer.json["event"]


def test_response_is_accepted(endpoint):
    """Guide, runtimes-api: "202 – Accepted"; facts 1.1: `{"status":"OK"}` """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": '"mine"'}], answer=False)
    assert (seen["status"], json.loads(seen["body"])) == (202, ANSWERED)
    assert answer.payload == b'"mine"'


def test_response_reaches_the_client_as_it_is(endpoint):
    """Guide, runtimes-api: "For synchronous invocations, Lambda sends the response to the client." """
    _, answer = raw(endpoint, [{"path": SELF + "response", "body": ' { "a" :  1 }\n'}], answer=False)
    assert (answer.status, answer.error, answer.payload) == (200, None, b' { "a" :  1 }\n')


def test_response_in_chunks(endpoint):
    """Facts 1.6: "every POST chunked" (Go): accepted as one with a length. """
    step = {"path": SELF + "response", "chunks": ['{"a"', ":", " 1}"]}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and answer.payload == b'{"a": 1}'


def test_response_without_content_type(endpoint):
    """Facts 1.6: "**none** for buffered" (Content-Type of the Rust client): accepted. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": "5"}], answer=False)
    assert seen["status"] == 202 and answer.payload == b"5"
    assert answer.headers["content-type"] == "application/json"


def test_response_with_a_wrong_id(endpoint):
    """Facts 1.4: "400 | InvalidRequestID | wrong id or already answered (msg "Invalid request ID")" """
    (seen,), answer = raw(endpoint, [{"path": f"invocation/{uuid.uuid4()}/response", "body": "1"}])
    assert is_error(seen, 400, "InvalidRequestID")["errorMessage"] == "Invalid request ID"
    assert answer.status == 200 and "seen" in answer.json, "the invocation itself is answered"


def test_response_with_an_id_that_is_none(endpoint):
    """Facts 1.4: "400 | InvalidRequestID" """
    (seen,), _ = raw(endpoint, [{"path": "invocation/nonsense/response", "body": "1"}])
    is_error(seen, 400, "InvalidRequestID")


def test_late_response(endpoint):
    """Guide, runtimes-api: "The request ID tracks the invocation within Lambda. Use it to specify the invocation when you send the response.": one of the invocation before is refused. """
    endpoint.invoke("raw")
    (seen,), answer = raw(endpoint, [{"path": "invocation/{previous}/response", "body": '"late"'}])
    is_error(seen, 400, "InvalidRequestID")
    assert answer.status == 200 and answer.payload != b'"late"'


def test_double_response(endpoint):
    """Facts 1.4: "400 | InvalidRequestID | wrong id or already answered"; "403 | InvalidStateTransition | call not allowed in current state" """
    steps = [{"path": SELF + "response", "body": '"first"'}, {"path": SELF + "response", "body": '"second"'}]
    (first, second), answer = raw(endpoint, steps, answer=False)
    assert first["status"] == 202 and answer.payload == b'"first"'
    assert (second["status"], json.loads(second["body"])["errorType"]) in ((400, "InvalidRequestID"), (403, "InvalidStateTransition"))


def test_error_after_response(endpoint):
    """Facts 1.4: "403 | InvalidStateTransition", or 400 for what is already answered """
    steps = [{"path": SELF + "response", "body": '"first"'}, {"path": SELF + "error", "body": "{}"}]
    (first, second), answer = raw(endpoint, steps, answer=False)
    assert first["status"] == 202 and (answer.error, answer.payload) == (None, b'"first"')
    assert second["status"] in (400, 403)


def test_error_is_accepted(endpoint):
    """Guide, runtimes-api: "If the function returns an error or the runtime encounters an error, the runtime uses this method to report the error to Lambda." """
    (seen,), answer = raw(endpoint, [{"path": SELF + "error", "body": '{"errorMessage": "m", "errorType": "T"}'}], answer=False)
    assert (seen["status"], json.loads(seen["body"])) == (202, ANSWERED)
    assert (answer.status, answer.error, answer.json) == (200, "Unhandled", {"errorMessage": "m", "errorType": "T"})


def test_error_body_is_passed_on_as_it_is(endpoint):
    """Facts 1.1: "body passed to the caller verbatim" """
    body = ' {"anything" : ["of", "mine"]}'
    _, answer = raw(endpoint, [{"path": SELF + "error", "body": body}], answer=False)
    assert (answer.error, answer.payload.decode()) == ("Unhandled", body)


def test_error_type_header(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Function-Error-Type – Error type that the runtime encountered." """
    step = {"path": SELF + "error", "body": "{}", "headers": {"Lambda-Runtime-Function-Error-Type": "Function.Asked"}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and answer.error == "Unhandled"


def test_error_with_a_wrong_id(endpoint):
    """Facts 1.4: "400 | InvalidRequestID" """
    (seen,), answer = raw(endpoint, [{"path": f"invocation/{uuid.uuid4()}/error", "body": "{}"}])
    is_error(seen, 400, "InvalidRequestID")
    assert answer.error is None


def test_error_bodies_are_json(endpoint):
    """Facts 1.4: "Error bodies: `{"errorMessage":…,"errorType":…}` (JSON)" """
    (seen,), _ = raw(endpoint, [{"path": "invocation/nonsense/error", "body": "{}"}])
    assert seen["headers"]["content-type"].startswith("application/json")


def test_bad_response_mode(endpoint):
    """Facts 1.3: "Lambda-Runtime-Function-Response-Mode | response | only legal value `streaming`; anything else → 400"; 1.4: InvalidFunctionResponseMode """
    step = {"path": SELF + "response", "body": "1", "headers": {"Lambda-Runtime-Function-Response-Mode": "dreaming"}}
    (seen,), _ = raw(endpoint, [step], answer=False)
    is_error(seen, 400, "InvalidFunctionResponseMode")


def test_response_in_streaming_mode(endpoint):
    """Guide, runtimes-custom: "Set the Lambda-Runtime-Function-Response-Mode HTTP header to streaming. Set the Transfer-Encoding header to chunked."; for Invoke the body is buffered """
    step = {
        "path": SELF + "response", "chunks": ['"in ', 'parts"'],
        "headers": {"Lambda-Runtime-Function-Response-Mode": "streaming"},
    }
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.payload) == (None, b'"in parts"')


def test_truncated_response(endpoint):
    """Facts 1.4: "400 | TruncatedHTTPRequest | body cut off" """
    (seen,), _ = raw(endpoint, [{"path": SELF + "response", "truncated": True}], answer=False)
    is_error(seen, 400, "TruncatedHTTPRequest")


def test_served_after_a_truncated_response(endpoint):
    """Issue 4: half-written answers: the next invocation is served. """
    raw(endpoint, [{"path": SELF + "response", "truncated": True}], answer=False)
    assert endpoint.invoke("raw", {"mine": 1}).json["event"] == {"mine": 1}


def test_response_at_the_limit(endpoint):
    """Facts 1.4: "413 | RequestEntityTooLarge | response body > 6291556 bytes (6 MiB + 100)": not one of just that size """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "bytes": LIMIT}], answer=False)
    assert seen["status"] == 202 and len(answer.payload) == LIMIT


def test_oversized_response(endpoint):
    """Guide, runtimes-api: "413 – Payload Too Large"; facts 1.4: RequestEntityTooLarge """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "bytes": LIMIT + 1}], answer=False)
    is_error(seen, 413, "RequestEntityTooLarge")
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")


def test_error_after_an_oversized_response(endpoint):
    """Facts 1.4: "RAPID itself then ends the invocation as Function.ResponseSizeTooLarge, so a following `error` gets 403" """
    steps = [{"path": SELF + "response", "bytes": LIMIT + 1}, {"path": SELF + "error", "body": "{}"}]
    (first, second), _ = raw(endpoint, steps, answer=False)
    assert first["status"] == 413
    is_error(second, 403, "InvalidStateTransition")


def test_echoed_invocation_id(endpoint):
    """Facts 1.3: "Lambda-Runtime-Invocation-Id | response, error | echo of 1.2; absent → server skips the check; mismatch → rejected" """
    step = {"path": SELF + "response", "body": "1", "headers": {"Lambda-Runtime-Invocation-Id": str(uuid.uuid4())}}
    (seen,), answer = raw(endpoint, [step])
    assert seen["status"] in (400, 410), seen
    assert answer.status == 200 and "seen" in answer.json


def test_init_error_after_next(endpoint):
    """Facts 1.1: init/error "only before first next"; 1.4: "403 | InvalidStateTransition" """
    (seen,), answer = raw(endpoint, [{"path": "init/error", "body": "{}"}])
    is_error(seen, 403, "InvalidStateTransition")
    assert answer.error is None


def test_init_error(endpoint):
    """Guide, runtimes-api: "If the function returns an error or the runtime encounters an error during initialization, the runtime uses this method to report the error to Lambda." """
    answer = endpoint.invoke("raw-init-error")
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.json == {"errorMessage": "no such thing", "errorType": "InitAsked", "stackTrace": ["one"]}


def test_response_with_get(endpoint):
    """Guide, runtimes-api: "Path – /runtime/invocation/AwsRequestId/response. Method – POST" """
    (seen,), answer = raw(endpoint, [{"method": "GET", "path": SELF + "response"}])
    assert seen["status"] in (404, 405) and answer.error is None


def test_unknown_path(endpoint):
    """Facts 1.1: the endpoints; any other is 404 """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "nothing"}])
    assert seen["status"] == 404


def test_restore_is_absent(endpoint):
    """Facts 1.1: restore/next "mounted only for SnapStart" """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "restore/next"}])
    assert seen["status"] == 404


def test_ping(endpoint):
    """Facts 1.1: "GET `/ping` (no prefix) | 200 | `pong`" """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "/ping"}])
    assert (seen["status"], seen["body"]) == (200, "pong")


def test_exit_after_the_answer(endpoint):
    """Facts 2.1: "response reaches the caller as soon as the runtime posted it": the end of the process afterwards harms neither it nor the next invocation. """
    answer = endpoint.invoke("raw", {"mine": 1, "after": [{"exit": 1}]})
    assert (answer.status, answer.json["event"]["mine"]) == (200, 1)
    assert endpoint.invoke("raw", {"mine": 2}).json["event"] == {"mine": 2}


def test_work_after_the_answer(endpoint):
    """Facts 2.1: "environment stays occupied (concurrency slot, billing) until runtime next": the caller does not wait for it. """
    began = time.monotonic()
    answer = endpoint.invoke("raw", {"after": [{"sleep": 1}]})
    assert answer.status == 200 and time.monotonic() - began < 0.9
