"""The log of an invocation. The emulator has no log tail; its standard output is read in place of it."""

import re
import time

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def report(log):
    return next((line for line in log.splitlines() if line.startswith("REPORT ")), None)


def test_init_start(endpoint):
    """Guide, runtime-management-identify: "The runtime version number and ARN are logged in the INIT_START log line, which Lambda emits to CloudWatch Logs each time that it creates a new execution environment." """
    endpoint.call("output.lines")
    line = r"^INIT_START Runtime Version: python:3\.11\.v\d+\tRuntime Version ARN: arn:aws:lambda:[a-z0-9-]+::runtime:[0-9a-f]{64}$"
    assert re.search(line, endpoint.written("handlers"), re.MULTILINE)


def test_init_start_is_not_in_the_tail(endpoint):
    """Guide, runtime-management-identify: "Lambda emits the log line to CloudWatch Logs, but it is not visible in the console."; Recording (invocation_tails): nor in a cold start's tail. """
    _, cold = endpoint.early["reused"].result()
    assert "Init Duration: " in report(cold) and "INIT_START" not in cold


def duration_ms(log):
    """How long the invocation took, by its report."""
    return float(re.search(r"\tDuration: ([0-9.]+) ms", report(log))[1])


def test_start(endpoint):
    """Recording test_invocation_with_logs: "START RequestId: <request-id> Version: $LATEST\\n" """
    _, log = endpoint.logged("output.lines")
    assert re.search(rf"^START RequestId: {ID} Version: \$LATEST$", log, re.MULTILINE), log


def test_end(endpoint):
    """Recording test_invocation_with_logs: "END RequestId: <request-id>\\n" """
    _, log = endpoint.logged("output.lines")
    assert re.search(rf"^END RequestId: {ID}$", log, re.MULTILINE), log


def test_report(endpoint):
    """Recording test_invocation_with_logs: "REPORT RequestId: <request-id>\\tDuration: <duration> ms\\tBilled Duration: <duration> ms\\tMemory Size: 128 MB\\tMax Memory Used: <memory> MB\\t…\\n" """
    endpoint.invoke("handlers")
    _, log = endpoint.logged("output.lines")
    layout = rf"REPORT RequestId: {ID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\t"
    assert re.fullmatch(layout, report(log)), log


def test_report_of_a_cold_start(endpoint):
    """Guide, python-logging: "Init Duration – For the first request served, the amount of time it took the runtime to load the function and run code outside of the handler method." """
    _, cold = endpoint.early["reused"].result()
    assert re.search(r"\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t$", report(cold)), cold
    endpoint.invoke("single")
    assert "Init Duration" not in report(endpoint.logged("output.lines", "single")[1])


def test_billed_duration_is_rounded_up(endpoint):
    """Guide, pricing: "Duration is calculated from the time your code begins executing until it returns or otherwise terminates, rounded up to the nearest 1 ms." """
    endpoint.invoke("handlers")
    began = time.monotonic()
    _, log = endpoint.logged("conformance.sleep", sleep_ms=50)
    passed_ms = (time.monotonic() - began) * 1000
    duration, billed = duration_ms(log), int(re.search(r"Billed Duration: (\d+)", report(log))[1])
    # What is shown is itself rounded, to hundredths.
    assert 50 <= duration <= passed_ms and duration - 0.01 <= billed < duration + 1.01


def test_max_memory_used_is_measured(endpoint):
    """Guide, python-logging: "Max Memory Used – The amount of memory used by the function." """
    used = int(re.search(r"Max Memory Used: (\d+) MB", report(endpoint.logged("output.lines")[1]))[1])
    assert 10 < used < 256


def test_order(endpoint):
    """Recording test_invocation_with_logs: START, the function's lines, END, REPORT. """
    _, log = endpoint.logged("output.lines")
    places = [log.index(words) for words in ("START RequestId", "first of stdout", "second of stdout", "END RequestId", "REPORT RequestId")]
    assert places == sorted(places)


