"""The Runtime API, called by a runtime that does what its events say (functions/raw.py): answers that are refused."""

import json
import uuid

import pytest

from runtime_calls import LIMIT, SELF, chunks, is_error, raw


def test_response_with_a_wrong_id(endpoint):
    """Emulator, render_error.go: 400 InvalidRequestID, "Invalid request ID" """
    (seen,), answer = raw(endpoint, [{"path": f"invocation/{uuid.uuid4()}/response", "body": "1"}])
    assert is_error(seen, 400, "InvalidRequestID")["errorMessage"] == "Invalid request ID"
    assert answer.status == 200 and "seen" in answer.json, "the invocation itself is answered"


def test_response_with_an_id_that_is_none(endpoint):
    """Emulator, render_error.go: 400 InvalidRequestID """
    (seen,), _ = raw(endpoint, [{"path": "invocation/nonsense/response", "body": "1"}])
    is_error(seen, 400, "InvalidRequestID")


def test_late_response(endpoint):
    """Guide, runtimes-api: "The request ID tracks the invocation within Lambda. Use it to specify the invocation when you send the response.": one of the invocation before is refused. """
    endpoint.invoke("raw")
    (seen,), answer = raw(endpoint, [{"path": "invocation/{previous}/response", "body": '"late"'}])
    is_error(seen, 400, "InvalidRequestID")
    assert answer.status == 200 and answer.payload != b'"late"'


def test_double_response(endpoint):
    """Guide, runtimes-api: "400 – Bad Request", "403 – Forbidden": an invocation is answered once. """
    steps = [{"path": SELF + "response", "body": '"first"'}, {"path": SELF + "response", "body": '"second"'}]
    (first, second), answer = raw(endpoint, steps, answer=False)
    assert first["status"] == 202 and answer.payload == b'"first"'
    assert (second["status"], json.loads(second["body"])["errorType"]) in ((400, "InvalidRequestID"), (403, "InvalidStateTransition"))


def test_error_after_response(endpoint):
    """Guide, runtimes-api: "400 – Bad Request", "403 – Forbidden": what is answered has no error any more. """
    steps = [{"path": SELF + "response", "body": '"first"'}, {"path": SELF + "error", "body": "{}"}]
    (first, second), answer = raw(endpoint, steps, answer=False)
    assert first["status"] == 202 and (answer.error, answer.payload) == (None, b'"first"')
    assert second["status"] in (400, 403)


def test_error_with_a_wrong_id(endpoint):
    """Guide, runtimes-api: "400 – Bad Request"; Emulator, render_error.go: InvalidRequestID """
    (seen,), answer = raw(endpoint, [{"path": f"invocation/{uuid.uuid4()}/error", "body": "{}"}])
    is_error(seen, 400, "InvalidRequestID")
    assert answer.error is None


def test_error_bodies_are_json(endpoint):
    """Guide, runtimes-api: "ErrorResponse contains an error type and an error message.": JSON. """
    (seen,), _ = raw(endpoint, [{"path": "invocation/nonsense/error", "body": "{}"}])
    assert seen["headers"]["content-type"].startswith("application/json")


def test_bad_response_mode(endpoint):
    """Emulator, invocationresponse.go: 400 InvalidFunctionResponseMode, "Invalid function response mode" """
    step = {"path": SELF + "response", "body": "1", "headers": {"Lambda-Runtime-Function-Response-Mode": "dreaming"}}
    (seen,), _ = raw(endpoint, [step], answer=False)
    is_error(seen, 400, "InvalidFunctionResponseMode")


def test_truncated_response(endpoint):
    """Emulator, render_error.go: 400 TruncatedHTTPRequest, "HTTP request detected as truncated" """
    (seen,), _ = raw(endpoint, [{"path": SELF + "response", "truncated": True}], answer=False)
    is_error(seen, 400, "TruncatedHTTPRequest")


def test_served_after_a_truncated_response(endpoint):
    """Guide, lambda-runtime-environment: "If the Lambda function crashes … Lambda resets the execution environment.": after half an answer the next invocation is served. """
    raw(endpoint, [{"path": SELF + "response", "truncated": True}], answer=False)
    assert endpoint.invoke("raw", {"mine": 1}).json["event"] == {"mine": 1}


