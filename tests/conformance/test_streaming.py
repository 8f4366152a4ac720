"""InvokeWithResponseStream, with functions that write their responses by hand (functions/raw.py).

`Guide` is "Response streaming for Lambda functions" unless a test names another page.
"""

import json
import uuid

import pytest

from endpoints import eventually

SELF = "invocation/{self}/"
HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response"
MIB = 2**20
TAIL = {"X-Amz-Log-Type": "Tail"}


def response(items, content_type="text/plain", trailers=None):
    """An event whose invocation is answered by a response in these parts."""
    headers = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Content-Type": content_type}
    if trailers:
        headers["Trailer"] = ", ".join(trailers)
    step = {"path": SELF + "response", "headers": headers, "stream": items, "trailers": trailers or {}}
    return {"token": str(uuid.uuid4()), "answer": False, "steps": [step]}


def parts(*texts, pause=0):
    items = [[{"data": text}, {"sleep": pause}] for text in texts]
    return [item for pair in items for item in pair][:-1]


def streamed(endpoint, items, content_type="text/plain", trailers=None, headers=None, function="raw"):
    return endpoint.stream(function, response(items, content_type, trailers), headers=headers)


def served(endpoint, function="raw"):
    """What the function says next; that it does is part of what is tested."""
    answer = endpoint.invoke(function, {"is": "served"})
    assert (answer.status, answer.json["event"]) == (200, {"is": "served"})
    return answer.json["seen"]


def test_status(endpoint):
    """Model: "For a successful request, the HTTP status code is in the 200 range. For the RequestResponse invocation type, this status code is 200." """
    assert streamed(endpoint, parts("one")).status == 200


def test_content_type_of_the_answer(endpoint):
    """Model: ResponseStreamContentType: "The type of data the stream is returning.": an event stream, application/vnd.amazon.eventstream. """
    assert streamed(endpoint, parts("one")).headers["content-type"] == "application/vnd.amazon.eventstream"


def test_content_type_of_the_function(endpoint):
    """Recording (streaming): header x-amzn-remapped-content-type, the type that the runtime gave. """
    assert streamed(endpoint, parts("one"), "text/html").headers["x-amzn-remapped-content-type"] == "text/html"


def test_executed_version(endpoint):
    """Model: ExecutedVersion: "The version of the function that executed." """
    assert streamed(endpoint, parts("one")).headers["x-amz-executed-version"] == "$LATEST"


def test_request_id_is_the_functions(endpoint):
    """Guide, runtimes-api: "The request ID, which identifies the request that triggered the function invocation." """
    answer = endpoint.stream("handlers", {"call": "conformance.context", "sleep_ms": 0})
    assert json.loads(answer.payload)["aws_request_id"] == answer.request_id


def test_frame_of_a_part(endpoint):
    """Model: PayloadChunk: "A chunk of the streamed response payload.": an event whose payload is bytes. """
    chunk = streamed(endpoint, parts("one")).chunks[0]
    assert chunk.headers == {
        ":event-type": "PayloadChunk", ":content-type": "application/octet-stream", ":message-type": "event"
    }
    assert chunk.payload == b"one"


def test_frame_of_the_end(endpoint):
    """Model: InvokeComplete: "An object that's returned when the stream has ended and all the payload chunks have been returned." """
    answer = streamed(endpoint, parts("one", "two"))
    assert answer.frames[-1].headers == {
        ":event-type": "InvokeComplete", ":content-type": "application/json", ":message-type": "event"
    }
    assert answer.end == {} and answer.payload == b"onetwo"


def test_parts_keep_their_order(endpoint):
    """Guide: "This is because you can send partial responses back to the client as they become available.": in their order, none lost. """
    texts = [f"part {number}, " for number in range(500)]
    assert streamed(endpoint, [{"data": text} for text in texts]).payload.decode() == "".join(texts)


