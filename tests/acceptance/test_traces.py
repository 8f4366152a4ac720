"""X-Ray in a pod: what AWS's unmodified `aws-xray-sdk` for Python sends and the platform's own segments, as spans at a real
OpenTelemetry Collector that the chart's value `tracing.otlp.endpoint` names.

The collector (tests/collector) runs beside the node and writes each batch to a file. Quotes are from the AWS X-Ray
developer guide, "AWS Lambda and AWS X-Ray", unless a test says otherwise.
"""

import json
import socket
import subprocess

import pytest

from cluster import ENDPOINT, KUBECONFIG, REGISTRY, ROOT, eventually, get, kubectl, metrics

COLLECTOR = ROOT / "target/tools/bin/collector"
RELEASE = ["kubelambda", str(ROOT / "charts/kubelambda"), "--namespace", "kubelambda"]
GATEWAYS = "app.kubernetes.io/component=gateway"
ROOT_ID = "1-6b058edf-fdd41571932833e353d18664"
TRACE = "6b058edffdd41571932833e353d18664"
CALLER = "53995a7d2c1f4b60"
IMAGE = {"code": {"image": f"{REGISTRY}/functions/xray:1"}, "memorySize": 256, "timeout": 10}


def use_collector(endpoint):
    """Tells the gateway where spans go, as a person would; its pod is replaced."""
    command = ["helm", "upgrade", *RELEASE, "--reuse-values", "--set", f"tracing.otlp.endpoint={endpoint}", "--wait"]
    done = subprocess.run([*command, "--kubeconfig", KUBECONFIG], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    # The one that leaves still serves those who know it, and knows nothing of the collector.
    def alone():
        return len(get("pods", namespace="kubelambda", selector=GATEWAYS)) == 1
    eventually(alone, what="one gateway is left")
    def answers():
        try:
            return metrics()
        except OSError:
            return None
    eventually(answers, what=f"{ENDPOINT} after the upgrade")


class Collector:
    """AWS's clients send to the environment, the gateway exports to this, and this writes JSON."""

    def __init__(self, folder):
        [node] = get("nodes")
        address = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
        with socket.socket() as free:
            free.bind((address, 0))
            self.address = f"{address}:{free.getsockname()[1]}"
        self.file, settings = folder / "spans", folder / "collector.yaml"
        settings.write_text(json.dumps({
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": self.address}}}},
            "exporters": {"file": {"path": str(self.file), "flush_interval": "100ms"}},
            "service": {
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
                "telemetry": {"metrics": {"level": "none"}},
            },
        }))
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen([COLLECTOR, "--config", f"file:{settings}"], stdout=log, stderr=log)
        def listens():
            assert self.process.poll() is None, (folder / "log").read_text()
            host, port = self.address.split(":")
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0
        eventually(listens, what="the collector listens")

    def spans(self, trace):
        """Every span of a trace, with its attributes and its resource's as plain maps."""
        found = []
        for line in whole_lines(self.file):
            for group in json.loads(line)["resourceSpans"]:
                resource = plain(group["resource"].get("attributes", []))
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        if span["traceId"] == trace:
                            found.append({**span, "resource": resource, "attributes": plain(span.get("attributes", []))})
        return found

    def until(self, trace, *names):
        """Waits until the trace has spans of these names; returns all of it by name (a list where there are several)."""
        def there():
            spans = self.spans(trace)
            missing = set(names) - {span["name"] for span in spans}
            return None if missing else spans
        return eventually(there, what=f"spans {names} of {trace}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def whole_lines(file):
    """What a file has that is being written to, without a last line that is not there to its end yet."""
    return file.read_bytes().split(b"\n")[:-1] if file.exists() else []


def plain(attributes):
    return {one["key"]: next(iter(one["value"].values()), None) for one in attributes}


def named(spans, name):
    [one] = [span for span in spans if span["name"] == name]
    return one


def of_origin(spans, origin):
    [one] = [span for span in spans if span["attributes"].get("aws.xray.origin") == origin]
    return one


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    assert COLLECTOR.exists(), f"{COLLECTOR} is not built: run tests/collector/build.sh"
    collector = Collector(tmp_path_factory.mktemp("collector"))
    try:
        use_collector(f"http://{collector.address}")
        yield collector
    finally:
        use_collector("")
        collector.stop()


def traced(space, name, event, header):
    def add(params, **_):
        params["headers"]["X-Amzn-Trace-Id"] = header
    events = space.client.meta.events
    events.register("before-call.lambda.Invoke", add)
    try:
        return space.invoke(name, event)
    finally:
        events.unregister("before-call.lambda.Invoke", add)


def within(inner, outer):
    start, end = "startTimeUnixNano", "endTimeUnixNano"
    # What a function tells has its own clock's precision.
    slack = 2_000_000
    assert int(outer[start]) - slack <= int(inner[start]) <= int(inner[end]) <= int(outer[end]) + slack, (inner, outer)


def test_segments_and_subsegments_are_one_trace(space, collector):
    """'Lambda … records two segments on each trace': AWS::Lambda and AWS::Lambda::Function, whose subsegments are
    Initialization, Invocation and Overhead; the SDK's own come below."""
    space.apply("cold", **IMAGE, tracingConfig={"mode": "Active"})
    answer = traced(space, "cold", {"customer": "c1"}, f"Root={ROOT_ID};Parent={CALLER};Sampled=1")
    assert answer.error is None, answer.payload
    assert answer.json["trace_id"] == ROOT_ID and answer.json["sampled"]
    spans = collector.until(TRACE, "Initialization", "Invocation", "Overhead", "outer", "inner")
    service, own = of_origin(spans, "AWS::Lambda"), of_origin(spans, "AWS::Lambda::Function")
    assert (service["name"], service["parentSpanId"]) == ("cold", CALLER)
    assert (own["name"], own["parentSpanId"]) == ("cold", service["spanId"])
    for name in ("Initialization", "Invocation", "Overhead"):
        part = named(spans, name)
        assert part["parentSpanId"] == own["spanId"], name
        within(part, own)
    outer, inner = named(spans, "outer"), named(spans, "inner")
    assert inner["parentSpanId"] == outer["spanId"]
    # The header's Parent is the function's segment.
    assert outer["parentSpanId"] == own["spanId"]
    within(outer, named(spans, "Invocation"))
    within(inner, outer)
    assert outer["attributes"]["customer"] == "c1"
    assert own["attributes"]["faas.invocation_id"] == answer.request_id
    for span in spans:
        assert span["resource"]["cloud.resource_id"] == space.arn("cold"), span["name"]
        assert span["resource"]["k8s.namespace.name"] == space.name, span["name"]


def test_warm_invocation_has_no_initialization(space, collector):
    """'Initialization … only for cold starts'; and the sampling decision is the platform's where the caller made none:
    'the first request each second'."""
    space.apply("warm", **IMAGE, tracingConfig={"mode": "Active"})
    assert space.invoke("warm").error is None
    trace = "6b058edf0000000000000000000000a2"
    answer = traced(space, "warm", {}, f"Root=1-{trace[:8]}-{trace[8:]};Parent={CALLER};Sampled=1")
    assert answer.error is None, answer.payload
    spans = collector.until(trace, "Invocation", "Overhead", "inner")
    assert "Initialization" not in {span["name"] for span in spans}


def test_error_is_on_the_spans(space, collector):
    """'fault: … an uncaught exception' of the subsegments, and of the function's segment."""
    space.apply("fails", **IMAGE, tracingConfig={"mode": "Active"})
    trace = "6b058edf0000000000000000000000a3"
    answer = traced(space, "fails", {"fails": True}, f"Root=1-{trace[:8]}-{trace[8:]};Sampled=1")
    assert answer.json["errorType"] == "ValueError"
    spans = collector.until(trace, "Invocation", "Overhead", "outer", "inner")
    for span in (named(spans, "inner"), named(spans, "outer"), of_origin(spans, "AWS::Lambda::Function")):
        assert span["status"]["code"] == 2, span
    # Of the function's segment, what AWS's client tells beside the error.
    for span in (named(spans, "inner"), of_origin(spans, "AWS::Lambda::Function")):
        told = json.dumps(span.get("events", []))
        assert "ValueError" in told and "as asked" in told, span


def test_what_is_not_sampled_does_not_come_out(space, collector):
    """'Sampled=0 … not sampled': neither the platform's segments nor the function's."""
    space.apply("quiet", **IMAGE, tracingConfig={"mode": "Active"})
    one, two = "6b058edf0000000000000000000000a4", "6b058edf0000000000000000000000a5"
    for trace, sampled in ((one, 0), (two, 1)):
        answer = traced(space, "quiet", {}, f"Root=1-{trace[:8]}-{trace[8:]};Sampled={sampled}")
        assert answer.json["sampled"] == bool(sampled)
    # Spans are exported in order, so those of the first would be there.
    collector.until(two, "Invocation", "inner")
    assert collector.spans(one) == []


def test_pass_through_has_the_function_s_own_only(space, collector):
    """'PassThrough': the caller's header goes on to the function; the platform makes no segment."""
    space.apply("through", **IMAGE)
    trace = "6b058edf0000000000000000000000a6"
    assert traced(space, "through", {}, f"Root=1-{trace[:8]}-{trace[8:]};Parent={CALLER};Sampled=1").error is None
    spans = collector.until(trace, "outer", "inner")
    assert {span["name"] for span in spans} == {"outer", "inner"}
    assert named(spans, "outer")["parentSpanId"] == CALLER


def test_powertools(space, collector):
    """Powertools, Tracer: 'captures cold start as annotation', and subsegments '## lambda_handler', '## pay'."""
    kubectl("apply", "-n", space.name, "-f", str(ROOT / "examples/powertools/function.yaml"))
    space.applied.add("powertools")
    trace = "6b058edf0000000000000000000000a7"
    header = f"Root=1-{trace[:8]}-{trace[8:]};Sampled=1"
    eventually(lambda: traced(space, "powertools", {"order": "A1", "amount": 1}, header).status == 200, what="an answer")
    spans = collector.until(trace, "## lambda_handler", "Invocation")
    handler = named(spans, "## lambda_handler")
    [pay] = [span for span in spans if span["name"].startswith("## ") and span["name"].endswith("pay")]
    assert pay["parentSpanId"] == handler["spanId"] and pay["attributes"]["Order"] == "A1"
    assert handler["attributes"]["ColdStart"] is True and handler["attributes"]["Service"] == "payment"
    assert handler["parentSpanId"] == of_origin(spans, "AWS::Lambda::Function")["spanId"]
