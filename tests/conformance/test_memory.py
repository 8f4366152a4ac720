"""A function that takes more memory than it may."""

import re

import pytest

from test_logs import report


@pytest.fixture(scope="module")
def exceeded(endpoint):
    answer, log = endpoint.logged("misbehaviour.allocates_some", "small", megabytes=400)
    return answer, log


def test_answer(endpoint, exceeded):
    """Recording (outcomes): FunctionError Unhandled, errorType Runtime.OutOfMemory, "Runtime exited with error: signal: killed" """
    answer, _ = exceeded
    assert (answer.status, answer.error) == (200, "Unhandled"), answer
    message = f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed"
    assert answer.json == {"errorType": "Runtime.OutOfMemory", "errorMessage": message}


def test_report(endpoint, exceeded):
    """Recording (outcomes): REPORT ends with "Status: error\\tError Type: Runtime.OutOfMemory" """
    _, log = exceeded
    assert report(log) and report(log).endswith("\tStatus: error\tError Type: Runtime.OutOfMemory"), log


def test_memory_used(endpoint, exceeded):
    """Guide, python-logging: "Memory Size – The amount of memory allocated to the function. Max Memory Used – The amount of memory used by the function.": all of it. """
    _, log = exceeded
    assert re.search(r"\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t", report(log) or ""), log


def test_log_has_the_error(endpoint, exceeded):
    """Recording (outcomes): "RequestId: <id> Error: Runtime exited with error: signal: killed" and Runtime.OutOfMemory or Runtime.ExitError in the log. """
    _, log = exceeded
    assert re.search(r"^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed$", log, re.MULTILINE), log


def test_served_afterwards(endpoint, exceeded):
    """Guide, lambda-runtime-environment: "If the Lambda function crashes or times out during the Invoke phase, Lambda resets the execution environment." """
    answer = endpoint.invoke("small", {"a": 1})
    assert (answer.status, answer.error, answer.json) == (200, None, {"a": 1})


def test_memory_within_the_limit(endpoint):
    """Guide, gettingstarted-limits: "Function memory allocation: 128 MB to 10,240 MB": what is within it may be taken. """
    answer = endpoint.call("misbehaviour.allocates_some", "small", megabytes=64)
    assert (answer.error, answer.json) == (None, "taken")