def test_first_byte_as_it_is_written(endpoint):
    """Guide: "you can send partial responses back to the client as they become available" """
    answer = streamed(endpoint, parts("one", "two", "three", pause=1))
    assert [chunk.payload for chunk in answer.chunks] == [b"one", b"two", b"three"]
    first, second, third = (chunk.seconds for chunk in answer.chunks)
    # What waited for a later part would come with it.
    assert second - first > 0.5 and third - second > 0.5, (first, second, third)


def test_more_than_a_buffered_response(endpoint):
    """Guide: "response streaming functions can return payloads up to 200 MB, compared to the 6 MB maximum for buffered responses" """
    answer = streamed(endpoint, [{"bytes": MIB}] * 20)
    assert len(answer.payload) == 20 * MIB and answer.end == {}


def test_http_prelude(endpoint):
    """Guide, runtimes-custom: "Set the Lambda-Runtime-Function-Response-Mode HTTP header to streaming": with application/vnd.awslambda.http-integration-response a JSON prelude, 8 NUL bytes and the body pass as they are. """
    prelude = json.dumps({"statusCode": 201, "headers": {"x-part": "1"}, "cookies": ["a=b"]})
    answer = streamed(endpoint, parts(prelude + "\0" * 8, "created"), HTTP_RESPONSE)
    assert answer.headers["x-amzn-remapped-content-type"] == HTTP_RESPONSE
    head, body = answer.payload.split(b"\0" * 8)
    assert head.decode() == prelude and body == b"created"


def test_empty_response(endpoint):
    """Model: PayloadChunk: "Data returned by your Lambda function.": without data there is none, and the end comes. """
    answer = streamed(endpoint, [])
    assert answer.chunks == [] and answer.end == {}


def test_no_log_unless_asked_for(endpoint):
    """Model: LogType: "Set to Tail to include the execution log in the response." """
    assert "LogResult" not in streamed(endpoint, parts("one")).end
    assert "LogResult" in streamed(endpoint, parts("one"), headers=TAIL).end


def test_log_tail(endpoint):
    """Model: LogResult: "The last 4 KB of the execution log, which is base64-encoded." """
    answer = streamed(endpoint, parts("one"), headers=TAIL)
    assert f"START RequestId: {answer.request_id}" in answer.log and f"REPORT RequestId: {answer.request_id}" in answer.log


def test_function_that_does_not_stream(endpoint):
    """Guide: a handler that is not for streaming answers InvokeWithResponseStream with its JSON, in whole. """
    answer = endpoint.stream("handlers", {"a": 1})
    assert json.loads(answer.payload) == {"a": 1} and answer.end == {}
    assert answer.headers["x-amzn-remapped-content-type"].startswith("application/json")


@pytest.mark.parametrize("before", [["half"], []], ids=["after-the-first-byte", "before-it"])
def test_error_in_a_trailer(endpoint, before):
    """Recording (streaming): an exception ends the stream after the payload so far, with an InvokeComplete that has no error fields. """
    error = "eyJlcnJvclR5cGUiOiAiVCIsICJlcnJvck1lc3NhZ2UiOiAibSJ9"
    trailers = {"Lambda-Runtime-Function-Error-Type": "Function.Asked", "Lambda-Runtime-Function-Error-Body": error}
    answer = streamed(endpoint, parts(*before) if before else [], trailers=trailers)
    assert answer.payload == "".join(before).encode() and answer.end == {}
    served(endpoint)


def test_time_out(endpoint):
    """Recording (streaming): a time-out ends the stream after the payload so far, with an InvokeComplete that has no error fields. """
    answer = streamed(endpoint, [{"data": "half"}, {"sleep": 9}], function="raw-brief", headers=TAIL)
    assert answer.payload == b"half" and set(answer.end) == {"LogResult"}
    assert "Task timed out after 3.00 seconds" in answer.log
    served(endpoint, "raw-brief")


