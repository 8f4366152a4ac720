"""The Runtime API, called by a runtime that does what its events say (functions/raw.py): answers that are taken."""

import json

import pytest

from runtime_calls import ANSWERED, SELF, chunks, raw

WITH_CAUSE = "application/vnd.aws.lambda.error.cause+json"
# What the Go client announces.
GO_TRAILERS = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"


def test_response_is_accepted(endpoint):
    """Guide, runtimes-api: "202 – Accepted"; "StatusResponse – String. Status information, sent with 202 response codes.": {"status":"OK"} """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": '"mine"'}], answer=False)
    assert (seen["status"], json.loads(seen["body"])) == (202, ANSWERED)
    assert answer.payload == b'"mine"'


def test_response_reaches_the_client_as_it_is(endpoint):
    """Guide, runtimes-api: "For synchronous invocations, Lambda sends the response to the client." """
    _, answer = raw(endpoint, [{"path": SELF + "response", "body": ' { "a" :  1 }\n'}], answer=False)
    assert (answer.status, answer.error, answer.payload) == (200, None, b' { "a" :  1 }\n')


def test_response_in_chunks(endpoint):
    """Client aws-lambda-go: sends every response in chunks. """
    step = {"path": SELF + "response", "stream": chunks('{"a"', ":", " 1}")}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and answer.payload == b'{"a": 1}'


