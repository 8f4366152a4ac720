"""The Invoke operation, as the service model, the guide and recorded answers have it."""

import base64
import json
import re
import uuid

import pytest

REQUEST_MAX, RESPONSE_MAX = 6 * 2**20, 6 * 2**20 + 100
TAIL = {"X-Amz-Log-Type": "Tail"}


def client_context(value):
    return {"X-Amz-Client-Context": base64.b64encode(json.dumps(value).encode()).decode()}


def test_status_of_a_request_response_invocation(endpoint):
    """Model: "For the RequestResponse invocation type, this status code is 200." """
    assert endpoint.invoke("handlers").status == 200


def test_request_response_is_the_default(endpoint):
    """Model: "RequestResponse (default) – Invoke the function synchronously." """
    named = endpoint.invoke("handlers", {"a": 1}, headers={"X-Amz-Invocation-Type": "RequestResponse"})
    assert endpoint.invoke("handlers", {"a": 1}).payload == named.payload == b'{"a": 1}'


def test_payload_of_the_answer_is_the_functions_own(endpoint):
    """Model: "The response from the function, or an error object." """
    event = {"text": "ä€😀\"\\\n", "numbers": [0, -1, 1.5, 1e300], "null": None, "nested": {"a": [True, False]}}
    assert endpoint.invoke("handlers", event).json == event


def test_content_type_of_the_answer(endpoint):
    """Recording (qualified): Content-Type of an answer is application/json. """
    assert endpoint.invoke("handlers").headers["content-type"] == "application/json"


def test_executed_version(endpoint):
    """Model: "The version of the function that executed." """
    assert endpoint.invoke("handlers").headers["x-amz-executed-version"] == "$LATEST"


def test_request_id_is_a_uuid(endpoint):
    """Recording test_lambda_with_context: the request id of the answer is `<uuid:1>`. """
    answer = endpoint.invoke("handlers")
    assert str(uuid.UUID(answer.request_id)) == answer.request_id


def test_request_id_is_the_functions(endpoint):
    """Recording test_lambda_with_context: aws_request_id is the request id of the answer, `<uuid:1>`. """
    answer = endpoint.call("conformance.context", sleep_ms=0)
    assert answer.json["aws_request_id"] == answer.request_id


def test_request_ids_differ(endpoint):
    """Guide, python-context: "aws_request_id – The identifier of the invocation request." """
    ids = {endpoint.call("conformance.context", sleep_ms=0).json["aws_request_id"] for _ in range(3)}
    assert len(ids) == 3


def test_no_error_header_on_success(endpoint):
    """Model: "If present, indicates that an error occurred during function execution." """
    answer = endpoint.invoke("handlers", {"errorType": "Fake", "errorMessage": "a success with an error's keys"})
    assert answer.status == 200 and answer.error is None


def test_empty_body_is_an_empty_object(endpoint):
    """Guide, invocation-sync: "The payload is a string that contains an event in JSON format.": none is an empty event, as recorded. """
    answer = endpoint.invoke("handlers", payload=b"")
    assert (answer.status, answer.json) == (200, {})


def test_request_content_type_is_ignored(endpoint):
    """Recording (qualified): an event is read as JSON whatever the Content-Type of the request. """
    answer = endpoint.invoke("handlers", {"a": 1}, headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.json) == (200, {"a": 1})


@pytest.mark.parametrize("event", ["text", 5, None, [1, 2], True], ids=["string", "number", "null", "list", "true"])
def test_any_json_value_is_an_event(endpoint, event):
    """Guide, python-handler: "It is usually of the Python dict type. It can also be list, str, int, float, or the NoneType type." """
    answer = endpoint.invoke("handlers", payload=json.dumps(event).encode())
    assert (answer.status, answer.json) == (200, event)


def test_handler_that_returns_nothing(endpoint):
    """Guide, python-handler: "If the handler returns None, as Python functions without a return statement implicitly do, the runtime returns null." """
    assert endpoint.call("dispatch.nothing").payload == b"null"


def test_invalid_json(endpoint):
    """Model: "The request body could not be parsed as JSON, or a request header is invalid." """
    answer = endpoint.invoke("handlers", payload=b"{nope")
    assert (answer.status, answer.error_type) == (400, "InvalidRequestContentException")
    assert answer.json["Type"] == "User"
    assert answer.json["message"].startswith("Could not parse request body into json:")


def test_invalid_json_runs_nothing(endpoint):
    """Guide, python-exceptions: "Lambda … verifies that the event document is a valid JSON document": before it sends it to a function instance. """
    before = endpoint.call("conformance.warmth", "single").json["invocations"]
    endpoint.invoke("single", payload=b'{"call": ')
    assert endpoint.call("conformance.warmth", "single").json["invocations"] == before + 1


def test_request_at_the_limit(endpoint):
    """Guide, gettingstarted-limits: "6 MB each for request and response (synchronous)" """
    payload = b'"' + b"x" * (REQUEST_MAX - 2) + b'"'
    answer = endpoint.invoke("handlers", payload=payload)
    assert answer.status == 200 and answer.payload == payload


def test_request_over_the_limit(endpoint):
    """Model: "The request payload exceeded the Invoke request body JSON input quota." """
    answer = endpoint.invoke("handlers", payload=b'"' + b"x" * (REQUEST_MAX - 1) + b'"')
    assert answer.status == 413
    assert answer.error_type in ("RequestEntityTooLargeException", "RequestTooLargeException")
    assert endpoint.invoke("handlers", {"still": "there"}).json == {"still": "there"}


