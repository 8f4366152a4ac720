"""Logs in JSON, and their levels: records in the log tail, and what the log itself has after the levels.

`Levels` is the guide's "Log-level filtering", `Format` its "Configuring JSON and plain text log formats", `Schema` the
"Lambda Telemetry API Event schema reference", whose records these are.
"""

import json
import re
import uuid

import pytest

from endpoints import eventually
from test_logs import ID

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
# Function → lowest level of the application's log.
APPLICATION = {"json": "INFO", "json-all": "TRACE", "json-few": "ERROR"}


def objects(text):
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def platform(text, kind, request=None):
    """The platform's events of a kind, of one invocation if asked for."""
    events = [found for found in objects(text) if found.get("type") == kind]
    return [event for event in events if request is None or event["record"].get("requestId") == request]


@pytest.fixture
def tail(endpoint):
    answer, log = endpoint.logged("output.logged", "json", message="look here")
    return answer, log


def test_start(endpoint, tail):
    """Schema: "Event: Object - time: String - type: String = platform.start - record: PlatformStart", with "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa", "version": "$LATEST" """
    answer, log = tail
    (event,) = platform(log, "platform.start")
    assert set(event) == {"time", "type", "record"} and re.fullmatch(TIME, event["time"])
    assert (event["record"]["requestId"], event["record"]["version"]) == (answer.request_id, "$LATEST")


def test_report(endpoint, tail):
    """Schema: "ReportMetrics: billedDurationMs: Integer, durationMs: Double, initDurationMs?: Double, maxMemoryUsedMB: Integer, memorySizeMB: Integer" """
    answer, log = tail
    (event,) = platform(log, "platform.report")
    record, metrics = event["record"], event["record"]["metrics"]
    assert (record["requestId"], record["status"]) == (answer.request_id, "success")
    assert metrics["memorySizeMB"] == 128 and isinstance(metrics["maxMemoryUsedMB"], int) and isinstance(metrics["billedDurationMs"], int)
    assert 0 < metrics["durationMs"] <= metrics["billedDurationMs"]


def test_report_of_a_cold_start(endpoint):
    """Schema: "initDurationMs?: Double": with a cold start only. """
    endpoint.call("misbehaviour.exits", "json")
    _, log = endpoint.logged("output.lines", "json")
    _, warm = endpoint.logged("output.lines", "json")
    assert "initDurationMs" not in platform(warm, "platform.report")[0]["record"]["metrics"]
    # A reset environment's init is part of the invocation, as it was recorded.
    assert platform(log, "platform.report")[0]["record"]["status"] == "success"


def test_no_plain_lines(endpoint, tail):
    """Format: "Select between plain text and structured JSON": START, END and REPORT are text's. """
    _, log = tail
    assert log and not re.search("^(START|END|REPORT) RequestId", log, re.MULTILINE)


def test_no_end(endpoint, tail):
    """Recording (invocation_tails): there is no platform.end in the log. """
    _, log = tail
    assert platform(log, "platform.report") and not platform(log, "platform.end")


def test_each_event_is_a_line(endpoint, tail):
    """Format: "Capturing your log outputs as JSON key value pairs makes it easier to search and filter when debugging your functions.": each line of such a log is an object. """
    _, log = tail
    lines = [line for line in log.splitlines() if line]
    assert len(lines) == len(list(objects(log))) >= 3


def test_application_record(endpoint, tail):
    """Guide, python-logging: {"timestamp":"2023-10-27T19:17:45.586Z","level":"INFO","message":"Inside the handler function","logger": "root","requestId":"79b4f56e-95b1-4643-9700-2807f4e68189"}"""
    answer, log = tail
    record = next(found for found in objects(log) if found.get("level") == "INFO")
    assert (record["message"], record["logger"], record["requestId"]) == ("look here", "mine", answer.request_id)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", record["timestamp"])


def test_application_record_with_more(endpoint, tail):
    """Client awslambdaric, lambda_runtime_log_utils: attributes of a record that are not reserved, as of `extra`, are keys of the record. """
    _, log = tail
    assert next(found for found in objects(log) if found.get("level") == "INFO")["order"] == 7


def test_level_of_the_logging_module(endpoint, tail):
    """Levels: "For Supported runtimes and logging methods, you don't need to make any changes to your function code for Lambda to filter your function's application logs." """
    _, log = tail
    assert [found["level"] for found in objects(log) if "level" in found] == ["INFO", "WARNING", "ERROR", "CRITICAL"]


def test_exception(endpoint):
    """Guide, python-exceptions: "This error document appears in the invocation log": errorType, errorMessage, stackTrace. """
    answer, log = endpoint.logged("misbehaviour.raises", "json", message="look here")
    record = next(found for found in objects(log) if "errorType" in found)
    assert (record["errorType"], record["errorMessage"], record["requestId"]) == ("Broken", "look here", answer.request_id)
    assert "raise Broken" in "".join(record["stackTrace"])


def test_report_of_an_exception(endpoint):
    """Recording (extensions): a handler's exception has the platform's status success. """
    _, log = endpoint.logged("misbehaviour.raises", "json")
    assert platform(log, "platform.report")[0]["record"]["status"] == "success"


def test_report_of_an_exit(endpoint):
    """Schema: "If the status is either failure or error, then the Status object also contains an errorType field describing the error." """
    _, log = endpoint.logged("misbehaviour.exits", "json")
    record = platform(log, "platform.report")[0]["record"]
    assert (record["status"], record["errorType"]) == ("error", "Runtime.ExitError")


