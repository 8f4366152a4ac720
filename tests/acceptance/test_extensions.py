"""External extensions in /opt/extensions of a function's image, in a pod: AWS's unmodified `lambda-extension` crate
(tests/functions/extension-rust), and one written against the guide (tests/functions/extensions/recorder.py).

Quotes are from the AWS Lambda developer guide, "Using the Lambda Extensions API" and "Telemetry API", unless a test
says otherwise.
"""

import json
import re

from cluster import REGISTRY, eventually, kubectl
from pod_log import PodLog

TELEMETRY = {
    "schemaVersion": "2022-12-13",
    # Not `extension`: what the recorder is given it writes to its log, which would be given to it again.
    "types": ["platform", "function"],
    "buffering": {"maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:HTTP_PORT/telemetry"},
}


def recorded(space, name, what="", telemetry=None, handler="conformance.echo", **spec):
    """A function with the recorder, which writes down what it is given on its own standard output."""
    variables = {"EXTENSION_FILE": "/dev/stdout", "EXTENSION_DO": what}
    if telemetry:
        variables["EXTENSION_TELEMETRY"] = json.dumps(telemetry)
    space.apply(
        name, code={"image": f"{REGISTRY}/functions/extension-python:1"}, imageConfig={"command": [handler]},
        environment={"variables": variables}, **{"timeout": 10, "memorySize": 192, **spec},
    )


class Log(PodLog):
    """A pod's log, with what the recorder wrote there."""

    def events(self):
        return [record["event"] for record in self.records("event")]

    def telemetry(self, kind):
        return [one for record in self.records("batch") for one in record["batch"] if one["type"] == kind]


def test_extension_is_told_of_invocations_and_of_the_end(space):
    """'Register', 'When the Lambda function is invoked, Lambda sends an Invoke event to each extension'; 'Lambda sends
    a Shutdown event … shutdownReason: SPINDOWN'; and what it prints is in the function's log."""
    recorded(space, "told")
    answer = space.invoke("told", {"n": 1}, LogType="Tail")
    assert (answer.error, answer.json) == (None, {"n": 1})
    assert "EXTENSION\tName: recorder\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in answer.log, answer.log
    log = Log(space, "told")
    second = space.invoke("told", {"n": 2})
    eventually(lambda: len(log.events()) == 2, what="two INVOKE events")
    registered = json.loads(log.records("registered")[0]["registered"][1])
    # The handler is the image's own CMD, so the function's configuration has none.
    assert registered == {
        "functionName": "told", "functionVersion": "$LATEST", "handler": "", "accountId": space.account,
    }
    assert [event["requestId"] for event in log.events()] == [answer.request_id, second.request_id]
    assert {event["invokedFunctionArn"] for event in log.events()} == {space.arn("told")}
    assert "extension is ready" in log.text
    kubectl("delete", "pod", log.pod, "-n", space.name, "--wait=false")
    log.until_its_end()
    end = log.records("event")[-1]
    assert (end["event"]["eventType"], end["event"]["shutdownReason"]) == ("SHUTDOWN", "spindown")
    # 'Shutdown … 2,000 ms: a function with one or more external extensions'.
    # Less what passes until the extension has noted when it was told.
    assert 500 <= end["event"]["deadlineMs"] - end["at"] * 1000 <= 2_000
    assert log.records("done"), "it had time to end by itself"