def test_standard_output_and_error(endpoint):
    """Guide, python-logging: "To output logs from your function code, you can use the print method, or any logging library that writes to stdout or stderr." """
    _, log = endpoint.logged("output.lines")
    for line in ("first of stdout", "first of stderr", "second of stdout", "second of stderr"):
        assert f"{line}\n" in log


def test_logging_module(endpoint):
    """Guide, python-logging: "[INFO]  2020-01-31T22:12:58.534Z    1c8df7d3-xmpl-46da-9778-518e6eca8125": level, time, request id. """
    _, log = endpoint.logged("output.lines")
    assert re.search(rf"^\[INFO\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{ID}\tthrough logging\s*$", log, re.MULTILINE), log


def test_handler_error_is_logged(endpoint):
    """Recording test_invocation_type_event_error: "[ERROR] CustomException: some error occurred\\nTraceback (most recent call last):" """
    _, log = endpoint.logged("misbehaviour.raises", message="look here")
    assert re.search(r"\[ERROR\] Broken: look here\s+Traceback \(most recent call last\):", log), log


def test_report_of_a_handler_error_has_no_status(endpoint):
    """Recording test_invocation_type_event_error: REPORT as of a success. """
    endpoint.invoke("handlers")
    line = report(endpoint.logged("misbehaviour.raises")[1])
    assert line and "Status:" not in line


def test_report_of_a_time_out(endpoint):
    """Guide, lambda-runtime-environment: "The new format for CloudWatch logs includes an additional status field in the REPORT line.": "Status: timeout" """
    line = report(endpoint.logged("misbehaviour.sleeps", function="short")[1])
    assert line and line.endswith("\tStatus: timeout"), line
    assert 1_000 <= float(re.search(r"\tDuration: ([0-9.]+)", line)[1]) < 1_100


def test_line_of_a_time_out(endpoint):
    """Guide, lambda-runtime-environment: "2024-03-04T17:22:38.033Z b70435cc-261c-4438-b9b6-efe4c8f04b21 Task timed out after 3.00 seconds" """
    answer, log = endpoint.logged("misbehaviour.sleeps", function="short")
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z [0-9a-f-]{36} Task timed out after 1\.00 seconds$", log, re.MULTILINE), log


def test_report_of_an_exit(endpoint):
    """Guide, lambda-runtime-environment: "In the case of a runtime or extension crash, the REPORT line also includes a field ErrorType.": "Status: error Error Type: Runtime.ExitError" """
    line = report(endpoint.logged("misbehaviour.exits")[1])
    assert line and line.endswith("\tStatus: error\tError Type: Runtime.ExitError"), line


def test_line_of_an_exit(endpoint):
    """Guide, lambda-runtime-environment: "RequestId: c3252230-c73d-49f6-8844-968c01d1e2e1 Error: Runtime exited without providing a reason", "Runtime.ExitError" """
    answer, log = endpoint.logged("misbehaviour.exits")
    assert re.search(r"^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3\nRuntime\.ExitError$", log, re.MULTILINE), log


def test_output_without_a_newline_at_the_end(endpoint):
    """Guide, python-logging: "The Lambda runtime environment … relays logs and other output from your function's code.": a last line without an end is not lost. """
    _, first = endpoint.logged("output.no_newline")
    _, second = endpoint.logged("output.lines")
    assert "no end" in first + second


def test_binary_output(endpoint):
    """Guide, python-logging: "relays logs and other output from your function's code": what is no text harms nothing. """
    answer, log = endpoint.logged("output.binary")
    assert answer.json == "written" and "END RequestId" in log


def test_long_line(endpoint):
    """Model of CloudWatch Logs: "Each log event can be no larger than 1 MB.": a line of that size harms nothing. """
    answer, log = endpoint.logged("output.long_line")
    assert answer.json == "written" and "REPORT RequestId" in log


def test_lines_of_one_invocation_only(endpoint):
    """Model: "include the execution log in the response": the log of this invocation. """
    _, first = endpoint.logged("output.lines")
    _, second = endpoint.logged("output.lines")
    one, other = (re.findall(rf"START RequestId: ({ID})", log) for log in (first, second))
    assert len(one) == len(other) == 1 and one != other
