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
    """Facts 4.2: "Content-Type application/json (A)" """
    assert endpoint.invoke("handlers").headers["content-type"] == "application/json"


def test_executed_version(endpoint):
    """Model: "The version of the function that executed." """
    assert endpoint.invoke("handlers").headers["x-amz-executed-version"] == "$LATEST"


def test_request_id_is_a_uuid(endpoint):
    """Facts 4.2: "x-amzn-RequestId (= invocation id, A)"; recording: `<uuid:1>`. """
    answer = endpoint.invoke("handlers")
    assert str(uuid.UUID(answer.request_id)) == answer.request_id


def test_request_id_is_the_functions(endpoint):
    """Facts 4.2: "x-amzn-RequestId (= invocation id, A)" """
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
    """Facts 4.2: "JSON or empty (the function then gets `{}`; request Content-Type is ignored)" """
    answer = endpoint.invoke("handlers", payload=b"")
    assert (answer.status, answer.json) == (200, {})


def test_request_content_type_is_ignored(endpoint):
    """Facts 4.2: "request Content-Type is ignored" """
    answer = endpoint.invoke("handlers", {"a": 1}, headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.json) == (200, {"a": 1})


@pytest.mark.parametrize("event", ["text", 5, None, [1, 2], True], ids=["string", "number", "null", "list", "true"])
def test_any_json_value_is_an_event(endpoint, event):
    """Guide, python-handler: "The event object is usually of the Python dict type. It can also be list, str, int, float, or the NoneType type." """
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
    """Facts 4.3: 400 InvalidRequestContent: the function is not called. """
    before = endpoint.call("conformance.warmth", "single").json["invocations"]
    endpoint.invoke("single", payload=b'{"call": ')
    assert endpoint.call("conformance.warmth", "single").json["invocations"] == before + 1


def test_request_at_the_limit(endpoint):
    """Guide, quotas: "6 MB each for request and response (synchronous)" """
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
    """Facts 1.4: "response body > 6291556 bytes (6 MiB + 100)" is too large; this much is not. """
    answer = endpoint.call("sizes.largest")
    assert (answer.status, answer.error, len(answer.payload)) == (200, None, RESPONSE_MAX)


def test_unknown_function(endpoint):
    """Recording test_invoke_exceptions: 404, ResourceNotFoundException, "Function not found: arn:<partition>:lambda:<region>:111111111111:function:doesnotexist", Type User. """
    answer = endpoint.invoke("handlers", path=endpoint.path("doesnotexist"))
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Type"] == "User"
    assert re.match(r"Function not found: arn:aws:lambda:[a-z0-9-]+:\d{12}:function:doesnotexist", answer.json["Message"])


def test_invalid_function_name(endpoint):
    """Facts 4.3: "ValidationException (not modelled, `message` only, "N validation error detected: Value '…' at '…' failed to satisfy constraint: …")" """
    answer = endpoint.invoke("handlers", path=endpoint.path("not a name!"))
    assert (answer.status, answer.error_type) == (400, "ValidationException")
    assert "validation error detected" in answer.json["message"] and "failed to satisfy constraint" in answer.json["message"]


def test_function_by_arn(endpoint):
    """Model: "Function ARN – arn:aws:lambda:us-west-2:123456789012:function:my-function." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", arn))
    assert (answer.status, answer.json) == (200, {"a": 1})


def test_function_by_partial_arn(endpoint):
    """Model: "Partial ARN – 123456789012:function:my-function." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", arn.split(":", 4)[4]))
    assert (answer.status, answer.json) == (200, {"a": 1})


def test_qualifier_latest(endpoint):
    """Model: "Specify a version or alias to invoke a published version of the function." """
    answer = endpoint.invoke("handlers", {"a": 1}, query="?Qualifier=$LATEST")
    assert (answer.status, answer.headers["x-amz-executed-version"]) == (200, "$LATEST")


def test_qualifier_in_the_arn(endpoint):
    """Model: "You can append a version number or alias to any of the formats." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", {"a": 1}, path=endpoint.path("", f"{arn}:$LATEST"))
    assert (answer.status, answer.headers["x-amz-executed-version"]) == (200, "$LATEST")


def test_qualifier_that_is_not_there(endpoint):
    """Model: "The resource specified in the request does not exist." """
    answer = endpoint.invoke("handlers", query="?Qualifier=no-such-alias")
    assert (answer.status, answer.error_type) == (404, "ResourceNotFoundException")
    assert answer.json["Message"].startswith("Function not found: ") and answer.json["Message"].endswith(":no-such-alias")


def test_qualifiers_that_contradict(endpoint):
    """Facts 4.3: "The derived qualifier from the function name does not match the specified qualifier." """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    answer = endpoint.invoke("handlers", path=endpoint.path("", f"{arn}:1"), query="?Qualifier=2")
    assert (answer.status, answer.error_type) == (400, "InvalidParameterValueException")
    assert answer.json["message"] == "The derived qualifier from the function name does not match the specified qualifier."


def test_other_region(endpoint):
    """Facts 4.3: "Functions from '<r1>' are not reachable in this region ('<r2>')" """
    arn = endpoint.call("conformance.context", sleep_ms=0).json["invoked_function_arn"]
    region = arn.split(":")[3]
    answer = endpoint.invoke("handlers", path=endpoint.path("", arn.replace(region, "eu-west-3")))
    assert answer.status in (400, 404)
    assert f"Functions from 'eu-west-3' are not reachable in this region ('{region}')" in answer.payload.decode()


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
    """Facts 4.2: "X-Amz-Executed-Version (not for Event/DryRun)" """
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
    """Facts 2.6: "last 4096 **bytes**, then invalid UTF-8 at the cut replaced, so decoded size can be 4098–4102" """
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
    """Facts 4.1: "Invoke | POST | `/2015-03-31/functions/{FunctionName}/invocations`": nothing else invokes. """
    answer = endpoint.invoke("handlers", path=endpoint.path("handlers").replace("2015-03-31", "2015-03-32"))
    assert answer.status in (403, 404)


def test_unknown_method(endpoint):
    """Facts 4.1: "Invoke | POST": no other method invokes. """
    before = endpoint.call("conformance.warmth", "single").json["invocations"]
    assert endpoint.invoke("single", {"call": "conformance.warmth"}, method="PUT").status in (403, 404, 405)
    assert endpoint.call("conformance.warmth", "single").json["invocations"] == before + 1
