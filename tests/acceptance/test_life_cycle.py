"""Environments come and go: from zero, replaced by an update, away when idle, gone with their Function; and what
happens when a part of the platform is killed."""

import concurrent.futures
import contextlib
import threading

import botocore.exceptions

from cluster import eventually, get, kubectl, metric

SYSTEM = "kubelambda"


def system_pods(component):
    found = get("pods", namespace=SYSTEM, selector=f"app.kubernetes.io/component={component}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def ready_count(component):
    return sum(
        all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))
        for pod in system_pods(component)
    )


def test_from_zero_and_warm(space):
    space.apply("zero", handler="conformance.warmth")
    assert space.pods("zero") == []
    first, second = (space.invoke("zero").json for _ in range(2))
    assert (first["invocations"], second["invocations"]) == (1, 2)
    assert first["pid"] == second["pid"]
    assert len(space.pods("zero")) == 1


def test_invokes_at_once_each_have_an_environment_up_to_the_limit(space):
    space.apply("many", handler="conformance.sleep", timeout=30, scaling={"maxEnvironments": 3})
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: space.invoke("many", {"sleep_ms": 4_000}), range(5)))
    served = [answer for answer in answers if answer.status == 200]
    throttled = [answer for answer in answers if answer.status == 429]
    assert (len(served), len(throttled)) == (3, 2)
    assert all(answer.json == answer.request_id for answer in served)
    assert all(answer.json["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded" for answer in throttled)
    assert len(space.pods("many")) == 3


def test_herd_on_a_cold_function(space):
    """200 first invokes at once: every one is answered, starts are bounded, nobody gets another's answer."""
    space.apply("herd", timeout=30, scaling={"maxEnvironments": 1000})
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda number: space.invoke("herd", {"number": number}), range(200)))
    assert [answer.json for answer in answers] == [{"number": number} for number in range(200)]
    assert len(space.pods("herd")) <= 60


def test_an_update_fails_no_invocation_and_serves_no_old_code(space):
    code = "def handler(event, context):\n    return '{}'\n"
    def version(text):
        space.apply("update", code={"inline": {"code.py": code.format(text)}}, handler="code.handler")
    version("v0")
    assert space.invoke("update").json == "v0"
    answers, stop = [], threading.Event()
    def caller():
        while not stop.is_set():
            answers.append(space.invoke("update"))
    thread = threading.Thread(target=caller)
    thread.start()
    try:
        for text in ("v1", "v2"):
            version(text)
            eventually(lambda: answers and answers[-1].payload.decode().strip('"') == text, what=f"answers of {text}")
    finally:
        stop.set()
        thread.join()
    assert [answer for answer in answers if answer.status != 200 or answer.error] == []
    seen = [answer.json for answer in answers]
    assert seen == sorted(seen), "an old environment answered after a new one"
    def configurations():
        return {pod["metadata"]["labels"]["kubelambda.dev/configuration"] for pod in space.pods("update")}
    eventually(lambda: len(configurations()) == 1, what="the old environments are gone")


def test_idle_environments_go_away(space):
    space.apply("idle", scaling={"idleTimeoutSeconds": 2})
    assert space.invoke("idle").status == 200
    eventually(lambda: space.pods("idle") == [], what="no pod after two idle seconds")
    assert space.invoke("idle", {"again": 1}).json == {"again": 1}


def test_deleting_a_function_deletes_what_it_had(space):
    space.apply("gone")
    assert space.invoke("gone").status == 200
    kubectl("delete", "function", "gone", "-n", space.name)
    eventually(lambda: space.pods("gone") == [], what="its pods are gone")
    eventually(lambda: space.invoke("gone").status == 404, what="404")


