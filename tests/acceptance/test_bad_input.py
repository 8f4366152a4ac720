"""What bad input gets: a clear answer, a condition where a resource is at fault, and the next good invocation."""

import json
import re
import time

import pytest

from cluster import Space, eventually, get, kubectl

MISBEHAVIOUR = "python/misbehaviour.py"


def condition(space, name, reason):
    """Waits for Ready=False with this reason, and returns its message."""
    def observe():
        ready = space.ready(name)
        return ready if ready and ready["status"] == "False" and ready["reason"] == reason else None
    return eventually(observe, what=f"{name} not Ready because of {reason}: {space.ready(name)}")["message"]


def mended(space, name, **spec):
    """Applies a good version; it answers, and the condition turns."""
    space.apply(name, **spec)
    eventually(lambda: space.invoke(name, {"ok": 1}).payload == b'{"ok": 1}', what="the mended function's answer")
    eventually(lambda: space.ready(name)["status"] == "True", what=f"{name} Ready")


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "reason", "words"),
    [
        ("python/conformance.py", "conformance.nothing_of_that_name", "Runtime.HandlerNotFound", "HandlerNotFound", "nothing_of_that_name"),
        ("python/init_syntax_error.py", "init_syntax_error.handler", "Runtime.UserCodeSyntaxError", "InitFailed", "Syntax error"),
        ("python/init_import_error.py", "init_import_error.handler", "Runtime.ImportModuleError", "InitFailed", "a_package_that_nobody_installed"),
        ("python/conformance.py", "elsewhere.handler", "Runtime.ImportModuleError", "HandlerNotFound", "No module named 'elsewhere'"),
        ("python/init_raises.py", "init_raises.handler", "RuntimeError", "InitFailed", "does not want to be imported"),
        ("python/init_exits.py", "init_exits.handler", "Runtime.ExitError", "InitFailed", "exit status 7"),
    ],
    ids=["no-handler", "syntax-error", "no-package", "no-module", "raises", "exits"],
)
def test_init_that_fails(space, request, code, handler, error_type, reason, words):
    name = "init-" + request.node.callspec.id
    space.apply(name, code=code, handler=handler)
    answer = space.invoke(name, LogType="Tail")
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.json["errorType"] == error_type
    assert words in answer.payload.decode()
    assert words in condition(space, name, reason)
    mended(space, name)


def crash(space, name, handler, **spec):
    """Invokes a handler that ends badly, then a good invocation of the same function; returns the bad answer."""
    space.apply(name, code=MISBEHAVIOUR, handler=f"misbehaviour.{handler}", **spec)
    answer = space.invoke(name, LogType="Tail")
    assert (answer.status, answer.error) == (200, "Unhandled"), answer.payload
    return answer


def test_runtime_that_exits_during_an_invoke(space):
    answer = crash(space, "exits", "exits")
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: exit status 3",
    }
    assert "Status: error\tError Type: Runtime.ExitError" in answer.log
    mended(space, "exits")


def test_runtime_that_is_killed(space):
    answer = crash(space, "killed", "kills_itself")
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith("Runtime exited with error: signal: killed")
    mended(space, "killed")


def test_handler_that_raises_is_a_function_error_and_the_environment_lives_on(space):
    space.apply("raises", code=MISBEHAVIOUR, handler="misbehaviour.raises")
    first, second = (space.invoke("raises", {"message": text}) for text in ("one", "two"))
    assert first.json["errorType"] == "Broken" and first.json["errorMessage"] == "one"
    assert second.json["errorMessage"] == "two"
    assert len(space.pods("raises")) == 1


@pytest.mark.parametrize("handler", ["sleeps", "sleeps_deaf", "spins"])
def test_time_out(space, handler):
    """A sleep, and a busy loop in 128 MB, are ended within 50 ms of the time-out, in the function's own log."""
    name = "timeout-" + handler.replace("_", "-")
    answer = crash(space, name, handler, timeout=2)
    assert answer.json == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 2.00 seconds",
    }
    duration = float(re.search(r"\tDuration: ([0-9.]+) ms", answer.log)[1])
    assert 2_000 <= duration <= 2_050, answer.log
    assert "Status: timeout" in answer.log
    mended(space, name)


