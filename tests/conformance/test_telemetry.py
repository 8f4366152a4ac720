"""The Telemetry API and the older Logs API: subscriptions, and what subscribers are sent (functions/extended.py).

`Guide` is "Lambda Telemetry API" and its reference and schema pages, `Logs` is "Lambda Logs API".
"""

import json
import re

import pytest

from endpoints import eventually
from extensions import ACCEPTED_SUBSCRIPTIONS, REFUSED_SUBSCRIPTIONS
from test_extensions import TRACE, Seen, seen_by

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TRACING = {"type": "X-Amzn-Trace-Id", "value": TRACE}


class Received(Seen):
    """What subscribers were sent, by the path that they asked for."""

    def events(self, path, kind=None):
        events = [event for batch in self.of("batch", path=path) for event in batch["events"]]
        return [event for event in events if kind is None or event["type"] == kind]

    def record(self, kind, path="/telemetry", request=None):
        records = [event["record"] for event in self.events(path, kind)]
        found = [record for record in records if request is None or record["requestId"] == request]
        assert found, f"no {kind} was sent to {path}"
        return found[0]

    @property
    def is_complete(self):
        wanted = [("/telemetry", "platform.report"), ("/telemetry", "function"), ("/logs", "platform.report"),
                  ("/put", "platform.report"), ("/late", "function")]
        return all(self.events(path, kind) for path, kind in wanted) and self.of("line")


@pytest.fixture(scope="module")
def received(endpoint):
    """One invocation, and what was sent of it when further ones gave the time."""
    first = endpoint.invoke("extended", {"print": "a line"}, headers={"X-Amzn-Trace-Id": TRACE})

    def told():
        received = Received(seen_by(endpoint.invoke("extended", {"sleep": 0.2})), [first])
        return received if received.is_complete else None

    received = eventually(told, "what each subscriber is sent")
    # How many invocations that took is chance.
    endpoint.outlines.clear()
    received.request = first.json["next"]["lambda-runtime-aws-request-id"]
    return received


def test_subscription(endpoint, received):
    """Guide, reference: "If the Subscribe request succeeds, the extension receives an HTTP 200 success response: HTTP/1.1 200 OK "OK"" """
    call = received.call("telemetry subscription")
    assert (call["status"], call["body"]) == (200, '"OK"')


@pytest.mark.parametrize("label", list(ACCEPTED_SUBSCRIPTIONS))
def test_subscription_within_the_limits(endpoint, received, label):
    """Guide, buffering: "maxBytes … Default: 262,144 Minimum: 262,144 Maximum: 1,048,576"; "maxItems … Default: 10,000 Minimum: 1,000 Maximum: 10,000"; "timeoutMs … Default: 1,000 Minimum: 25 Maximum: 30,000"; reference: "Valid values: "2025-01-29", "2022-12-13", or "2022-07-01"" """
    call = received.call(label)
    # All but the first repeat that one, for which the service was recorded to have another word.
    assert (call["status"], call["body"]) in ((200, '"OK"'), (200, '"AlreadySubscribed"'))


@pytest.mark.parametrize("label", list(REFUSED_SUBSCRIPTIONS))
def test_subscription_beyond_the_limits(endpoint, received, label):
    """Guide, reference: "If the Subscribe request fails, the extension receives an error response. For example: HTTP/1.1 400 OK { "errorType": "ValidationError", "errorMessage": "URI port is not provided; types should not be empty" }" """
    call = received.call(label)
    assert call["status"] == 400, call
    body = json.loads(call["body"])
    assert sorted(body) == ["errorMessage", "errorType"] and body["errorMessage"]
    # The service was recorded to put the API's name before the guide's word.
    assert body["errorType"] in ("ValidationError", "Telemetry.ValidationError")


def test_subscription_of_nobody(endpoint, received):
    """Guide: "Before sending a subscription request, you must have an extension ID (Lambda-Extension-Identifier)." """
    assert received.call("subscription of nobody")["status"] == 403


def test_subscription_after_the_init_phase(endpoint):
    """Guide: "Subscription occurs during the extension initialization phase."; Logs: "After the initialization phase completes, Lambda does not process subscription requests." """
    for path, error_type in (("/2022-07-01/telemetry", "Telemetry.SubscriptionClosed"), ("/2020-08-15/logs", "Logs.SubscriptionClosed")):
        step = {"label": path, "method": "PUT", "path": path, "body": "{}", "headers": {"Lambda-Extension-Identifier": "{bounds}"}}
        call = Seen(seen_by(endpoint.invoke("extended", {"steps": [step]}))).call(path)
        assert (call["status"], json.loads(call["body"])["errorType"]) == (403, error_type)


def test_both_apis(endpoint, received):
    """Guide: "After subscribing using one of these APIs, any attempt to subscribe using the other API returns an error." """
    assert 400 <= received.call("logs after telemetry")["status"] < 500


