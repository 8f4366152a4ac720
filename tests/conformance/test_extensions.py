"""The Extensions API, called by internal extensions: a function's process that registers itself (functions/extended.py).

`Guide` is "Lambda Extensions API" unless a test names another page. External extensions are files of a layer or an
image, which no invoke endpoint can be asked for; the shim's own tests run them.
"""

import json
import re
import uuid

import pytest

from endpoints import eventually

UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"


class Seen:
    """What a function's extensions saw so far."""

    def __init__(self, records, answers=()):
        self.records, self.answers = records, answers

    def of(self, kind, **fields):
        return [one for one in self.records if one["kind"] == kind and fields.items() <= one.items()]

    def call(self, label):
        return self.of("call", label=label)[-1]


@pytest.fixture(scope="module")
def seen(endpoint):
    """The first two invocations, and what had been seen when their events had come too."""
    answers = [endpoint.invoke("extended", headers={"X-Amzn-Trace-Id": TRACE}), endpoint.invoke("extended")]

    def told():
        seen = Seen(seen_by(endpoint.invoke("extended", {"sleep": 0.1})), answers)
        return seen if len(seen.of("event", name="telemetry")) >= 2 else None

    seen = eventually(told, "two events")
    # How many invocations that took is chance.
    endpoint.outlines.clear()
    return seen


def seen_by(answer):
    """What the function's extensions saw, as a success told it."""
    assert (answer.status, answer.error) == (200, None), answer
    return answer.json["seen"]


def refused(call, error_type, message=None):
    assert call["status"] == 403, call
    body = json.loads(call["body"])
    assert sorted(body) == ["errorMessage", "errorType"] and body["errorType"] == error_type, body
    assert message is None or body["errorMessage"] == message


def test_registration(endpoint, seen):
    """Guide, Register: "200 – Response body contains the function name, function version, and handler name." """
    call = seen.call("without events")
    assert call["status"] == 200
    expected = {"functionName": "extended", "functionVersion": "$LATEST", "handler": "extended.nothing"}
    assert json.loads(call["body"]) == {**expected, "functionName": json.loads(call["body"])["functionName"]}
    assert json.loads(call["body"])["functionName"].startswith("extended")


def test_account_of_a_registration(endpoint, seen):
    """Guide, Register: "accountId – If specified, the Extension registration response will contain the account ID associated with the Lambda function that you're registering the Extension for." """
    assert re.fullmatch(r"\d{12}", json.loads(seen.call("telemetry")["body"])["accountId"])
    assert "accountId" not in json.loads(seen.call("without events")["body"])


def test_identifier(endpoint, seen):
    """Guide, Register: "Lambda-Extension-Identifier – Generated unique agent identifier (UUID string) that is required for all subsequent requests." """
    identifiers = [seen.call(name)["headers"]["lambda-extension-identifier"] for name in ("telemetry", "logs", "bounds")]
    assert len(set(identifiers)) == 3 and all(re.fullmatch(UUID, one) for one in identifiers)


def test_registration_without_a_name(endpoint, seen):
    """Guide, Register: "Lambda-Extension-Name – The full file name of the extension. Required: yes."; Emulator, agentregister.go: 403 Extension.InvalidExtensionName, "Empty extension name" """
    refused(seen.call("no name"), "Extension.InvalidExtensionName", "Empty extension name")


@pytest.mark.parametrize("label", ["no JSON", "no list"])
def test_registration_with_a_bad_body(endpoint, seen, label):
    """Guide, Register: "events – Array of the events to register for."; Emulator, agentregister.go: 403 InvalidRequestFormat """
    refused(seen.call(label), "InvalidRequestFormat")


def test_internal_extension_for_shutdown(endpoint, seen):
    """Guide, Register: "Internal extensions are started and stopped by the runtime process, so they are not permitted to register for the Shutdown event." """
    refused(seen.call("internal for SHUTDOWN"), "Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension")


def test_registration_for_an_unknown_event(endpoint, seen):
    """Guide, Register: "Valid strings: INVOKE, SHUTDOWN."; Emulator, agentregister.go: 403 Extension.InvalidEventType """
    refused(seen.call("unknown event"), "Extension.InvalidEventType", "X: ErrorInvalidEventType")


def test_second_registration(endpoint, seen):
    """Emulator, agentregister.go: 403 Extension.InvalidExtensionState, "Extension with this name already registered" """
    refused(seen.call("registered again"), "Extension.InvalidExtensionState", "Extension with this name already registered")


