"""Powertools for AWS Lambda (Python), unmodified, in the sample examples/powertools: logger, metrics, tracer,
idempotency, metadata; in a pod from its image, and in local mode from its SAM template.

Quotes are from the documentation of Powertools for AWS Lambda (Python).
"""

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from cluster import ROOT, Answer, eventually, get, kubectl, logs

SAMPLE = ROOT / "examples/powertools"
PROGRAM = os.environ.get("KUBELAMBDA") or str(ROOT / "target/debug/kubelambda")


class InPod:
    """The manifest of the sample, as a person applies it."""

    def __init__(self, space):
        self.space = space
        text = (SAMPLE / "function.yaml").read_text()
        kubectl("apply", "-n", space.name, "-f", "-", stdin=text)
        spec = get("function", "powertools", space.name)["spec"]
        self.memory = spec["memorySize"]
        space.applied.add("powertools")
        eventually(lambda: is_served(self), what="the gateway knows the sample, and its libraries are loaded")

    def invoke(self, event, **headers):
        def add(params, **_):
            params["headers"].update(headers)
        events = self.space.client.meta.events
        events.register("before-call.lambda.Invoke", add)
        try:
            return self.space.invoke("powertools", event, LogType="Tail")
        finally:
            events.unregister("before-call.lambda.Invoke", add)

    def stop(self):
        self.space.remove("powertools")


class Local:
    """`kubelambda local` on the folder with the template, libraries beside the code as an archive has them."""

    def __init__(self, folder):
        project = folder / "powertools"
        shutil.copytree(SAMPLE, project)
        libraries = ROOT / "target/images/powertools/root/var/task"
        shutil.copytree(libraries, project / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        self.memory = 256
        self.log = folder / "log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "local", str(project), "--listen", "127.0.0.1:0", "--emulator", "off"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )
        words = "Lambda API on http://"
        def said():
            text = self.log.read_text()
            assert self.process.poll() is None, text
            return words in text and text.split(words)[1].split()[0]
        self.url = f"http://{eventually(said, what=words)}/2015-03-31/functions/powertools/invocations"
        # On a busy machine the libraries take longer to load than an init phase may, and it is repeated.
        eventually(lambda: is_served(self), timeout=120, what="its libraries are loaded")

    def invoke(self, event, **headers):
        headers = {"X-Amz-Log-Type": "Tail", **headers}
        request = urllib.request.Request(self.url, json.dumps(event).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as got:
            names = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, names, got.read(), names.get("x-amz-function-error"))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def is_served(sample):
    answer = sample.invoke({"order": "first", "amount": 1})
    return (answer.status, answer.error) == (200, None)


@pytest.fixture(scope="module", params=["pod", "local"])
def sample(request, space, tmp_path_factory):
    sample = InPod(space) if request.param == "pod" else Local(tmp_path_factory.mktemp("powertools"))
    yield sample
    sample.stop()


def invoked(sample, order, amount=12, **headers):
    answer = sample.invoke({"order": order, "amount": amount}, **headers)
    assert (answer.status, answer.error) == (200, None), answer.payload
    records = [json.loads(line) for line in answer.log.splitlines() if line.startswith("{")]
    return answer, [one for one in records if "level" in one], [one for one in records if "_aws" in one]


def test_logger(sample):
    """Logger: 'Capture key fields from Lambda context, cold start and structures logging output as JSON': cold_start,
    function_name, function_memory_size, function_arn, function_request_id, correlation_id."""
    answer, [line], _ = invoked(sample, "logged")
    assert (line["level"], line["message"], line["service"], line["amount"]) == ("INFO", "Payment taken", "payment", 12)
    assert line["function_request_id"] == answer.request_id and line["correlation_id"] == "logged"
    assert (line["function_name"], line["function_memory_size"]) == ("powertools", str(sample.memory))
    assert line["function_arn"].endswith(":function:powertools")
    assert line["cold_start"] is False, "it was invoked before"
    assert line["xray_trace_id"] == re.search("root=([^;]+)", answer.headers["x-amzn-trace-id"])[1]


def test_metadata(sample):
    """Metadata: 'The Metadata utility allows you to fetch data from the AWS Lambda Metadata Endpoint (LMDS). This can be
    useful for retrieving information about the Lambda execution environment, such as the Availability Zone ID.'"""
    _, [line], _ = invoked(sample, "placed")
    assert line["zone"] == "use1-az1", "the node names no zone"


def test_metrics(sample):
    """Metrics: 'creates custom metrics asynchronously by logging metrics to standard output following Amazon CloudWatch
    Embedded Metric Format (EMF)'."""
    _, _, [blob] = invoked(sample, "measured")
    assert (blob["service"], blob["PaymentAsked"], blob["PaymentTaken"]) == ("payment", [1.0], [1.0])
    [directive] = blob["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Shop", [["service"]])
    assert {one["Name"]: one["Unit"] for one in directive["Metrics"]} == {"PaymentAsked": "Count", "PaymentTaken": "Count"}


def test_idempotency(sample):
    """Idempotency: 'Prevent Lambda handler from executing more than once on the same event payload during a time
    window'."""
    first, lines, _ = invoked(sample, "twice")
    again, none, [blob] = invoked(sample, "twice")
    assert again.json == first.json and first.json["order"] == "twice"
    assert len(lines) == 1 and none == [], "the function's body ran once"
    assert "PaymentTaken" not in blob and blob["PaymentAsked"] == [1.0]
    other, _, _ = invoked(sample, "another")
    assert other.json["number"] == first.json["number"] + 1


def test_a_function_error_is_not_kept(sample):
    """Idempotency: 'If your code raises an exception … the record is deleted': the next event with the key runs it."""
    bad = sample.invoke({"order": "retried"})
    assert (bad.error, bad.json["errorType"]) == ("Unhandled", "KeyError")
    good, lines, _ = invoked(sample, "retried")
    assert good.json["order"] == "retried" and len(lines) == 1


def test_tracer(sample):
    """Tracer: 'Auto capture cold start as annotation, and responses or full exceptions as metadata'. A sampled
    invocation sends its subsegments to the daemon's port, which must disturb nothing."""
    root = "1-6b058edf-fdd41571932833e353d18664"
    header = {"X-Amzn-Trace-Id": f"Root={root};Parent=53995a7d2c1f4b60;Sampled=1"}
    answer, [line], _ = invoked(sample, "traced", **header)
    assert line["xray_trace_id"] == root
    assert "ERROR" not in answer.log and "Traceback" not in answer.log, answer.log


def test_cold_start_is_told_once(sample):
    """Logger: 'cold_start: bool'; Metrics: 'capture_cold_start_metric: … create a separate EMF blob solely containing a
    metric named ColdStart'."""
    answer, _, _ = invoked(sample, "again")
    def written():
        local = isinstance(sample, Local)
        log = sample.log.read_text() if local else logs(sample.space.name, "kubelambda.dev/function=powertools")
        return log if f"END RequestId: {answer.request_id}" in log else None
    log = eventually(written, what="the end of the last invocation in its log")
    records = re.findall(r"\{\"level\".*\}|\{\"_aws\".*\}", log)
    blobs = sum('"ColdStart":[1.0]' in one for one in records)
    told = [json.loads(one)["cold_start"] for one in records if "level" in one]
    assert told[0] is True and told.count(True) == blobs < len(told)
