"""The Runtime API, called by a runtime that does what its events say (functions/raw.py): events, init phase, paths."""

import json
import re
import time
import uuid

from runtime_calls import is_error, raw


def next_headers(endpoint, headers=None):
    answer = endpoint.invoke("raw", headers=headers)
    return answer, answer.json["next"]["headers"]


def test_next_gives_the_event(endpoint):
    """Guide, runtimes-api: "The response body contains the payload from the invocation, which is a JSON document that contains event data from the function trigger." """
    event = {"text": "ä€😀", "b": 1, "a": 2}
    payload = json.dumps(event, ensure_ascii=False).encode()
    answer = endpoint.invoke("raw", payload=payload)
    assert answer.json["next"]["body"] == payload.decode()


def test_next_status(endpoint):
    """Emulator, rendering.go: 200 for an event. """
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
    """Guide, runtimes-api: "Lambda-Runtime-Client-Context – For invocations from the AWS Mobile SDK, data about the client application and device.": what the caller sent in base64, decoded. """
    _, headers = next_headers(endpoint, {"X-Amz-Client-Context": "eyAiY3VzdG9tIiA6IHt9IH0="})
    assert headers["lambda-runtime-client-context"] == '{ "custom" : {} }'


def test_next_without_client_context_and_identity(endpoint):
    """Emulator, rendering.go: a header without a value is left out. """
    _, headers = next_headers(endpoint)
    assert "lambda-runtime-client-context" not in headers and "lambda-runtime-cognito-identity" not in headers


def test_next_content_type(endpoint):
    """Client awslambdaric: takes the event for JSON only where Content-Type is application/json. """
    _, headers = next_headers(endpoint)
    assert headers["content-type"] == "application/json"


def test_next_invocation_id(endpoint):
    """Client lambda_runtime: Lambda-Runtime-Invocation-Id is of one delivery, and another for each. """
    first, second = (next_headers(endpoint)[1]["lambda-runtime-invocation-id"] for _ in range(2))
    assert first and second and first != second


def test_repeated_next(endpoint):
    """Emulator, invocationnext.go: a second call while an invocation runs gives its event again. """
    (seen,), answer = raw(endpoint, [{"method": "GET", "path": "invocation/next"}])
    assert seen["status"] == 200 and seen["headers"]["lambda-runtime-aws-request-id"] == answer.json["next"]["headers"]["lambda-runtime-aws-request-id"]
    assert json.loads(seen["body"]) == answer.json["event"]


def test_init_error_after_next(endpoint):
    """Emulator, initerror.go: 403 InvalidStateTransition once the init phase is over. """
    (seen,), answer = raw(endpoint, [{"path": "init/error", "body": "{}"}])
    is_error(seen, 403, "InvalidStateTransition")
    assert answer.error is None


def test_init_error(endpoint):
    """Guide, runtimes-api: "If the function returns an error or the runtime encounters an error during initialization, the runtime uses this method to report the error to Lambda." """
    answer = endpoint.invoke("raw-init-error")
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.json == {"errorMessage": "no such thing", "errorType": "InitAsked", "stackTrace": ["one"]}


def test_unknown_path(endpoint):
    """Guide, runtimes-api: "add the desired resource path": there are no others. """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "nothing"}])
    assert seen["status"] == 404


def test_restore_is_absent(endpoint):
    """Emulator, router.go: restore/next is only there for SnapStart. """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "restore/next"}])
    assert seen["status"] == 404


def test_ping(endpoint):
    """Emulator, router.go, server.go: GET /2018-06-01/ping is answered with pong. """
    (seen,), _ = raw(endpoint, [{"method": "GET", "path": "/2018-06-01/ping"}])
    assert (seen["status"], seen["body"]) == (200, "pong")


def test_exit_after_the_answer(endpoint):
    """Guide, runtimes-extensions-api: "After receiving the function response from the runtime, Lambda returns the response to the client": what happens afterwards changes it no more. """
    answer = endpoint.invoke("raw", {"mine": 1, "after": [{"exit": 1}]})
    assert (answer.status, answer.json["event"]["mine"]) == (200, 1)
    assert endpoint.invoke("raw", {"mine": 2}).json["event"] == {"mine": 2}


def test_work_after_the_answer(endpoint):
    """Guide, runtimes-extensions-api: "After receiving the function response from the runtime, Lambda returns the response to the client, even if extensions are still running." """
    began = time.monotonic()
    answer = endpoint.invoke("raw", {"after": [{"sleep": 3}]})
    assert answer.status == 200 and time.monotonic() - began < 3


def test_deadline_is_of_each_invocation(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Deadline-Ms – The date that the function times out in Unix time milliseconds." """
    first, second = (int(next_headers(endpoint)[1]["lambda-runtime-deadline-ms"]) for _ in range(2))
    assert first < second < first + 5_000


def test_tenant_id_without_tenant_isolation(endpoint):
    """Guide, tenant-isolation-troubleshooting: "This error occurs when invoking a tenant-isolated function without a tenant ID, or invoking a non-tenant-isolated function with a tenant ID.": InvalidParameterValueException """
    answer = endpoint.invoke("raw", headers={"X-Amz-Tenant-Id": "blue"})
    assert (answer.status, answer.error_type) == (400, "InvalidParameterValueException")
    assert "not enabled with tenancy configuration" in answer.json["message"]
    assert "lambda-runtime-aws-tenant-id" not in next_headers(endpoint)[1]


def test_tenant_id_that_is_none(endpoint):
    """Model: TenantId: pattern [a-zA-Z0-9\\._:\\/=+\\-@ ]+, at most 256 characters. """
    for tenant in ("#", "a" * 257):
        answer = endpoint.invoke("raw", headers={"X-Amz-Tenant-Id": tenant})
        assert (answer.status, answer.error_type) == (400, "ValidationException"), tenant


def test_next_with_post(endpoint):
    """Guide, runtimes-api: "Path – /runtime/invocation/next. Method – GET" """
    (seen,), answer = raw(endpoint, [{"path": "invocation/next", "body": "{}"}])
    assert seen["status"] in (404, 405) and answer.error is None


def test_wrong_method_names_the_right_one(endpoint):
    """Emulator, router.go: its router answers 405 with Allow where a path has other methods. """
    steps = [{"path": "invocation/next", "body": "{}"}, {"method": "GET", "path": "init/error"}]
    seen, _ = raw(endpoint, steps)
    assert [(one["status"], one["headers"]["allow"]) for one in seen] == [(405, "GET"), (405, "POST")]


def test_restore_error_is_absent(endpoint):
    """Emulator, router.go: restore/error is only there for SnapStart. """
    (seen,), answer = raw(endpoint, [{"path": "restore/error", "body": "{}"}])
    assert seen["status"] == 404 and answer.error is None


def test_init_error_without_a_body(endpoint):
    """Guide, runtimes-api: "ErrorRequest – Information about the error. Required: no." """
    answer = endpoint.invoke("raw-init-error-bare")
    assert (answer.status, answer.error) == (200, "Unhandled")


def test_log_of_an_init_error(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Function-Error-Type – Error type that the runtime encountered."; lambda-runtime-environment: "Lambda emits error information in the INIT_REPORT log." """
    _, log = endpoint.logged(function="raw-init-error")
    assert re.search(r"^INIT_REPORT .*\tStatus: error\tError Type: Runtime\.InitAsked$", log, re.MULTILINE), log
