"""What the caller gets when a function fails, and that the next invocation is served."""

import re

import pytest

WORKS = {"works": "again"}


def failed(endpoint, handler, function="handlers", **event):
    """Invokes a handler that fails, then one that does not."""
    answer = endpoint.call(handler, function=function, **event)
    after = endpoint.invoke(function, WORKS)
    assert (after.status, after.error, after.json) == (200, None, WORKS), "the next invocation"
    return answer


def unhandled(answer, error_type, message):
    assert (answer.status, answer.error) == (200, "Unhandled"), answer
    expected = {"errorType": error_type, "errorMessage": f"RequestId: {answer.request_id} Error: {message}"}
    assert answer.json == expected
    return True


def test_handler_error(endpoint):
    """Model: "If present, indicates that an error occurred during function execution. Details about the error are included in the response payload." """
    answer = failed(endpoint, "misbehaviour.raises", message="as asked")
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert (answer.json["errorType"], answer.json["errorMessage"]) == ("Broken", "as asked")


def test_handler_error_has_request_id_and_stack_trace(endpoint):
    """Recording test_lambda_handler_error: keys errorMessage, errorType, requestId, stackTrace. """
    answer = failed(endpoint, "misbehaviour.raises")
    assert sorted(answer.json) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert answer.json["requestId"] == answer.request_id
    assert 'raise Broken(event.get("message", "as asked"))' in answer.json["stackTrace"][-1]


def test_handler_error_keeps_the_environment(endpoint):
    """Guide, lambda-runtime-environment: only a time-out or a crash resets: "Lambda service performs a reset". """
    before = endpoint.call("conformance.warmth", "single").json
    failed(endpoint, "misbehaviour.raises", "single")
    after = endpoint.call("conformance.warmth", "single").json
    assert (after["pid"], after["invocations"]) == (before["pid"], before["invocations"] + 1)


def test_handler_error_is_answered_with_the_executed_version(endpoint):
    """Recording test_lambda_handler_error: `"ExecutedVersion": "$LATEST"` beside `"FunctionError": "Unhandled"`. """
    assert endpoint.call("misbehaviour.raises").headers["x-amz-executed-version"] == "$LATEST"


def test_answer_that_is_no_json(endpoint):
    """Guide, python-handler: "If the handler returns objects that can't be serialized by json.dumps, the runtime returns an error." """
    answer = failed(endpoint, "misbehaviour.unserialisable")
    assert (answer.status, answer.error, answer.json["errorType"]) == (200, "Unhandled", "Runtime.MarshalError")


def test_error_with_a_large_message(endpoint):
    """Guide, python-exceptions: "This error document appears in the invocation log and, for synchronous invocations, in the output.": as the runtime wrote it. """
    answer = failed(endpoint, "sizes.large_error", bytes=100_000)
    assert (answer.status, answer.error, len(answer.json["errorMessage"])) == (200, "Unhandled", 100_000)


def test_exit_0(endpoint):
    """Recording test_lambda_runtime_exit: "RequestId: <uuid> Error: Runtime exited without providing a reason", Runtime.ExitError. """
    answer = failed(endpoint, "misbehaviour.calls_sys_exit", status=0)
    assert unhandled(answer, "Runtime.ExitError", "Runtime exited without providing a reason")


def test_exit_not_0(endpoint):
    """Recording (outcomes): Runtime.ExitError, "RequestId: <id> Error: Runtime exited with error: exit status 3" """
    answer = failed(endpoint, "misbehaviour.exits")
    assert unhandled(answer, "Runtime.ExitError", "Runtime exited with error: exit status 3")


def test_signal(endpoint):
    """Recording (outcomes): Runtime.ExitError, "RequestId: <id> Error: Runtime exited with error: signal: killed" """
    answer = failed(endpoint, "misbehaviour.kills_itself")
    assert unhandled(answer, "Runtime.ExitError", "Runtime exited with error: signal: killed")


def test_segmentation_fault(endpoint):
    """Recording (outcomes): "Runtime exited with error: signal: segmentation fault", with or without "(core dumped)". """
    answer = failed(endpoint, "misbehaviour.segfaults")
    assert (answer.error, answer.json["errorType"]) == ("Unhandled", "Runtime.ExitError")
    message = f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: segmentation fault"
    assert answer.json["errorMessage"] in (message, message + " (core dumped)")


@pytest.mark.parametrize("handler", ["sleeps", "sleeps_deaf", "spins"])
def test_time_out(endpoint, handler):
    """Recording test_lambda_runtime_exit_segfault: {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: <uuid> Error: Task timed out after 30.00 seconds"} """
    answer = failed(endpoint, f"misbehaviour.{handler}", function="short")
    assert unhandled(answer, "Sandbox.Timedout", "Task timed out after 1.00 seconds")


def test_time_out_resets(endpoint):
    """Guide, lambda-runtime-environment: "If the Lambda function crashes or times out during the Invoke phase, Lambda resets the execution environment." """
    before = endpoint.call("conformance.warmth", function="short").json
    endpoint.call("misbehaviour.sleeps", function="short")
    after = endpoint.call("conformance.warmth", function="short").json
    assert after["invocations"] == 1 and after["started"] > before["started"]


def test_reset_keeps_tmp(endpoint):
    """Guide, lambda-runtime-environment: "The Lambda reset does not clear the /tmp directory content prior to the next init phase." """
    before = endpoint.call("conformance.scratch", "single").json["lines"]
    endpoint.call("misbehaviour.exits", "single")
    after = endpoint.call("conformance.scratch", "single").json["lines"]
    assert after[:-1] == before