def test_a_resync_that_changes_nothing_writes_nothing(space):
    space.apply("quiet")
    assert space.invoke("quiet").status == 200
    def version():
        return get("function", "quiet", space.name)["metadata"]["resourceVersion"]
    settled = eventually(lambda: (lambda one: one if one == version() and space.ready("quiet") else None)(version()))
    # A write to another Function makes the operator look at everything again.
    space.apply("neighbour", description="again")
    eventually(lambda: space.ready("neighbour"))
    eventually(lambda: get("function", "quiet", space.name)["status"]["environments"] == 1)
    settled = version()
    # Each neighbour's status is written up to 5 s after its change, so the third is past the pause in which
    # a write to this one would have been held back.
    for number in range(3):
        space.apply("neighbour", description=f"again {number}")
    assert version() == settled


def test_function_pod_deleted_during_an_invoke(space):
    """The invocation ends within the pod's grace, or its caller gets an error that carries the request id; the
    next one is served."""
    space.apply("deleted", handler="conformance.sleep", timeout=30)
    assert space.invoke("deleted", {"sleep_ms": 1}).status == 200
    pod = space.pods("deleted")[0]["metadata"]["name"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        before = metric("kubelambda_invocations_in_flight", function="deleted")
        running = pool.submit(space.invoke, "deleted", {"sleep_ms": 8_000})
        eventually(lambda: metric("kubelambda_invocations_in_flight", function="deleted") > before)
        kubectl("delete", "pod", pod, "-n", space.name, "--wait=false")
        answer = running.result()
    assert answer.status == 200 and answer.json == answer.request_id, answer
    assert space.invoke("deleted", {"sleep_ms": 1}).status == 200


def test_function_pod_killed_during_an_invoke(space):
    space.apply("lost", handler="conformance.sleep", timeout=20)
    assert space.invoke("lost", {"sleep_ms": 1}).status == 200
    pod = space.pods("lost")[0]["metadata"]["name"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(space.invoke, "lost", {"sleep_ms": 15_000})
        eventually(lambda: metric("kubelambda_invocations_in_flight", function="lost") > 0)
        kubectl("delete", "pod", pod, "-n", space.name, "--grace-period=0", "--force")
        answer = running.result()
    assert answer.status == 500 and answer.request_id, answer
    assert space.invoke("lost", {"sleep_ms": 1}).status == 200


def test_operator_killed_while_environments_serve(space):
    space.apply("served")
    assert space.invoke("served").status == 200
    for pod in system_pods("operator"):
        kubectl("delete", "pod", pod["metadata"]["name"], "-n", SYSTEM, "--grace-period=0", "--force")
    for number in range(50):
        assert space.invoke("served", {"number": number}).json == {"number": number}
    eventually(lambda: ready_count("operator") >= 1, timeout=90, what="an operator is back")
    space.apply("after")
    assert space.invoke("after", {"n": 1}).json == {"n": 1}


def test_gateway_killed_during_an_invoke(space):
    space.apply("gateway", handler="conformance.sleep", timeout=20, scaling={"maxEnvironments": 1})
    assert space.invoke("gateway", {"sleep_ms": 1}).status == 200
    [before] = space.pods("gateway")
    gateways = system_pods("gateway")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(space.invoke, "gateway", {"sleep_ms": 15_000})
        eventually(lambda: metric("kubelambda_invocations_in_flight", function="gateway") > 0)
        for pod in gateways:
            kubectl("delete", "pod", pod["metadata"]["name"], "-n", SYSTEM, "--grace-period=0", "--force")
        # The forwarder's 502, or a connection that ended; never a success that did not come from the function.
        with contextlib.suppress(botocore.exceptions.HTTPClientError):
            assert running.result().status >= 500
    eventually(lambda: ready_count("gateway") >= 1, timeout=90, what="a gateway is back")
    answer = eventually(
        lambda: (lambda got: got if got.status == 200 else None)(space.invoke("gateway", {"sleep_ms": 1})),
        what="an answer through the new gateway",
    )
    assert answer.json == answer.request_id
    assert [pod["metadata"]["uid"] for pod in space.pods("gateway")] == [before["metadata"]["uid"]], "it serves on"