def test_endless_allocation(space):
    for handler in ("allocates", "allocates_fast"):
        name = handler.replace("_", "-")
        answer = crash(space, name, handler, timeout=30)
        assert answer.json["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError"), answer.payload
        assert "signal: killed" in answer.json["errorMessage"]
        mended(space, name)


def test_child_process_that_outlives_the_handler_is_gone_after_a_reset(space):
    space.apply("child", code=MISBEHAVIOUR, handler="misbehaviour.leaves_child_and_sleeps", timeout=2)
    assert space.invoke("child").json["errorType"] == "Sandbox.Timedout"
    space.apply("child-lines", code=MISBEHAVIOUR, handler="misbehaviour.leaves_child")
    pod = space.pods("child")[0]["metadata"]["name"]
    program = "import os; print([open(f'/proc/{p}/cmdline').read() for p in os.listdir('/proc') if p.isdigit()])"
    # It fails until the kubelet has noticed that the container runs, and where a reset ends it with everything else.
    command = ["exec", "-n", space.name, pod, "-c", "function", "--", "python3", "-c", program]
    listing = eventually(lambda: kubectl(*command, check=False).stdout, what="a list of the pod's processes")
    assert listing.count("awslambdaric") <= 1, listing


def test_payload_at_the_limit_and_one_over(space):
    space.apply("limits", memorySize=1024, timeout=30)
    fits = b'"' + b"x" * (6_291_456 - 2) + b'"'
    answer = space.invoke("limits", payload=fits)
    assert (answer.status, answer.payload) == (200, fits)
    answer = space.invoke("limits", payload=fits[:-1] + b'x"')
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException") or answer.error == "RequestTooLargeException"
    assert "6291456" in answer.payload.decode()
    assert space.invoke("limits", {"still": "there"}).json == {"still": "there"}