def test_eleven_extensions(endpoint):
    """Guide, Init phase: "You can register up to 10 extensions for a function. This limit is enforced through the Register API call." """
    calls = Seen(seen_by(endpoint.invoke("extended-crowd"))).of("call")[:11]
    assert [one["status"] for one in calls] == [200] * 10 + [403]
    refused(calls[-1], "Extension.TooManyExtensions", "Extension limit (10) reached")


def test_registration_after_the_init_phase(endpoint):
    """Guide, Init phase: "During the Extension init phase, each extension needs to register with Lambda to receive events."; Emulator, agentregister.go: 403 Extension.RegistrationClosed """
    step = {"label": str(uuid.uuid4()), "method": "POST", "path": "/2020-01-01/extension/register", "body": '{"events": []}',
            "headers": {"Lambda-Extension-Name": "late"}}
    answer = endpoint.invoke("extended", {"steps": [step]})
    refused(Seen(seen_by(answer)).call(step["label"]), "Extension.RegistrationClosed")


@pytest.mark.parametrize("label, error_type", [
    ("no identifier", "Extension.MissingExtensionIdentifier"), ("bad identifier", "Extension.InvalidExtensionIdentifier"),
    ("unknown identifier", "Extension.UnknownExtensionIdentifier"),
])
def test_next_with_a_bad_identifier(endpoint, seen, label, error_type):
    """Guide, Next: "Lambda-Extension-Identifier – Unique identifier for extension (UUID string). Required: yes."; "403 – Forbidden" """
    refused(seen.call(label), error_type)


def test_event_of_an_invocation(endpoint, seen):
    """Guide, Invoke phase: "This lifecycle event includes the type of the event, the time that the function times out (deadlineMs), the requestId, the invoked function's Amazon Resource Name (ARN), and tracing headers." """
    event = seen.of("event", name="telemetry")[0]
    body = json.loads(event["body"])
    assert sorted(body) == ["deadlineMs", "eventType", "invokedFunctionArn", "requestId", "tracing"]
    runtimes = seen.answers[0].json["next"]
    assert body["eventType"] == "INVOKE" and body["requestId"] == runtimes["lambda-runtime-aws-request-id"]
    assert body["invokedFunctionArn"] == runtimes["lambda-runtime-invoked-function-arn"]
    # Each is told when the event is handed to it; the time-out is 10 s.
    assert abs(body["deadlineMs"] - int(runtimes["lambda-runtime-deadline-ms"])) < 2_000


def test_tracing_of_an_event(endpoint, seen):
    """Guide, Invoke phase: "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Parent=2be948a625588e32;Sampled=1"} """
    tracing = json.loads(seen.of("event", name="telemetry")[0]["body"])["tracing"]
    assert tracing["type"] == "X-Amzn-Trace-Id" and set(TRACE.split(";")) <= set(tracing["value"].split(";"))


def test_headers_of_an_event(endpoint, seen):
    """Emulator, agentnext.go: an INVOKE event has Lambda-Extension-Event-Identifier, of its own each time. """
    events = seen.of("event", name="telemetry")
    identifiers = [event["headers"]["lambda-extension-event-identifier"] for event in events]
    assert len(events) >= 2 and len(set(identifiers)) == len(identifiers) and all(re.fullmatch(UUID, one) for one in identifiers)
    assert events[0]["status"] == 200 and events[0]["headers"]["content-type"] == "application/json"


def test_each_extension_is_told(endpoint, seen):
    """Guide, Invoke phase: "Lambda sends an Invoke event to the runtime and to each extension that is registered for the Invoke event." """
    told = {json.loads(event["body"])["requestId"] for event in seen.of("event", name="logs")}
    assert {answer.json["next"]["lambda-runtime-aws-request-id"] for answer in seen.answers} <= told
    assert seen.of("event", name="without events") == []


@pytest.mark.parametrize("label", ["init error without a type", "exit error without a type"])
def test_error_without_a_type(endpoint, seen, label):
    """Guide, Init error, Exit error: "Lambda-Extension-Function-Error-Type – Error type that the extension encountered. Required: yes." """
    refused(seen.call(label), "Extension.MissingHeader")


