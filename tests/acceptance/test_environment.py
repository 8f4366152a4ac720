"""What surrounds a function's process in a pod: /tmp and its size, the time between invocations, and its end.

Quotes are from the AWS Lambda developer guide, "Understanding the Lambda execution environment lifecycle", unless a test
says otherwise.
"""

import time

import pytest

from cluster import REGISTRY, eventually, kubectl
from pod_log import PodLog

BACKGROUND = "python/background.py"
PAUSE_SECONDS = 3
# Of a function whose end is looked at. Its pod's grace is 5 s longer, so an end by force would come far later.
TIMEOUT_SECONDS = 60


def test_tmp_holds_what_ephemeral_storage_says(space):
    """'Each execution environment provides between 512 MB and 10,240 MB … of disk space in the /tmp directory.'"""
    space.apply("fits", handler="conformance.fill_scratch", timeout=30, memorySize=256, ephemeralStorage=700)
    assert space.invoke("fits", {"megabytes": 600}).json == 600 << 20


def test_tmp_that_is_over_its_size_ends_the_invocation(space):
    """README: ENOSPC where the volume has a size of its own; else the shim ends the invocation with Sandbox.Failure.
    The next one is served, by an environment with room."""
    space.apply("over", handler="conformance.fill_scratch_slowly", timeout=60, memorySize=256)
    answer = space.invoke("over", {"megabytes": 800}, LogType="Tail")
    assert (answer.status, answer.error) == (200, "Unhandled"), answer.payload
    if answer.json["errorType"] != "OSError":
        assert answer.json == {
            "errorType": "Sandbox.Failure",
            "errorMessage": f"RequestId: {answer.request_id} Error: /tmp holds more than 512 MB",
        }
    assert space.invoke("over", {"megabytes": 1}).json == 1 << 20


@pytest.mark.parametrize("idle", ["Freeze", "Run"])
def test_between_invocations(space, idle):
    """'Lambda freezes the execution environment when the runtime and each extension have completed': a thread stands
    still, and goes on with the next invocation. With `idle: Run` it never stops."""
    name = idle.lower()
    space.apply(name, code=BACKGROUND, handler="background.count", idle=idle, scaling={"maxEnvironments": 1})
    assert space.invoke(name).error is None
    time.sleep(PAUSE_SECONDS)  # Not a wait for something: the pause is what is looked at.
    seen = space.invoke(name).json
    # The thread's first note comes after the first answer.
    assert seen["passed"] >= PAUSE_SECONDS / 2, seen
    if idle == "Freeze":
        # At most 100 ms of grace unless set.
        assert seen["longest"] >= PAUSE_SECONDS / 2, seen
    else:
        assert seen["longest"] < PAUSE_SECONDS / 2, seen


def ended(space, name):
    """Deletes the function's pod; returns its log, and how long it took from then to its end, in seconds."""
    log = PodLog(space, name)
    log.until("REPORT RequestId")
    told = time.time()
    kubectl("delete", "pod", log.pod, "-n", space.name, "--wait=false")
    return log, log.until_its_end() - told


def test_end_without_extensions(space):
    """'0 ms – a function with no registered extensions': no SIGTERM, gone at once."""
    space.apply("none", code=BACKGROUND, handler="background.says_goodbye", timeout=TIMEOUT_SECONDS)
    space.invoke("none")
    log, took = ended(space, "none")
    assert "signal 15 came" not in log.text and took < TIMEOUT_SECONDS / 2


@pytest.mark.parametrize("deaf", [False, True])
def test_end_with_an_extension(space, deaf):
    """'2,000 ms – A function with one or more registered external extensions': the runtime gets SIGTERM first. 'If the
    runtime … does not respond … within the limit, Lambda ends the process using a SIGKILL signal.'"""
    name = "deaf" if deaf else "polite"
    space.apply(
        name, code={"image": f"{REGISTRY}/functions/extension-python:1"},
        imageConfig={"command": ["background.says_goodbye"]}, memorySize=192, timeout=TIMEOUT_SECONDS,
        environment={"variables": {"EXTENSION_FILE": "/dev/stdout"}},
    )
    assert space.invoke(name, {"deaf": deaf}).error is None
    log, took = ended(space, name)
    assert log.text.count("signal 15 came") == 1
    [told] = [record for record in log.records("event") if record["event"]["eventType"] == "SHUTDOWN"]
    assert told["event"]["shutdownReason"] == "spindown" and log.records("done")
    assert took < TIMEOUT_SECONDS / 2