def test_response_at_the_limit_and_one_over(space):
    space.apply("sizes", code="python/sizes.py", handler="sizes.bytes_out", memorySize=1024, timeout=30)
    assert len(space.invoke("sizes", {"bytes": 6_291_556}).payload) == 6_291_556
    answer = space.invoke("sizes", {"bytes": 6_291_557})
    assert answer.error == "Unhandled"
    assert answer.json["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer.json["errorMessage"] == "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    assert len(space.invoke("sizes", {"bytes": 100}).payload) == 100


def test_invalid_json(space):
    space.apply("json")
    answer = space.invoke("json", payload=b"{nope")
    assert (answer.status, answer.error) == (400, "InvalidRequestContentException")
    assert "Could not parse request body into json" in answer.payload.decode()
    assert space.invoke("json", payload=b"").json == {}


def test_unknown_function(space):
    answer = space.invoke("nobody")
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")
    assert f"Function not found: {space.arn('nobody')}" in answer.payload.decode()


def test_unknown_runtime(space):
    space.apply("cobol", runtime="cobol85")
    assert "cobol85" in condition(space, "cobol", "UnknownRuntime")
    answer = space.invoke("cobol")
    assert answer.status == 502 and "cobol85" in answer.payload.decode(), answer
    mended(space, "cobol", runtime="python3.11")


def test_image_that_cannot_be_pulled(space):
    space.apply("no-image", code={"image": "registry.test:5000/functions/nothing-here:1"})
    began = time.monotonic()
    answer = space.invoke("no-image")
    assert answer.status == 502 and "nothing-here" in answer.payload.decode(), answer
    assert time.monotonic() - began < 30
    assert "nothing-here" in condition(space, "no-image", "ImagePullFailed")


def test_pod_that_a_quota_refuses():
    space = Space("t-quota", "100000000077")
    try:
        quota = {
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": space.name},
            "spec": {"hard": {"pods": "0"}},
        }
        kubectl("apply", "-f", "-", stdin=json.dumps(quota))
        eventually(lambda: get("resourcequota", "none", space.name).get("status", {}).get("hard"), what="the quota's status")
        space.apply("refused")
        answer = space.invoke("refused")
        assert (answer.status, answer.error) == (429, "TooManyRequestsException"), answer
        assert "quota" in answer.payload.decode()
        assert "exceeded quota" in condition(space, "refused", "PodRefused")
        kubectl("delete", "resourcequota", "none", "-n", space.name)
        eventually(lambda: space.invoke("refused", {"ok": 1}).status == 200, what="an answer without the quota")
    finally:
        space.delete()


def test_pod_that_fits_no_node(space):
    space.apply("nowhere", pod={"nodeSelector": {"moon": "dark-side"}})
    answer = space.invoke("nowhere")
    assert (answer.status, answer.error) == (429, "TooManyRequestsException"), answer
    assert "node" in condition(space, "nowhere", "Unschedulable")
    mended(space, "nowhere")


def test_two_functions_with_one_name(space):
    space.apply("first", functionName="My_Func")
    # Creation times have whole seconds; of two in one second neither is the oldest.
    created = get("function", "first", space.name)["metadata"]["creationTimestamp"]
    eventually(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > created)
    space.apply("second", functionName="My_Func", handler="conformance.warmth")
    assert "first" in condition(space, "second", "NameConflict")
    assert space.invoke("My_Func", {"who": "first"}).json == {"who": "first"}
    kubectl("delete", "function", "first", "-n", space.name)
    eventually(lambda: "invocations" in space.invoke("My_Func").payload.decode(), what="the second takes over")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"memorySizes": 128}, ["memorySizes"]),
        ({"memorySize": "much"}, ["spec.memorySize", "integer"]),
        ({"memorySize": 127}, ["spec.memorySize", "128"]),
        ({"memorySize": 10241}, ["spec.memorySize", "10240"]),
        ({"timeout": 0}, ["spec.timeout", "1"]),
        ({"timeout": 901}, ["spec.timeout", "900"]),
        ({"ephemeralStorage": 511}, ["spec.ephemeralStorage", "512"]),
        ({"handler": "a b"}, ["spec.handler"]),
        ({"functionName": "a b"}, ["spec.functionName"]),
        ({"architectures": ["mips"]}, ["spec.architectures", "x86_64"]),
        ({"environment": {"variables": {"_HANDLER": "x"}}}, ["spec.environment.variables", "[a-zA-Z]"]),
        ({"environment": {"variables": {"AWS_REGION": "x"}}}, ["spec.environment.variables", "reserved"]),
        ({"variablesFrom": [{"secretRef": {"name": "s"}}]}, ["variablesFrom", "not supported yet"]),
        ({"imageConfig": {"command": ["a"]}}, ["imageConfig", "code.image"]),
        ({"loggingConfig": {"applicationLogLevel": "DEBUG"}}, ["spec.loggingConfig", "applicationLogLevel", "JSON"]),
        ({"loggingConfig": {"logFormat": "Text", "systemLogLevel": "WARN"}}, ["spec.loggingConfig", "systemLogLevel", "JSON"]),
        ({"loggingConfig": {"logFormat": "JSON", "systemLogLevel": "ERROR"}}, ["spec.loggingConfig.systemLogLevel", "WARN"]),
        ({"pod": {"hostNetwork": True}}, ["hostNetwork"]),
        ({"pod": {"resources": {"cpu": "1"}}}, ["spec.pod.resources", "extended"]),
        ({"code": {"inline": {"a.py": "x"}, "zipFile": "aGk="}}, ["spec.code", "exactly one"]),
        ({"code": {"image": "x"}, "runtime": "python3.11"}, ["runtime", "code.image"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_manifest_that_the_api_server_refuses(space, spec, words):
    """`kubectl apply` names the field and the rule."""
    refused = space.apply("never", check=False, **spec)
    assert refused.returncode != 0, "was accepted"
    assert all(word in refused.stderr for word in words), refused.stderr


def test_function_name_cannot_be_changed(space):
    space.apply("named", functionName="One")
    refused = space.apply("named", check=False, functionName="Two")
    assert refused.returncode != 0 and "immutable" in refused.stderr