def test_error_of_nobody(endpoint, seen):
    """Guide, Exit error: "Lambda-Extension-Identifier – Unique identifier for extension. Required: yes." """
    refused(seen.call("exit error of nobody"), "Extension.MissingExtensionIdentifier")


def test_init_error(endpoint):
    """Guide, Init error: "The extension uses this method to report an initialization error to Lambda." """
    answer, log = endpoint.logged(function="extended-init-error")
    assert (answer.status, answer.error) == (200, "Unhandled"), answer
    # As recorded, the exit after it counts, which the guide asks for, and has its status.
    expected = {"errorType": "Extension.InitError", "errorMessage": f"RequestId: {answer.request_id} Error: exit status 1"}
    assert answer.json == expected
    assert "Error Type: Extension.InitError" in log


def test_exit_error(endpoint):
    """Guide, Exit error: "The extension uses this method to report an error to Lambda before exiting." """
    step = {"label": "exit error", "method": "POST", "path": "/2020-01-01/extension/exit/error", "body": "{}",
            "headers": {"Lambda-Extension-Identifier": "{extension-0}", "Lambda-Extension-Function-Error-Type": "Extension.Tired"}}
    answer = endpoint.invoke("extended-crowd", {"steps": [step, {"exit": 4}]})
    assert (answer.status, answer.error, answer.json["errorType"]) == (200, "Unhandled", "Extension.ExitError")
    assert answer.json["errorMessage"] == f"RequestId: {answer.request_id} Error: exit status 4"
    seen_by(endpoint.invoke("extended-crowd"))


@pytest.fixture(scope="module")
def timed_out(endpoint):
    """An invocation of a function with an internal extension that times out and lingers, and what is seen afterwards."""
    before = seen_by(endpoint.invoke("extended-brief"))
    answer = endpoint.invoke("extended-brief", {"sleep": 9})
    after = seen_by(endpoint.invoke("extended-brief"))
    endpoint.outlines.clear()
    return answer, Seen(after), Seen(after[len(before):])


def test_time_out_with_an_extension(endpoint, timed_out):
    """Guide, Invoke phase: "The function's timeout setting limits the duration of the entire Invoke phase." """
    answer, _, _ = timed_out
    assert answer.json == {
        "errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 3.00 seconds"
    }


def test_shutdown_with_an_internal_extension(endpoint, timed_out):
    """Guide, Shutdown phase: "500 ms – A function with a registered internal extension": SIGTERM, and SIGKILL after it. """
    _, _, seen = timed_out
    alive = [one["at"] for one in seen.of("alive")]
    assert alive, "no SIGTERM came"
    # By the function's clock. External extensions would have 2,000 ms.
    assert 0.2 < alive[-1] - alive[0] < 1.5, alive[-1] - alive[0]


def test_shutdown_without_an_extension(endpoint):
    """Guide, Shutdown phase: "0 ms – A function with no registered extensions": no SIGTERM comes first. """
    endpoint.call("misbehaviour.notes_sigterm", "json")
    assert endpoint.call("misbehaviour.noted_sigterm", "json").json is False


def test_answer_after_the_time_out(endpoint, timed_out):
    """Guide, runtimes-api: "403 – Forbidden"; Client lambda_runtime: 410 for an invocation that has timed out: it reaches nobody. """
    answer, _, seen = timed_out
    assert answer.payload != b'"late"'
    late = seen.call("late")
    assert (late["status"], json.loads(late["body"])["errorType"]) in (
        (410, "InvokeTimeout"), (403, "InvalidStateTransition"), (400, "InvalidRequestID")), late


def test_extensions_are_initialised_again(endpoint, timed_out):
    """Guide, Failure handling: "If this environment is used for a new invocation, the extension and runtime are re-initialized as part of the next invocation." """
    _, seen, _ = timed_out
    registered = seen.of("call", label="only")
    assert len(registered) >= 2 and {one["status"] for one in registered} == {200}
    assert len({one["headers"]["lambda-extension-identifier"] for one in registered}) == len(registered)


def test_line_of_an_extension(endpoint):
    """Guide, Failure handling: "Lambda also generates an additional log event for each extension during Init. The log event records the name and registration preference (event, config) on success, or the failure reason on failure." """
    line = r"^EXTENSION\tName: telemetry\tState: (Ready|Registered)\tEvents: \[INVOKE\]$"
    eventually(lambda: re.search(line, endpoint.written("extended"), re.MULTILINE), "the extension's line")
