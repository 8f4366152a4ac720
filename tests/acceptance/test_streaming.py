"""Response streaming with boto3's `invoke_with_response_stream` and AWS's unmodified Node.js client, in a pod.

Quotes are from the AWS Lambda developer guide, "Response streaming for Lambda functions", unless a test says otherwise.
"""

import base64
import json
import time

import pytest

from cluster import eventually, logs

MIB = 1024 * 1024
FUNCTIONS = ("parts", "large", "http", "plain")


@pytest.fixture(scope="module", autouse=True)
def functions(space):
    for name in FUNCTIONS:
        space.apply(
            name, code="nodejs/streaming.mjs", handler=f"streaming.{name}", runtime="nodejs22.x", timeout=10, memorySize=256
        )
    for name in FUNCTIONS:
        event = {"parts": [], "bytes": 0}
        eventually(lambda: space.invoke(name, event).status == 200, timeout=120, what=f"{name} to answer")


class Streamed:
    """A response from its head to its end, and when each part came, in seconds from the call."""

    def __init__(self, space, name, event, **arguments):
        started = time.monotonic()
        got = space.client.invoke_with_response_stream(
            FunctionName=space.arn(name), Payload=json.dumps(event).encode(), **arguments
        )
        self.head, self.parts, self.times, self.end = got, [], [], None
        for one in got["EventStream"]:
            assert self.end is None, "nothing follows the end"
            if "PayloadChunk" in one:
                self.parts.append(one["PayloadChunk"]["Payload"])
                self.times.append(time.monotonic() - started)
            else:
                self.end = one["InvokeComplete"]
        self.ended = time.monotonic() - started

    @property
    def content_type(self):
        """The function's own; that of the answer is the event stream's."""
        assert self.head["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
        return self.head["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"]

    @property
    def payload(self):
        return b"".join(self.parts)


def test_the_first_part_arrives_while_the_function_still_writes(space):
    """'Streamed responses … improve time to first byte (TTFB) performance by sending partial responses back to the client
    as they become available.'"""
    seen = Streamed(space, "parts", {"parts": ["one ", "two ", "three"], "pause_ms": 1_000})
    assert (seen.head["StatusCode"], seen.head["ExecutedVersion"]) == (200, "$LATEST")
    assert seen.content_type == "text/plain"
    assert seen.parts == [b"one ", b"two ", b"three"] and seen.end == {}
    # What waited for a later part would come with it.
    first, second, third = seen.times
    assert second - first > 0.5 and third - second > 0.5, seen.times


def test_the_log_tail_comes_with_the_end(space):
    """API reference, InvokeWithResponseStream: 'LogType: Set to Tail to include the execution log in the response.'"""
    seen = Streamed(space, "parts", {"parts": ["one"]}, LogType="Tail")
    log = base64.b64decode(seen.end.pop("LogResult")).decode()
    request = seen.head["ResponseMetadata"]["RequestId"]
    assert seen.end == {} and "wrote one" in log and f"REPORT RequestId: {request}" in log, log


def test_more_than_six_mebibytes(space):
    """'response streaming functions can return payloads as large as 200 MB.'"""
    seen = Streamed(space, "large", {"bytes": 20 * MIB})
    assert len(seen.payload) == 20 * MIB and set(seen.payload) == {ord("x")} and seen.end == {}


def test_two_hundred_mebibytes_and_no_more(space):
    """'200 MB' is the maximum; what is beyond ends the stream with an error."""
    space.apply(
        "endless", code="nodejs/streaming.mjs", handler="streaming.large", runtime="nodejs22.x", timeout=120, memorySize=256
    )
    eventually(lambda: space.invoke("endless", {"bytes": 0}).status == 200, timeout=120, what="endless to answer")
    seen = Streamed(space, "endless", {"bytes": 200 * MIB + 1})
    assert len(seen.payload) == 200 * MIB
    assert seen.end["ErrorCode"] == "Function.ResponseSizeTooLarge", seen.end
    assert "209715200" in seen.end["ErrorDetails"]


def test_an_http_response_begins_with_its_prelude(space):
    """awslambda.HttpResponseStream: JSON of status and headers, eight NUL bytes, the body."""
    seen = Streamed(space, "http", {})
    assert seen.content_type == "application/vnd.awslambda.http-integration-response"
    prelude, body = seen.payload.split(b"\0" * 8)
    assert json.loads(prelude) == {"statusCode": 201, "headers": {"x-part": "1"}} and body == b"created"


def test_a_function_that_does_not_stream_answers_in_one_piece(space):
    seen = Streamed(space, "plain", {"a": 1})
    assert json.loads(seen.payload) == {"a": 1} and seen.end == {}
    assert seen.content_type.startswith("application/json")


def test_an_exception_after_or_before_the_first_byte_ends_the_stream(space):
    """As AWS was recorded: the payload so far, then an end without error fields."""
    seen = Streamed(space, "parts", {"parts": ["half"], "end": "throw"}, LogType="Tail")
    assert seen.payload == b"half" and set(seen.end) == {"LogResult"}, seen.end
    seen = Streamed(space, "parts", {"parts": [], "end": "throw"})
    assert seen.payload == b"" and seen.end == {}


def test_a_process_that_exits_half_way_is_told(space):
    """API reference: 'ErrorCode: An error code.', 'ErrorDetails: The details of any returned error.'"""
    seen = Streamed(space, "parts", {"parts": ["half"], "pause_ms": 200, "end": "exit"})
    assert seen.payload == b"half"
    assert seen.end["ErrorCode"] in ("Runtime.TruncatedResponse", "Runtime.ExitError"), seen.end
    assert "errorMessage" in seen.end["ErrorDetails"]


def test_the_time_out_ends_a_stream(space):
    """'Task timed out' as for any invocation; as AWS was recorded, the end has no error fields."""
    space.apply(
        "brief", code="nodejs/streaming.mjs", handler="streaming.parts", runtime="nodejs22.x", timeout=2, memorySize=256
    )
    seen = Streamed(space, "brief", {"parts": ["half"], "end": "hang"}, LogType="Tail")
    assert seen.payload == b"half" and set(seen.end) == {"LogResult"}, seen.end
    assert "Task timed out after 2.00 seconds" in base64.b64decode(seen.end["LogResult"]).decode()


def test_invoke_gets_a_streamed_response_whole(space):
    answer = space.invoke("parts", {"parts": ["one ", "two"], "pause_ms": 50})
    assert (answer.error, answer.payload) == (None, b"one two")
    answer = space.invoke("large", {"bytes": 7 * MIB})
    assert answer.error == "Unhandled" and answer.json["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_caller_that_goes_away_stops_nothing(space):
    """'If the client disconnects, the function runs on' (as on AWS)."""
    got = space.client.invoke_with_response_stream(
        FunctionName=space.arn("parts"),
        Payload=json.dumps({"parts": ["first", "second", "last of the abandoned"], "pause_ms": 400}).encode(),
    )
    stream = got["EventStream"]
    assert next(iter(stream))["PayloadChunk"]["Payload"] == b"first"
    stream.close()
    last = "wrote last of the abandoned"
    eventually(lambda: last in logs(space.name, "kubelambda.dev/function=parts"), what="the last line of the function")
    assert space.invoke("plain", {"a": 1}).json == {"a": 1}