def test_second_subscription(endpoint, received):
    """Logs: "Logs API subscription is idempotent. Duplicate subscribe requests do not result in duplicate subscriptions." """
    again = received.call("telemetry subscription again")
    assert (again["status"], again["body"]) in ((200, '"OK"'), (200, '"AlreadySubscribed"'))
    assert len([event for event in received.events("/telemetry", "platform.start") if event["record"]["requestId"] == received.request]) == 1


def test_subscription_record(endpoint, received):
    """Guide, schema: "A platform.telemetrySubscription event contains information about an extension subscription.": name, state, types. """
    record = next(one["record"] for one in received.events("/telemetry", "platform.telemetrySubscription") if one["record"]["name"] == "telemetry")
    assert record == {"name": "telemetry", "state": "Subscribed", "types": ["platform", "function", "extension"]}


def test_delivery(endpoint, received):
    """Guide: "Lambda delivers telemetry to a local HTTP endpoint (http://sandbox.localdomain:${PORT}/${PATH}) as an array of records in JSON format. … Lambda delivers telemetry through POST requests." """
    batches = received.of("batch", path="/telemetry")
    assert batches and {batch["method"] for batch in batches} == {"POST"}
    assert all(isinstance(batch["events"], list) and batch["events"] for batch in batches)
    assert {batch["headers"]["content-type"] for batch in batches} == {"application/json"}


def test_shape_of_an_event(endpoint, received):
    """Guide: "Event is a JSON object with the following schema: { time: String, type: String, record: Object }. … The string value of time is a timestamp in ISO 8601 format." """
    events = received.events("/telemetry")
    assert events and all(set(event) == {"time", "type", "record"} for event in events)
    assert all(re.fullmatch(TIME, event["time"]) for event in events)


def test_delivery_over_tcp(endpoint, received):
    """Guide: "TCP – Lambda delivers telemetry to a TCP port in Newline delimited JSON (NDJSON) format." """
    events = [one["event"] for one in received.of("line")]
    assert {event["type"] for event in events} == {"function"} and "a line\n" in [event["record"] for event in events]


def test_listener_that_is_late(endpoint, received):
    """Guide: "Lambda retries the attempt to send telemetry (with backoff) if there is no listener" """
    assert "a line\n" in [event["record"] for event in received.events("/late", "function")]


def test_only_the_types_asked_for(endpoint, received):
    """Guide: "The subscription request should contain information about the types of events that you want the extension to subscribe to." """
    events = received.events("/late")
    assert events and {event["type"] for event in events} == {"function"}


def test_size_of_a_batch(endpoint, received):
    """Guide, buffering: "maxItems – The maximum number of events to buffer in memory." """
    sizes = [len(batch["events"]) for batch in received.of("batch")]
    assert sizes and max(sizes) <= 1_000


def test_init_start(endpoint, received):
    """Guide, schema: "The PlatformInitStart object has the following attributes: initializationType, phase, runtimeArn?, runtimeVersion?": it is sent to who subscribes after it. """
    record = received.record("platform.initStart")
    assert (record["initializationType"], record["phase"]) == ("on-demand", "init")
    assert {"functionName", "functionVersion", "instanceId", "instanceMaxMemory"} <= set(record)


def test_init_runtime_done(endpoint, received):
    """Guide, schema: "The PlatformInitRuntimeDone object has the following attributes: initializationType, phase, status, spans?" """
    record = received.record("platform.initRuntimeDone")
    assert {key: record[key] for key in ("initializationType", "phase", "status")} == {
        "initializationType": "on-demand", "phase": "init", "status": "success"}


def test_init_report(endpoint, received):
    """Guide, schema: "The PlatformInitReport object has the following attributes: initializationType, phase, metrics, spans?"; InitReportMetrics: durationMs: Double """
    record = received.record("platform.initReport")
    assert (record["initializationType"], record["phase"]) == ("on-demand", "init")
    assert set(record["metrics"]) == {"durationMs"} and 0 < record["metrics"]["durationMs"] < 10_000


def test_start(endpoint, received):
    """Guide, schema: "The PlatformStart object has the following attributes: requestId, version?, tracing?" """
    record = received.record("platform.start", request=received.request)
    assert record["version"] == "$LATEST" and TRACING.items() <= record["tracing"].items()


def test_runtime_done(endpoint, received):
    """Guide, schema: "The PlatformRuntimeDone object has the following attributes: metrics?, requestId, status, spans?, tracing?"; RuntimeDoneMetrics: durationMs, producedBytes? """
    record = received.record("platform.runtimeDone", request=received.request)
    assert record["status"] == "success" and TRACING.items() <= record["tracing"].items()
    assert record["metrics"]["durationMs"] > 0 and record["metrics"]["producedBytes"] > 100