def test_exit_half_way(endpoint):
    """Model: ErrorCode: "An error code."; ErrorDetails: "The details of any returned error." """
    answer = streamed(endpoint, [{"data": "half"}, {"sleep": 0.2}, {"exit": 1}])
    assert answer.payload == b"half"
    assert answer.end["ErrorCode"] in ("Runtime.TruncatedResponse", "Runtime.ExitError"), answer.end
    assert "errorMessage" in json.loads(answer.end["ErrorDetails"])
    served(endpoint)


def test_body_that_breaks_off(endpoint):
    """Model: ErrorCode: "An error code.": a response that was not ended has one. """
    answer = streamed(endpoint, [{"data": "half"}, {"sleep": 0.2}, {"break": True}])
    assert answer.payload == b"half" and answer.end["ErrorCode"] == "Runtime.TruncatedResponse", answer.end
    served(endpoint)


def test_caller_that_goes_away(endpoint):
    """Guide: a client that disconnects does not end the function: its response is taken to its end. """
    event = response(parts("first", "second", "third", pause=0.3))
    path = endpoint.address("raw")[2].replace("/2015-03-31/", "/2021-11-15/").removesuffix("/invocations")
    with endpoint.asked("raw", event, path=path + "/response-streaming-invocations") as got:
        assert got.status == 200 and b"first" in got.read1(4096)

    def told():
        # A function whose only environment is still busy is throttled.
        answer = endpoint.invoke("raw")
        assert answer.status in (200, 429)
        return answer.status == 200 and [one for one in answer.json["seen"] if one["token"] == event["token"]]

    seen = eventually(told, "the function's next answer")
    # How often it was throttled is chance.
    endpoint.outlines.clear()
    assert seen[0]["status"] == 202


def test_with_awss_own_client(endpoint):
    """Model: EventStream: "The stream of response payloads.", read by boto3's invoke_with_response_stream. """
    client, name = endpoint.client("raw")
    got = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(response(parts("one", "two"))), LogType="Tail")
    events = list(got["EventStream"])
    assert (got["StatusCode"], got["ExecutedVersion"]) == (200, "$LATEST")
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == b"onetwo"
    assert set(events[-1]["InvokeComplete"]) == {"LogResult"}


def test_client_context(endpoint):
    """Model: ClientContext: "Up to 3,583 bytes of base64-encoded data about the invoking client to pass to the function in the context object." """
    answer = endpoint.stream("raw", headers={"X-Amz-Client-Context": "eyJjdXN0b20iOnt9fQ=="})
    assert json.loads(answer.payload)["next"]["headers"]["lambda-runtime-client-context"] == '{"custom":{}}'


def test_qualifier(endpoint):
    """Model: ExecutedVersion: "The version of the function that executed." """
    answer = endpoint.stream("raw", query="?Qualifier=$LATEST")
    assert answer.status == 200 and answer.headers["x-amz-executed-version"] == "$LATEST"
    assert endpoint.stream("raw", query="?Qualifier=no-such-alias").status == 404


def test_invalid_json(endpoint):
    """Model: InvalidRequestContentException: "The request body could not be parsed as JSON, or a request header is invalid." """
    answer = endpoint.stream("raw", payload=b"{nope")
    assert (answer.status, answer.error_type) == (400, "InvalidRequestContentException")


def test_request_over_the_limit(endpoint):
    """Model: RequestTooLargeException: "The request payload exceeded the Invoke request body JSON input quota." """
    assert endpoint.stream("raw", payload=b'"' + b"x" * (6 * MIB - 1) + b'"').status == 413
    served(endpoint)


def test_dry_run_is_carried_out(endpoint):
    """Recording (streaming): the invocation type is not looked at; a DryRun executes. """
    answer = endpoint.stream("handlers", {"a": 1}, headers={"X-Amz-Invocation-Type": "DryRun"})
    assert answer.status == 200 and json.loads(answer.payload) == {"a": 1}