def test_extension_sees_no_more_than_on_aws(space):
    """'The extension can access … environment variables'; recorded from AWS: none of the runtime's own."""
    recorded(space, "sees")
    assert space.invoke("sees").status == 200
    log = Log(space, "sees")
    [seen] = eventually(lambda: log.records("environment"), what="its environment")
    names = set(seen["environment"])
    assert {"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "EXTENSION_FILE"} <= names
    own = {"_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_STREAM_NAME"}
    assert not own & names and not [name for name in names if name.startswith("KUBE")]


def test_extension_that_lingers_is_ended_after_two_seconds(space):
    """'If the runtime or an extension does not respond to the Shutdown event within the limit, Lambda ends the process
    using a SIGKILL signal.'"""
    recorded(space, "lingers", "linger", timeout=60)
    assert space.invoke("lingers").status == 200
    log = Log(space, "lingers")
    kubectl("delete", "pod", log.pod, "-n", space.name, "--wait=false")
    ended = log.until_its_end()
    told = log.records("event")[-1]
    assert told["event"]["eventType"] == "SHUTDOWN" and not log.records("done")
    # The kubelet tells of the end, and that late. By itself it would end the pod 65 s after the request.
    assert 1.5 <= ended - told["at"] <= 30, "ended by force, after its time"


def test_telemetry_is_delivered_to_the_sandbox_s_own_name(space):
    """'"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}', 'platform', 'function'."""
    recorded(space, "streams", telemetry=TELEMETRY, handler="output.lines")
    first = space.invoke("streams")
    log = Log(space, "streams")
    assert first.error is None, first.payload
    # Frozen between invocations, it reads on during the next.
    def reported():
        space.invoke("streams")
        return [one for one in log.telemetry("platform.report") if one["record"]["requestId"] == first.request_id]
    [report] = eventually(reported, what="the report of the first invocation")
    assert log.records("subscribed")[0]["subscribed"] == [200, '"OK"']
    assert report["record"]["status"] == "success" and report["record"]["metrics"]["memorySizeMB"] == 192
    for kind in ("platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.telemetrySubscription"):
        assert len(log.telemetry(kind)) == 1, kind
    [start] = [one for one in log.telemetry("platform.start") if one["record"]["requestId"] == first.request_id]
    assert start["record"]["version"] == "$LATEST"
    said = [one["record"] for one in log.telemetry("function")]
    assert said.count("first of stdout\n") == said.count("second of stderr\n") >= 1
    batch = log.records("batch")[0]
    assert batch["path"] == "/telemetry" and re.match("sandbox.localdomain:[0-9]+", batch["headers"]["host"])


def test_extension_that_fails_in_the_init_phase(space):
    """'/extension/init/error'; recorded from AWS: the caller gets the extension's error, each time."""
    for what, error_type, message in [
        ("init error", "Extension.InitError", "exit status 1"), ("exit", "Extension.Crash", "exit status 3"),
    ]:
        name = "fails-" + error_type.rpartition(".")[2].lower()
        recorded(space, name, what)
        for _ in range(2):
            answer = space.invoke(name, LogType="Tail")
            assert (answer.status, answer.error) == (200, "Unhandled"), answer.payload
            assert answer.json == {
                "errorType": error_type, "errorMessage": f"RequestId: {answer.request_id} Error: {message}",
            }
            assert f"Error Type: {error_type}" in answer.log, answer.log


def test_extension_that_fails_later_fails_the_invocation(space):
    """'If an extension crashes … Lambda resets the execution environment'; the next invocation is served."""
    recorded(space, "crashes", "crash", handler="conformance.sleep")
    answer = space.invoke("crashes", {"sleep_ms": 5_000})
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Extension.Crash"), answer.payload
    recorded(space, "crashes", "", handler="conformance.sleep")
    eventually(lambda: space.invoke("crashes", {"sleep_ms": 1}).error is None, what="the mended function")


def test_aws_s_own_crate(space):
    """'The Lambda Extensions API': AWS's Rust crate, unmodified, reads every event and every record as its own types."""
    space.apply(
        # Frozen, what `exec` starts below would be stopped too.
        "crate", code={"image": f"{REGISTRY}/functions/extension-rust:1"}, memorySize=192, timeout=5, idle="Run",
        scaling={"maxEnvironments": 1},
        imageConfig={"command": ["conformance.sleep"]},
        environment={"variables": {"EXTENSION_FILE": "/tmp/events", "EXTENSION_PORT": "8011"}},
    )
    answer = space.invoke("crate", {"sleep_ms": 1})
    assert answer.error is None, answer.payload
    [pod] = space.pods("crate")
    command = ["exec", "-n", space.name, pod["metadata"]["name"], "-c", "function", "--", "cat", "/tmp/events"]
    def written(text):
        # It fails where a reset ends it with everything else.
        eventually(lambda: text in kubectl(*command, check=False).stdout, what=text)
    written(f"invoke {answer.request_id}\n")
    written(f'telemetry PlatformReport {{ request_id: "{answer.request_id}"')
    for record in ("PlatformInitStart", "PlatformInitRuntimeDone", "PlatformInitReport", "PlatformExtension", "PlatformStart"):
        written(f"telemetry {record} ")
    late = space.invoke("crate", {"sleep_ms": 20_000})
    assert late.json["errorType"] == "Sandbox.Timedout"
    written("shutdown timeout\n")
    # What comes after the end is told to the extension's next life, as on AWS.
    eventually(lambda: space.invoke("crate", {"sleep_ms": 1}).error is None, what="the next life")
    written(f'telemetry PlatformReport {{ request_id: "{late.request_id}", status: Timeout')
    # The crate asks for more after its last event, which is not told again.
    everything = eventually(lambda: kubectl(*command, check=False).stdout, what="what it wrote")
    assert "shutdown timeout\nshutdown" not in everything