def test_response_at_the_limit(endpoint):
    """Emulator, render_error.go: "Exceeded maximum allowed payload size (6291556 bytes).": not of just that size. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "bytes": LIMIT}], answer=False)
    assert seen["status"] == 202 and len(answer.payload) == LIMIT


def test_oversized_response(endpoint):
    """Emulator, render_error.go: 413, RequestEntityTooLarge, "Exceeded maximum allowed payload size (6291556 bytes)." """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "bytes": LIMIT + 1}], answer=False)
    is_error(seen, 413, "RequestEntityTooLarge")
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")


def test_error_after_an_oversized_response(endpoint):
    """Guide, runtimes-api: "403 – Forbidden": the invocation has ended as Function.ResponseSizeTooLarge. """
    steps = [{"path": SELF + "response", "bytes": LIMIT + 1}, {"path": SELF + "error", "body": "{}"}]
    (first, second), _ = raw(endpoint, steps, answer=False)
    assert first["status"] == 413
    is_error(second, 403, "InvalidStateTransition")


def test_echoed_invocation_id(endpoint):
    """Client lambda_runtime: echoes Lambda-Runtime-Invocation-Id, so that an answer to another delivery is refused. """
    step = {"path": SELF + "response", "body": "1", "headers": {"Lambda-Runtime-Invocation-Id": str(uuid.uuid4())}}
    (seen,), answer = raw(endpoint, [step])
    assert seen["status"] in (400, 410), seen
    assert answer.status == 200 and "seen" in answer.json


def test_response_with_get(endpoint):
    """Guide, runtimes-api: "Path – /runtime/invocation/AwsRequestId/response. Method – POST" """
    (seen,), answer = raw(endpoint, [{"method": "GET", "path": SELF + "response"}])
    assert seen["status"] in (404, 405) and answer.error is None


def test_truncated_response_in_chunks(endpoint):
    """Emulator, render_error.go: 400 TruncatedHTTPRequest, "HTTP request detected as truncated": also a body in chunks without its last one. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "stream": [*chunks('"half'), {"break": True}]}], answer=False)
    assert is_error(seen, 400, "TruncatedHTTPRequest")["errorMessage"] == "HTTP request detected as truncated"
    assert answer.error == "Unhandled"


def test_truncated_error(endpoint):
    """Emulator, render_error.go: 400 TruncatedHTTPRequest: of an error too. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "error", "truncated": True}], answer=False)
    is_error(seen, 400, "TruncatedHTTPRequest")
    assert answer.error == "Unhandled"


def test_answer_of_a_truncated_response(endpoint):
    """Emulator, fatalerror.go: Runtime.TruncatedResponse """
    _, answer = raw(endpoint, [{"path": SELF + "response", "truncated": True}], answer=False)
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Runtime.TruncatedResponse")


@pytest.mark.parametrize("mode", ["buffered", "Streaming", "streaming, streaming"], ids=["buffered", "capital", "twice"])
def test_other_response_modes(endpoint, mode):
    """Guide, runtimes-custom: "Set the Lambda-Runtime-Function-Response-Mode HTTP header to streaming.": it has no other value. """
    step = {"path": SELF + "response", "body": "1", "headers": {"Lambda-Runtime-Function-Response-Mode": mode}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert is_error(seen, 400, "InvalidFunctionResponseMode")["errorMessage"] == "Invalid function response mode"
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Runtime.InvalidResponseModeHeader")


def test_message_of_an_oversized_response(endpoint):
    """Emulator, render_error.go: "Exceeded maximum allowed payload size (6291556 bytes)." """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "bytes": LIMIT + 1}], answer=False)
    assert is_error(seen, 413, "RequestEntityTooLarge")["errorMessage"] == "Exceeded maximum allowed payload size (6291556 bytes)."
    assert answer.json["errorMessage"] == "Response payload size exceeded maximum allowed payload size (6291556 bytes)."


def test_oversized_response_in_chunks(endpoint):
    """Emulator, render_error.go: 413, RequestEntityTooLarge: of a response without a length too. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "stream": [{"bytes": 2**20}] * 7}], answer=False)
    is_error(seen, 413, "RequestEntityTooLarge")
    assert answer.json["errorType"] == "Function.ResponseSizeTooLarge"


def test_error_with_another_invocation_id(endpoint):
    """Client lambda_runtime: an answer to another delivery is refused, with 410 that it logs, and reaches nobody. """
    step = {"path": SELF + "error", "body": "{}", "headers": {"Lambda-Runtime-Invocation-Id": str(uuid.uuid4())}}
    (seen,), answer = raw(endpoint, [step])
    assert seen["status"] in (400, 410) and (answer.status, answer.error) == (200, None)