def test_response_at_the_limit(endpoint):
    """Recording (outcomes): "maximum allowed payload size (6291556 bytes)": this much is allowed. """
    answer = endpoint.call("sizes.largest")
    assert (answer.status, answer.error, len(answer.payload)) == (200, None, RESPONSE_MAX)


def test_dry_run(endpoint):
    """Model: "For the DryRun invocation type, the status code is 204." """
    answer = endpoint.invoke("handlers", headers={"X-Amz-Invocation-Type": "DryRun"})
    assert (answer.status, answer.payload) == (204, b"")


def test_dry_run_runs_nothing(endpoint):
    """Model: "DryRun – Validate parameter values and verify that the user or role has permission to invoke the function." """
    before = endpoint.call("conformance.warmth", "single").json["invocations"]
    endpoint.invoke("single", {"call": "conformance.warmth"}, headers={"X-Amz-Invocation-Type": "DryRun"})
    assert endpoint.call("conformance.warmth", "single").json["invocations"] == before + 1


def test_dry_run_has_no_executed_version(endpoint):
    """Model: ExecutedVersion: "The version of the function that executed.": with a DryRun none did. """
    answer = endpoint.invoke("handlers", headers={"X-Amz-Invocation-Type": "DryRun"})
    assert answer.status == 204 and "x-amz-executed-version" not in answer.headers


def test_dry_run_of_an_unknown_function(endpoint):
    """Model: "The resource specified in the request does not exist." """
    answer = endpoint.invoke("handlers", path=endpoint.path("doesnotexist"), headers={"X-Amz-Invocation-Type": "DryRun"})
    assert answer.status == 404


def test_unknown_invocation_type(endpoint):
    """Model: enum InvocationType: Event, RequestResponse, DryRun. """
    answer = endpoint.invoke("handlers", headers={"X-Amz-Invocation-Type": "Later"})
    assert (answer.status, answer.error_type) == (400, "ValidationException"), answer.payload
    assert "Later" in answer.json["message"]


def test_no_log_unless_asked_for(endpoint):
    """Model: "Set to Tail to include the execution log in the response." """
    assert "x-amz-log-result" not in endpoint.invoke("handlers").headers
    assert "x-amz-log-result" not in endpoint.invoke("handlers", headers={"X-Amz-Log-Type": "None"}).headers
    assert "x-amz-log-result" in endpoint.invoke("handlers", headers=TAIL).headers


def test_log_tail_is_base64(endpoint):
    """Model: "The last 4 KB of the execution log, which is base64-encoded." """
    answer = endpoint.invoke("handlers", {"call": "output.lines"}, headers=TAIL)
    assert base64.b64decode(answer.headers["x-amz-log-result"], validate=True).startswith(b"START RequestId: ")


def test_log_tail_has_at_most_4_kb(endpoint):
    """Model: LogResult: "The last 4 KB of the execution log": bytes; a character that is cut may be replaced by a longer one. """
    answer = endpoint.invoke("handlers", {"call": "output.many_lines", "lines": 1000}, headers=TAIL)
    tail = base64.b64decode(answer.headers["x-amz-log-result"])
    assert 4096 <= len(tail) <= 4102 and b"line 999" in tail and b"REPORT RequestId" in tail


def test_log_tail_of_a_failure(endpoint):
    """Model: "Set to Tail to include the execution log in the response." """
    answer = endpoint.invoke("handlers", {"call": "misbehaviour.raises", "message": "look here"}, headers=TAIL)
    assert "[ERROR] Broken: look here" in answer.log


def test_client_context_of_the_largest_size(endpoint):
    """Model: "Up to 3,583 bytes of base64-encoded data about the invoking client to pass to the function in the context object." """
    # Base64 comes in fours: 3,580 characters are the most that fit.
    fill = 3580 // 4 * 3 - len('{"custom": {"a": ""}}')
    value = {"custom": {"a": "x" * fill}}
    headers = client_context(value)
    assert len(headers["X-Amz-Client-Context"]) == 3580
    answer = endpoint.invoke("handlers", {"call": "conformance.context", "sleep_ms": 0}, headers=headers)
    assert answer.status == 200 and answer.json["client_context"]["custom"] == value["custom"]


def test_client_context_that_is_too_large(endpoint):
    """Model: "Up to 3,583 bytes of base64-encoded data about the invoking client" """
    answer = endpoint.invoke("handlers", headers=client_context({"custom": {"a": "x" * 2_700}}))
    assert answer.status == 400, answer


def test_client_context_that_is_no_base64(endpoint):
    """Model: "The request body could not be parsed as JSON, or a request header is invalid." """
    answer = endpoint.invoke("handlers", headers={"X-Amz-Client-Context": "%%%"})
    assert (answer.status, answer.error_type) == (400, "InvalidRequestContentException")


def test_unknown_path(endpoint):
    """Model: Invoke is POST /2015-03-31/functions/{FunctionName}/invocations: no other path is. """
    answer = endpoint.invoke("handlers", path=endpoint.path("handlers").replace("2015-03-31", "2015-03-32"))
    assert answer.status in (403, 404)


def test_unknown_method(endpoint):
    """Model: Invoke is POST: no other method invokes. """
    before = endpoint.call("conformance.warmth", "single").json["invocations"]
    assert endpoint.invoke("single", {"call": "conformance.warmth"}, method="PUT").status in (403, 404, 405)
    assert endpoint.call("conformance.warmth", "single").json["invocations"] == before + 1
