"""A function's log in a pod: the two formats, levels, and what is hostile by its size.

Quotes are from the AWS Lambda developer guide, "Configuring advanced logging controls for your Lambda function", unless a
test says otherwise.
"""

import re

from cluster import kubectl
from pod_log import PodLog

OUTPUT = {"code": "python/output.py", "runtime": "python3.13"}
# The chart's own count, in its runtimes.yaml.
VERSION = "python:3.13.v1"
VERSION_ARN = "arn:aws:lambda:[a-z0-9-]+::runtime:[0-9a-f]{64}"
# The shim's whole resident memory, in KiB, however much is logged: what waits to be written is at most 1 MiB.
SHIM_KIB_MAX = 6 * 1024


def json_log(space, name, **levels):
    """The answer of an invocation, and the records in the pod's log from START to REPORT."""
    space.apply(name, **OUTPUT, handler="output.lines", loggingConfig={"logFormat": "JSON", **levels})
    answer = space.invoke(name, LogType="Tail")
    assert answer.error is None, answer.payload
    log = PodLog(space, name)
    log.until('"platform.report"')
    return answer, log


def platform(log):
    return {record["type"]: record["record"] for record in log.records("type")}


def test_json_records_of_the_platform(space):
    """'system logs … platform.start, platform.report'; fields as recorded from AWS, DEBUG with all of them."""
    answer, log = json_log(space, "debug", applicationLogLevel="DEBUG", systemLogLevel="DEBUG")
    seen = platform(log)
    order = ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]
    assert list(seen) == [f"platform.{kind}" for kind in order]
    common = {"initializationType": "on-demand", "phase": "init"}
    init = seen["platform.initStart"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", init.pop("instanceId"))
    assert re.fullmatch(VERSION_ARN, init.pop("runtimeVersionArn"))
    assert init.pop("runtimeVersion") == VERSION
    assert init == {**common, "functionName": "debug", "functionVersion": "$LATEST", "instanceMaxMemory": 128 << 20}
    assert seen["platform.initRuntimeDone"] == {**common, "status": "success"}
    assert seen["platform.initReport"]["metrics"]["durationMs"] > 0
    assert seen["platform.start"] == {
        "requestId": answer.request_id, "functionArn": space.arn("debug"), "version": "$LATEST",
    }
    done = seen["platform.runtimeDone"]
    assert (done["requestId"], done["status"]) == (answer.request_id, "success")
    assert done["metrics"]["producedBytes"] == len(answer.payload)
    assert [span["name"] for span in done["spans"]] == ["responseLatency", "responseDuration", "runtimeOverhead"]
    metrics = seen["platform.report"]["metrics"]
    assert sorted(metrics) == ["billedDurationMs", "durationMs", "initDurationMs", "maxMemoryUsedMB", "memorySizeMB"]
    assert metrics["memorySizeMB"] == 128 and 0 < metrics["maxMemoryUsedMB"] < 128
    times = [record["time"] for record in log.records("type")]
    assert times == sorted(times) and all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.\d{3}Z", one) for one in times)


def test_json_records_of_the_function(space):
    """'"timestamp", "level", "message", "logger", "requestId"' are what AWS's client for Python writes."""
    answer, log = json_log(space, "own", applicationLogLevel="INFO")
    [record] = log.records("level")
    assert (record["level"], record["message"], record["requestId"]) == ("INFO", "through logging", answer.request_id)
    assert "first of stdout" in log.text, "what is no JSON stays as it is"


def test_levels_filter_the_log_and_not_the_tail(space):
    """'Lambda … sends only logs of the selected level and lower to CloudWatch'; recorded from AWS: X-Amz-Log-Result is
    taken before."""
    answer, log = json_log(space, "warn", applicationLogLevel="WARN", systemLogLevel="INFO")
    # initStart is INFO where it names a version of the runtime.
    assert list(platform(log)) == ["platform.initStart", "platform.start", "platform.report"]
    assert log.records("level") == [] and "first of stdout" not in log.text
    assert "through logging" in answer.log and "first of stdout" in answer.log


def test_text_is_the_default(space):
    """'Text … JSON': START, the function's lines, END, REPORT."""
    space.apply("text", **OUTPUT, handler="output.lines")
    answer = space.invoke("text")
    log = PodLog(space, "text")
    log.until("REPORT RequestId")
    # Recorded from AWS: the line is in the log and not in a tail.
    assert re.fullmatch(f"INIT_START Runtime Version: {VERSION}\tRuntime Version ARN: {VERSION_ARN}", log.text[0])
    assert log.text[1] == f"START RequestId: {answer.request_id} Version: $LATEST"
    assert log.text[-2] == f"END RequestId: {answer.request_id}"
    assert not any(line.startswith("{") for line in log.text)


def test_message_of_several_lines_is_one_record(space):
    """Frames on _LAMBDA_TELEMETRY_LOG_FD keep a message whole: nothing of the platform's comes between its lines."""
    space.apply("several", **OUTPUT, handler="output.several_lines")
    assert space.invoke("several").json == "written"
    log = PodLog(space, "several")
    log.until("REPORT RequestId")
    [first] = [number for number, line in enumerate(log.text) if line.startswith("[ERROR]")]
    assert log.text[first].endswith("\tone") and log.text[first + 1 : first + 3] == ["  two", "three"]


def shim_kib(space, name):
    [pod] = space.pods(name)
    status = kubectl("exec", "-n", space.name, pod["metadata"]["name"], "-c", "function", "--", "cat", "/proc/1/status")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def test_100_000_lines(space):
    """As fast as a function writes them: none is lost, or their number is told; the shim stays small."""
    space.apply("many", **OUTPUT, handler="output.many_lines", timeout=60, idle="Run")
    answer = space.invoke("many", {"lines": 100_000}, LogType="Tail")
    assert (answer.error, answer.json) == (None, "written")
    assert "line 99999\n" in answer.log
    log = PodLog(space, "many")
    log.until("REPORT RequestId")
    kept = sum(line.startswith("line ") for line in log.text)
    dropped = [int(one) for line in log.text for one in re.findall(r"^runtime-shim: (\d+) log lines were dropped", line)]
    assert kept + sum(dropped) == 100_000
    assert shim_kib(space, "many") <= SHIM_KIB_MAX


def test_line_of_a_mebibyte(space):
    """CloudWatch Logs API: 'Each log event can be no larger than 1 MB.' The line is there to its last byte, however the node cuts it."""
    space.apply("long", **OUTPUT, handler="output.long_line", idle="Run")
    assert space.invoke("long").json == "written"
    log = PodLog(space, "long")
    log.until("REPORT RequestId")
    assert sum(len(line) for line in log.text if set(line) == {"x"}) == 2**20
    assert shim_kib(space, "long") <= SHIM_KIB_MAX


def test_forged_lines_change_nothing(space):
    """What looks like the platform's own counts for nothing: the report is the shim's."""
    space.apply("forged", **OUTPUT, handler="output.forged")
    answer = space.invoke("forged", LogType="Tail")
    reports = re.findall(r"^REPORT RequestId: ([0-9a-f-]+)", answer.log, re.MULTILINE)
    assert reports == ["00000000-0000-0000-0000-000000000000", answer.request_id]