def test_reset_keeps_the_log_stream(endpoint):
    """Guide, python-context: "log_stream_name – The log stream for the function instance.": a reset environment is the same instance. """
    before = endpoint.call("conformance.context", "single", sleep_ms=0).json["log_stream_name"]
    endpoint.call("misbehaviour.exits", "single")
    assert endpoint.call("conformance.context", "single", sleep_ms=0).json["log_stream_name"] == before


def test_reset_leaves_no_process(endpoint):
    """Guide, lambda-runtime-environment: "The reset behaves like a Shutdown event. First, Lambda shuts down the runtime": what the handler started is gone too. """
    endpoint.call("misbehaviour.leaves_child_and_sleeps", function="short")
    assert endpoint.call("misbehaviour.child_lines", function="short").json["alive"] == []


def test_response_over_the_limit(endpoint):
    """Recording (outcomes): Function.ResponseSizeTooLarge, "Response payload size exceeded maximum allowed payload size (6291556 bytes)." """
    answer = failed(endpoint, "sizes.too_large")
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.json["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer.json["errorMessage"] == "Response payload size exceeded maximum allowed payload size (6291556 bytes)."


def init_error(endpoint, function, error_type, words):
    answer = endpoint.invoke(function)
    assert (answer.status, answer.error) == (200, "Unhandled"), answer
    assert answer.json["errorType"] == error_type and words in answer.json["errorMessage"], answer.json
    return answer


def test_handler_that_is_not_there(endpoint):
    """Client awslambdaric: HANDLER_NOT_FOUND = "Runtime.HandlerNotFound" """
    init_error(endpoint, "no-handler", "Runtime.HandlerNotFound", "nothing_of_that_name")


def test_syntax_error(endpoint):
    """Client awslambdaric: Runtime.UserCodeSyntaxError, reported to init/error and answered. """
    init_error(endpoint, "init-syntax-error", "Runtime.UserCodeSyntaxError", "Syntax error in module 'init_syntax_error'")


def test_module_that_is_not_there(endpoint):
    """Guide, troubleshooting-deployment: "Runtime.ImportModuleError" """
    init_error(endpoint, "init-import-error", "Runtime.ImportModuleError", "a_package_that_nobody_installed")


def test_module_that_raises(endpoint):
    """Recording (outcomes): a module that raises is answered with its error document, whose requestId is "". """
    answer = init_error(endpoint, "init-raises", "RuntimeError", "this module does not want to be imported")
    assert answer.json["requestId"] == ""


def test_failed_init_is_repeated(endpoint):
    """Guide, lambda-runtime-environment: "If this environment is used for a new invocation, Lambda re-initializes the extension and runtime together with the next invocation." """
    first, second = (init_error(endpoint, "init-raises", "RuntimeError", "imported") for _ in range(2))
    assert first.request_id != second.request_id


def test_module_that_exits(endpoint):
    """Recording (outcomes): "RequestId: <id> Error: Runtime exited with error: exit status 7" of an init phase. """
    answer = endpoint.invoke("init-exits")
    assert unhandled(answer, "Runtime.ExitError", "Runtime exited with error: exit status 7")


def test_suppressed_init(endpoint):
    """Guide, lambda-runtime-environment: "The Init phase is limited to 10 seconds. If all three tasks do not complete within 10 seconds, Lambda retries the Init phase at the time of the first function invocation with the configured function timeout." """
    answer, _ = endpoint.early["slow"].result()
    assert (answer.status, answer.error) == (200, None), answer
    # The repeated init counts on the function's time-out of 10 s.
    assert 5_000 < answer.json <= 10_000


def test_log_of_a_suppressed_init(endpoint):
    """Guide, lambda-runtime-environment: "INIT_REPORT Init Duration: 1236.04 ms Phase: init Status: timeout" """
    _, log = endpoint.early["slow"].result()
    found = re.search(r"^INIT_REPORT Init Duration: ([0-9.]+) ms\tPhase: init\tStatus: timeout", log, re.MULTILINE)
    assert found and 9_900 <= float(found[1]) <= 11_000, log


def test_repeated_init_that_times_out(endpoint):
    """Guide, lambda-runtime-environment: "Lambda retries the Init phase at the time of the first function invocation with the configured function timeout." """
    answer, _ = endpoint.early["slower"].result()
    assert unhandled(answer, "Sandbox.Timedout", "Task timed out after 2.00 seconds")


def test_log_of_a_repeated_init_that_times_out(endpoint):
    """Guide, lambda-runtime-environment: "If a function crashes or times out during the Init phase, Lambda emits error information in the INIT_REPORT log."; "… INIT_REPORT events with phase=invoke whenever suppressed inits occur in between invoke phases." """
    _, log = endpoint.early["slower"].result()
    assert re.search(r"^INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: init\tStatus: timeout$", log, re.MULTILINE), log
    found = re.search(r"^INIT_REPORT Init Duration: ([0-9.]+) ms\tPhase: invoke\tStatus: timeout$", log, re.MULTILINE)
    assert found and 1_900 <= float(found[1]) <= 3_000, log
    assert re.search(r"^REPORT .*\tStatus: timeout$", log, re.MULTILINE), log


def test_log_of_a_failed_init(endpoint):
    """Guide, lambda-runtime-environment: "If a function crashes or times out during the Init phase, Lambda emits error information in the INIT_REPORT log." """
    answer, log = endpoint.logged(function="init-exits")
    assert re.search(r"^INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError", log, re.MULTILINE), log
    assert log.index("Phase: invoke") < log.index("START RequestId")
