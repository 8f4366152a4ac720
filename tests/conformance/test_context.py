"""The context object, read by AWS's own client."""

import base64
import json
import re

import pytest

from test_logs import duration_ms


def context(endpoint, headers=None, function="handlers", sleep_ms=0):
    answer = endpoint.invoke(function, {"call": "conformance.context", "sleep_ms": sleep_ms}, headers=headers)
    assert answer.status == 200 and not answer.error, answer
    return answer.json


def encoded(value):
    return {"X-Amz-Client-Context": base64.b64encode(json.dumps(value).encode()).decode()}


def test_function_name(endpoint):
    """Guide, python-context: "function_name – The name of the Lambda function." """
    assert context(endpoint)["function_name"] == "handlers"
    assert context(endpoint, function="short")["function_name"] == "short"


def test_function_version(endpoint):
    """Guide, python-context: "function_version – The version of the function." """
    assert context(endpoint)["function_version"] == "$LATEST"


def test_invoked_function_arn(endpoint):
    """Guide, python-context: "invoked_function_arn – The Amazon Resource Name (ARN) that's used to invoke the function." """
    assert re.fullmatch(r"arn:aws:lambda:us-east-1:\d{12}:function:handlers", context(endpoint)["invoked_function_arn"])


def test_invoked_function_arn_with_a_qualifier(endpoint):
    """Guide, python-context: "Indicates if the invoker specified a version number or alias." """
    answer = endpoint.invoke("handlers", {"call": "conformance.context", "sleep_ms": 0}, query="?Qualifier=$LATEST")
    assert answer.json["invoked_function_arn"].endswith(":function:handlers:$LATEST")


def test_memory_limit(endpoint):
    """Guide, python-context: "memory_limit_in_mb – The amount of memory that's allocated for the function." """
    assert context(endpoint)["memory_limit_in_mb"] == "256"
    assert context(endpoint, function="short")["memory_limit_in_mb"] == "192"


def test_log_group(endpoint):
    """Guide, python-context: "log_group_name – The log group for the function."; Recording test_lambda_with_context: "/aws/lambda/<function-name>" """
    assert context(endpoint)["log_group_name"] == "/aws/lambda/handlers"


def test_log_stream(endpoint):
    """Guide, python-context: "log_stream_name – The log stream for the function instance."; python-logging: "2020/01/31/[$LATEST]3893xmpl7fac4485b47bb75b671a283c" """
    first, second = (context(endpoint, function="single")["log_stream_name"] for _ in range(2))
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", first) and first == second


def test_remaining_time_is_below_the_timeout(endpoint):
    """Guide, python-context: "get_remaining_time_in_millis – Returns the number of milliseconds left before the execution times out." """
    assert 14_000 < context(endpoint)["remaining_ms_before"] <= 15_000
    assert 500 < context(endpoint, function="short")["remaining_ms_before"] <= 1_000


def test_remaining_time_falls(endpoint):
    """Guide, python-context: "Returns the number of milliseconds left before the execution times out." """
    answer, log = endpoint.logged("conformance.context", sleep_ms=200)
    before, after = answer.json["remaining_ms_before"], answer.json["remaining_ms_after"]
    # A handler reads whole milliseconds, and no more of them can be gone than the invocation took.
    assert 199 <= before - after <= duration_ms(log) + 1, (before, after, log)


def test_client_context_with_every_key(endpoint):
    """Guide, python-context: "client_context – (mobile apps) Client context that's provided to Lambda by the client application." """
    client = {
        "installation_id": "i", "app_title": "t", "app_version_name": "n", "app_version_code": "c", "app_package_name": "p"
    }
    sent = {"custom": {"a": "1"}, "env": {"locale": "de"}, "client": client}
    assert context(endpoint, encoded(sent))["client_context"] == sent


def test_client_context_in_unicode(endpoint):
    """Guide, python-context: "custom – A dict of custom values set by the mobile client application.": as it set them. """
    sent = {"custom": {"Größe": "€ 😀", "z": "2", "a": "1"}}
    assert context(endpoint, encoded(sent))["client_context"]["custom"] == sent["custom"]


def test_no_client_context(endpoint):
    """Recording test_invocation_with_qualifier: `"client_context": null`. """
    context(endpoint, encoded({"custom": {"left": "over"}}))
    assert context(endpoint)["client_context"] is None


def test_no_identity(endpoint):
    """Guide, python-context: "identity – (mobile apps) Information about the Amazon Cognito identity that authorized the request." """
    assert context(endpoint)["identity"] == {"cognito_identity_id": None, "cognito_identity_pool_id": None}


@pytest.mark.parametrize("word", ["null", "{nope"], ids=["null", "no-json"])
def test_client_context_that_is_no_object(endpoint, word):
    """Client awslambdaric: a client context that is no JSON object is an error of its invocation; the next one is served. """
    headers = {"X-Amz-Client-Context": base64.b64encode(word.encode()).decode()}
    answer = endpoint.invoke("handlers", headers=headers)
    assert answer.status in (200, 400)
    assert endpoint.invoke("handlers", {"a": 1}).json == {"a": 1}