def test_spans_of_runtime_done(endpoint, received):
    """Guide, schema: "The responseLatency span describes how long it took your Lambda function to start sending the response. The responseDuration span describes how long it took your Lambda function to finish sending the entire response." """
    spans = {span["name"]: span for span in received.record("platform.runtimeDone", request=received.request)["spans"]}
    assert {"responseLatency", "responseDuration"} <= set(spans)
    assert all(re.fullmatch(TIME, span["start"]) and span["durationMs"] >= 0 for span in spans.values())


def test_report(endpoint, received):
    """Guide, schema: "The PlatformReport object has the following attributes: metrics, requestId, spans?, status, tracing?"; ReportMetrics: billedDurationMs, durationMs, initDurationMs?, maxMemoryUsedMB, memorySizeMB """
    record = received.record("platform.report", request=received.request)
    metrics = record["metrics"]
    assert record["status"] == "success" and metrics["memorySizeMB"] == 128 and 1 < metrics["maxMemoryUsedMB"] <= 128
    assert metrics["durationMs"] <= metrics["billedDurationMs"] + metrics.get("initDurationMs", 0) + 1
    assert set(metrics) <= {"billedDurationMs", "durationMs", "initDurationMs", "maxMemoryUsedMB", "memorySizeMB"}


def test_extension_record(endpoint, received):
    """Guide, schema: "The PlatformExtension object has the following attributes: events – List of String, name – String, state – String" """
    record = next(one["record"] for one in received.events("/telemetry", "platform.extension") if one["record"]["name"] == "telemetry")
    assert record == {"name": "telemetry", "state": record["state"], "events": ["INVOKE"]} and record["state"] in ("Ready", "Registered")


def test_function_record(endpoint, received):
    """Guide, schema: "A function event contains logs from the function code.": { "type": "function", "record": "[INFO] Hello world, I am a function!" } """
    assert "a line\n" in [event["record"] for event in received.events("/telemetry", "function")]


def test_no_end_in_telemetry(endpoint, received):
    """Guide: "The following table summarizes all types of Event objects": platform.end and platform.fault, of the Logs API, are none of them. """
    kinds = {event["type"] for event in received.events("/telemetry")}
    assert kinds and kinds <= {
        "platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start", "platform.runtimeDone",
        "platform.report", "platform.extension", "platform.telemetrySubscription", "platform.logsDropped", "function", "extension",
        # Of a subscriber to the other API.
        "platform.logsSubscription",
    }


def test_logs_api(endpoint, received):
    """Logs: "Lambda generates log messages for platform events such as platform.start, platform.end, and platform.fault." """
    kinds = {event["type"] for event in received.events("/logs")}
    assert {"platform.start", "platform.end", "platform.report", "function"} <= kinds
    assert received.record("platform.end", "/logs", received.request) == {"requestId": received.request}


def test_logs_api_by_put(endpoint, received):
    """Logs: "You can choose to receive logs through PUT or POST." """
    assert {batch["method"] for batch in received.of("batch", path="/put")} == {"PUT"}
    assert {batch["method"] for batch in received.of("batch", path="/logs")} == {"POST"}


def test_runtime_done_in_the_logs_api(endpoint, received):
    """Logs: "schemaVersion – Required: no. Default value: "2020-08-15". Set to "2021-03-18" for the extension to receive platform.runtimeDone messages." """
    assert received.record("platform.runtimeDone", "/logs", received.request)["status"] == "success"
    assert received.events("/put", "platform.report") and not received.events("/put", "platform.runtimeDone")


def test_logs_subscription_record(endpoint, received):
    """Logs: "Lambda generates a platform logs subscription log when an extension subscribes to the logs API.": name, state, types """
    record = next(one["record"] for one in received.events("/logs", "platform.logsSubscription") if one["record"]["name"] == "logs")
    assert record == {"name": "logs", "state": "Subscribed", "types": ["platform", "function", "extension"]}


def test_bad_logs_subscription(endpoint, received):
    """Logs: "If the request fails, the subscriber receives an error response. For example: HTTP/1.1 400 OK { "errorType": "Logs.ValidationError", …" """
    call = received.call("bad logs subscription")
    assert (call["status"], json.loads(call["body"])["errorType"]) == (400, "Logs.ValidationError")


def test_time_out(endpoint):
    """Logs: "Example timeout message … "status": "timeout""; Guide: "If the telemetry listener crashes, then it continues to receive telemetry after Lambda restarts the execution environment." """
    request = endpoint.invoke("extended-brief", {"sleep": 9}).request_id

    def told():
        received = Received(seen_by(endpoint.invoke("extended-brief", {"sleep": 0.2})))
        reports = [event["record"] for event in received.events("/telemetry", "platform.report")]
        return received if request in [record["requestId"] for record in reports] else None

    received = eventually(told, "a report of the time-out")
    endpoint.outlines.clear()
    assert received.record("platform.runtimeDone", request=request)["status"] == "timeout"
    assert received.record("platform.report", request=request)["status"] == "timeout"