def test_response_without_content_type(endpoint):
    """Client lambda_runtime: sends no Content-Type with a response that is not streamed. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": "5"}], answer=False)
    assert seen["status"] == 202 and answer.payload == b"5"
    assert answer.headers["content-type"] == "application/json"


def test_error_is_accepted(endpoint):
    """Guide, runtimes-api: "If the function returns an error or the runtime encounters an error, the runtime uses this method to report the error to Lambda." """
    (seen,), answer = raw(endpoint, [{"path": SELF + "error", "body": '{"errorMessage": "m", "errorType": "T"}'}], answer=False)
    assert (seen["status"], json.loads(seen["body"])) == (202, ANSWERED)
    assert (answer.status, answer.error, answer.json) == (200, "Unhandled", {"errorMessage": "m", "errorType": "T"})


def test_error_body_is_passed_on_as_it_is(endpoint):
    """Guide, runtimes-api: "Note that Lambda accepts any value for errorType.": the body reaches the caller as it is. """
    body = ' {"anything" : ["of", "mine"]}'
    _, answer = raw(endpoint, [{"path": SELF + "error", "body": body}], answer=False)
    assert (answer.error, answer.payload.decode()) == ("Unhandled", body)


def test_error_body_with_its_cause(endpoint):
    """Emulator, mime_type_error_cause_json.go: of an error of this type the caller gets message, type and stack, not the cause. """
    error = {"errorMessage": "m", "errorType": "T", "stackTrace": ["one"]}
    body = json.dumps({**error, "errorCause": {"message": "c"}, "more": 1})
    step = {"path": SELF + "error", "body": body, "headers": {"Content-Type": WITH_CAUSE}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.json) == ("Unhandled", error)


def test_error_body_with_its_cause_that_is_none(endpoint):
    """Emulator, invocationerror.go: "Invalid error body" in the stead of what is no such error. """
    step = {"path": SELF + "error", "body": "[]", "headers": {"Content-Type": WITH_CAUSE}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.json) == ("Unhandled", "Invalid error body")


def test_error_type_header(endpoint):
    """Guide, runtimes-api: "Lambda-Runtime-Function-Error-Type – Error type that the runtime encountered." """
    step = {"path": SELF + "error", "body": "{}", "headers": {"Lambda-Runtime-Function-Error-Type": "Function.Asked"}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and answer.error == "Unhandled"


def test_response_in_streaming_mode(endpoint):
    """Guide, runtimes-custom: "Set the Lambda-Runtime-Function-Response-Mode HTTP header to streaming. Set the Transfer-Encoding header to chunked."; for Invoke the body is buffered """
    step = {
        "path": SELF + "response", "stream": chunks('"in ', 'parts"'),
        "headers": {"Lambda-Runtime-Function-Response-Mode": "streaming"},
    }
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.payload) == (None, b'"in parts"')


def test_response_that_is_no_json(endpoint):
    """Guide, runtimes-api: "curl -X POST "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response" -d "SUCCESS"" """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": "SUCCESS"}], answer=False)
    assert seen["status"] == 202 and (answer.status, answer.error, answer.payload) == (200, None, b"SUCCESS")


def test_empty_response(endpoint):
    """Guide, runtimes-api: "the runtime sends an invocation response": it may be empty. """
    (seen,), answer = raw(endpoint, [{"path": SELF + "response", "body": ""}], answer=False)
    assert seen["status"] == 202 and (answer.status, answer.error, answer.payload) == (200, None, b"")


def test_response_with_announced_trailers(endpoint):
    """Client aws-lambda-go: announces two trailers with every response in chunks, sends none, and exits unless it is answered with exactly 202. """
    step = {"path": SELF + "response", "stream": chunks("{", "}"), "headers": {"Trailer": GO_TRAILERS, "Content-Type": "application/json"}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.payload) == (None, b"{}")


def test_error_with_announced_trailers(endpoint):
    """Client aws-lambda-go: sends errors in chunks too, and exits unless it is answered with exactly 202. """
    step = {"path": SELF + "error", "stream": chunks('{"errorMessage"', ': "m"}'), "headers": {"Trailer": GO_TRAILERS}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.json) == ("Unhandled", {"errorMessage": "m"})


def test_response_with_an_error_in_its_trailer(endpoint):
    """Guide, runtimes-custom: "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body": a buffered answer is that error. """
    trailers = {"Lambda-Runtime-Function-Error-Type": "Function.Asked", "Lambda-Runtime-Function-Error-Body": "eyJlcnJvclR5cGUiOiAiVCJ9"}
    headers = {"Trailer": GO_TRAILERS, "Lambda-Runtime-Function-Response-Mode": "streaming"}
    _, answer = raw(endpoint, [{"path": SELF + "response", "stream": chunks("half"), "headers": headers, "trailers": trailers}], answer=False)
    assert (answer.error, answer.json) == ("Unhandled", {"errorType": "T"})


@pytest.mark.parametrize("path", ["response", "error"])
def test_invocation_id_that_is_echoed(endpoint, path):
    """Client lambda_runtime: echoes Lambda-Runtime-Invocation-Id with responses and errors. """
    step = {"path": SELF + path, "body": '{"a": 1}', "headers": {"Lambda-Runtime-Invocation-Id": "{invocation}"}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and answer.json == {"a": 1}


@pytest.mark.parametrize("kind", ["Unhandled", "Runtime.NoSuchHandler", "any words", "x" * 1_000], ids=["Unhandled", "Runtime", "words", "long"])
def test_any_error_type(endpoint, kind):
    """Guide, runtimes-api: "This header consists of a string value. Lambda accepts any string, but we recommend a format of <category.reason>." """
    step = {"path": SELF + "error", "body": '{"errorType": "T"}', "headers": {"Lambda-Runtime-Function-Error-Type": kind}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.json) == ("Unhandled", {"errorType": "T"})


def test_error_without_a_body(endpoint):
    """Guide, runtimes-api: "ErrorRequest – Information about the error. Required: no." """
    (seen,), answer = raw(endpoint, [{"path": SELF + "error"}], answer=False)
    assert seen["status"] == 202 and (answer.status, answer.error) == (200, "Unhandled")


def test_error_with_a_cause_for_x_ray(endpoint):
    """Emulator, invocationerror.go: Lambda-Runtime-Function-XRay-Error-Cause is taken beside the error. """
    cause = json.dumps({"working_directory": "/var/task", "exceptions": [{"type": "T", "message": "m", "stack": []}], "paths": []})
    # A header's braces are no names here.
    step = {"path": SELF + "error", "body": '{"errorType": "T"}', "headers": {"Lambda-Runtime-Function-XRay-Error-Cause": cause.replace("{", "{{").replace("}", "}}")}}
    (seen,), answer = raw(endpoint, [step], answer=False)
    assert seen["status"] == 202 and (answer.error, answer.json) == ("Unhandled", {"errorType": "T"})
