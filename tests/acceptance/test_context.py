"""What a handler reads from its context object, in a pod.

Quotes are from the AWS Lambda developer guide, "Using the Lambda context object to retrieve Python function
information", unless a test says otherwise.
"""

import base64
import datetime
import json
import re

import pytest

from cluster import REGION, eventually, get, kubectl, logs


@pytest.fixture(scope="module", autouse=True)
def function(space):
    space.apply("context", handler="conformance.context", timeout=7, memorySize=192)
    assert space.invoke("context").status == 200


def context(space, event=None, **arguments):
    answer = space.invoke("context", event or {"sleep_ms": 10}, **arguments)
    assert answer.error is None, answer.payload
    return answer, answer.json


def test_remaining_time_starts_at_the_timeout_and_falls_with_elapsed_time(space):
    """'get_remaining_time_in_millis – Returns the number of milliseconds left before the execution times out.'"""
    for slept in (50, 400):
        answer, seen = context(space, {"sleep_ms": slept}, LogType="Tail")
        before, after = seen["remaining_ms_before"], seen["remaining_ms_after"]
        # A handler reads whole milliseconds, and no more of them can be gone than the invocation took.
        assert before <= 7_000 and 7_000 - after <= answer.duration_ms + 1, (seen, answer.log)
        assert slept - 1 <= before - after, seen


def test_function_name_version_and_memory(space):
    """'function_name', 'function_version', 'memory_limit_in_mb – The amount of memory that's allocated'."""
    _, seen = context(space)
    assert (seen["function_name"], seen["function_version"]) == ("context", "$LATEST")
    assert seen["memory_limit_in_mb"] == "192"


def test_the_arn_is_the_one_used_to_invoke(space):
    """'invoked_function_arn – The ARN that's used to invoke the function. Indicates if the invoker specified a
    version number or alias.'"""
    _, seen = context(space)
    assert seen["invoked_function_arn"] == f"arn:aws:lambda:{REGION}:{space.account}:function:context"
    _, seen = context(space, Qualifier="$LATEST")
    assert seen["invoked_function_arn"].endswith(":function:context:$LATEST")


def test_the_request_id_is_the_one_in_the_answer_and_new_each_time(space):
    """'aws_request_id – The identifier of the invocation request.'"""
    seen = [context(space) for _ in range(2)]
    assert all(body["aws_request_id"] == answer.request_id for answer, body in seen)
    assert seen[0][1]["aws_request_id"] != seen[1][1]["aws_request_id"]


def test_log_group_and_log_stream(space):
    """'log_group_name', 'log_stream_name – The log stream for the function instance.' Stream: YYYY/MM/DD/[version]<32 hex>."""
    _, seen = context(space)
    assert seen["log_group_name"] == "/aws/lambda/context"
    match = re.fullmatch(r"(\d{4}/\d\d/\d\d)/\[\$LATEST\]([0-9a-f]{32})", seen["log_stream_name"])
    assert match, seen["log_stream_name"]
    day = datetime.datetime.strptime(match[1], "%Y/%m/%d").date()
    today = datetime.datetime.now(datetime.UTC).date()
    assert day in (today, today - datetime.timedelta(days=1))


def test_kubectl_logs_by_the_log_stream_that_the_context_named(space):
    answer, seen = context(space)
    digits = seen["log_stream_name"][-32:]
    line = f"END RequestId: {answer.request_id}"
    eventually(lambda: line in logs(space.name, f"kubelambda.dev/log-stream={digits}"), what=line)


def test_no_identity_and_no_client_context(space):
    _, seen = context(space)
    assert seen["identity"] == {"cognito_identity_id": None, "cognito_identity_pool_id": None}
    assert seen["client_context"] is None


def test_client_context_of_the_mobile_sdk(space):
    """'client_context – (mobile apps) Client context that's provided to Lambda by the client application.'"""
    client = {
        "installation_id": "i", "app_title": "t", "app_version_name": "n", "app_version_code": "c",
        "app_package_name": "p",
    }
    sent = {"client": client, "custom": {"k": "v"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(sent, indent=1).encode()).decode()
    _, seen = context(space, ClientContext=encoded)
    assert seen["client_context"] == sent


def test_trace_header_reaches_the_handler(space):
    _, seen = context(space)
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", seen["trace_id"])


def test_the_example_of_the_readme_logs_each_print_as_one_entry(space):
    """examples/context.yaml: each print is one log entry, between START and END."""
    kubectl("apply", "-n", space.name, "-f", "examples/context.yaml")
    eventually(lambda: get("function", "context", space.name)["spec"]["timeout"] == 5)
    answer = eventually(
        lambda: (lambda got: got if "remaining_time_in_millis" in got.payload.decode() else None)(
            space.invoke("context", LogType="Tail")
        ),
        what="the example's answer",
    )
    lines = answer.log.splitlines()
    body = answer.json
    start, end = (
        next(at for at, line in enumerate(lines) if line.startswith(word)) for word in ("START RequestId", "END RequestId")
    )
    printed = lines[start + 1 : end]
    assert len(printed) == 5 and body["request_id"] in printed[2], printed
    # It sleeps for a second of its five.
    assert 5_000 - answer.duration_ms - 1 <= body["remaining_time_in_millis"] <= 4_000, answer.log
    assert kubectl("delete", "-n", space.name, "-f", "examples/context.yaml")