def test_report_of_a_time_out(endpoint):
    """Logs, Example timeout message: "status": "timeout" """
    _, log = endpoint.logged("misbehaviour.sleeps", "json")
    record = platform(log, "platform.report")[0]["record"]
    assert record["status"] == "timeout" and 2_000 <= record["metrics"]["durationMs"] < 2_100


def test_trace_of_a_sampled_invocation(endpoint):
    """Schema: PlatformStart: "tracing? – TraceContext object": {"type": "X-Amzn-Trace-Id", "value": …} """
    trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
    answer = endpoint.invoke("json", headers={"X-Amzn-Trace-Id": trace, "X-Amz-Log-Type": "Tail"})
    tracing = platform(answer.log, "platform.start")[0]["record"]["tracing"]
    assert tracing["type"] == "X-Amzn-Trace-Id" and set(trace.split(";")) <= set(tracing["value"].split(";"))


def test_no_trace_of_one_that_is_not_sampled(endpoint, tail):
    """Recording (extensions): without sampling a record has no tracing. """
    _, log = tail
    assert "tracing" not in platform(log, "platform.start")[0]["record"]


def test_variables_of_the_runtime(endpoint):
    """Client awslambdaric: reads AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL, and formats and filters by them. """
    variables = endpoint.call("conformance.environment", "json-few").json["variables"]
    assert (variables.get("AWS_LAMBDA_LOG_FORMAT"), variables.get("AWS_LAMBDA_LOG_LEVEL")) == ("JSON", "ERROR")


@pytest.fixture(scope="module")
def filtered(endpoint):
    """Function → what its log has: a line of each level, an invocation that succeeds, and one that does not."""
    logs = {}
    for function in APPLICATION:
        mark = str(uuid.uuid4())
        lines = [json.dumps({"level": level, "message": f"{mark} at {level}", "timestamp": "2026-01-01T00:00:00.000Z"}) for level in LEVELS]
        lines += [json.dumps({"message": f"{mark} without a level"}), json.dumps({"level": "loud", "message": f"{mark} at none"}), f"{mark} in text"]
        succeeded = endpoint.call("output.given", function, lines=lines)
        failed = endpoint.call("misbehaviour.exits", function)
        endpoint.call("output.given", function, lines=[json.dumps({"level": "FATAL", "message": f"{mark} is the end", "timestamp": "2026-01-01T00:00:00.000Z"})])
        def text():
            log = endpoint.written(function)
            return log if f"{mark} is the end" in log else None
        logs[function] = (eventually(text, "the last line"), mark, succeeded, failed)
    endpoint.outlines.clear()
    return logs


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("function", list(APPLICATION))
def test_level_of_an_application_line(endpoint, filtered, function, level):
    """Model: ApplicationLogLevel: "Lambda only sends application logs at the selected level of detail and lower, where TRACE is the highest level and FATAL is the lowest." """
    log, mark, _, _ = filtered[function]
    is_sent = LEVELS.index(level) >= LEVELS.index(APPLICATION[function])
    assert (f"{mark} at {level}" in log) is is_sent


@pytest.mark.parametrize("words", ["without a level", "at none", "in text"])
@pytest.mark.parametrize("function", list(APPLICATION))
def test_line_without_a_level(endpoint, filtered, function, words):
    """Levels: "If the "level" value field is invalid or missing, Lambda will assign the log output the level INFO." """
    log, mark, _, _ = filtered[function]
    assert (f"{mark} {words}" in log) is (LEVELS.index("INFO") >= LEVELS.index(APPLICATION[function]))


SYSTEM = {
    "json": ({"platform.start", "platform.report"}, {"platform.start", "platform.runtimeDone", "platform.report"}),
    "json-all": ({"platform.start", "platform.runtimeDone", "platform.report"}, {"platform.start", "platform.runtimeDone", "platform.report"}),
    "json-few": (set(), {"platform.runtimeDone", "platform.report"}),
}


@pytest.mark.parametrize("outcome", ["success", "error"])
@pytest.mark.parametrize("function", list(SYSTEM))
def test_level_of_a_system_record(endpoint, filtered, function, outcome):
    """Model: SystemLogLevel: "Lambda only sends system logs at the selected level of detail and lower, where DEBUG is the highest level and WARN is the lowest."; Levels, "System log level event mapping": start INFO; runtimeDone DEBUG, or WARN without success; report INFO, or WARN without success. """
    log, _, succeeded, failed = filtered[function]
    request = (succeeded if outcome == "success" else failed).request_id
    kinds = {found["type"] for found in objects(log) if re.match("platform.", str(found.get("type"))) and found["record"].get("requestId") == request}
    assert kinds == SYSTEM[function][outcome == "error"]


def test_level_of_init_records(endpoint, filtered):
    """Levels, "System log level event mapping": initStart with a runtime's version is INFO, initRuntimeDone and initReport of a success on demand are DEBUG. """
    assert platform(filtered["json-all"][0], "platform.initReport")
    own = {name: [event["record"] for event in platform(log, "platform.initStart") if event["record"]["functionName"] == name]
           for name, (log, *_) in filtered.items()}
    assert own["json"] and own["json-all"] and not own["json-few"]
    assert all(re.fullmatch(r"python:3\.11\.v\d+", record["runtimeVersion"]) for record in own["json"])
    assert all(re.fullmatch(r"arn:aws:lambda:[a-z0-9-]+::runtime:[0-9a-f]{64}", record["runtimeVersionArn"]) for record in own["json"])


def test_tail_is_taken_before_the_levels(endpoint):
    """Recording (invocation_tails): X-Amz-Log-Result has application lines that the levels keep from the log. """
    line = json.dumps({"level": "DEBUG", "message": "left out"})
    _, log = endpoint.logged("output.given", "json-few", lines=[line])
    assert "left out" in log
