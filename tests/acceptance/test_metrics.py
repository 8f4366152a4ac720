"""The gateway's metrics: complete, named as Prometheus wants them, and about what happened."""

import subprocess
import urllib.request

import pytest

from cluster import ENDPOINT, eventually, kubectl, metric, metrics


@pytest.fixture(scope="module", autouse=True)
def function(space):
    space.apply("measured", handler="conformance.sleep", timeout=3)
    for _ in range(3):
        assert space.invoke("measured", {"sleep_ms": 20}).status == 200


def test_promtool_has_nothing_to_say(space):
    with urllib.request.urlopen(f"{ENDPOINT}/metrics", timeout=10) as answer:
        text = answer.read()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30)
    assert (checked.returncode, checked.stderr, checked.stdout) == (0, b"", b"")


def test_histograms_are_about_the_invocations(space):
    labels = {"namespace": space.name, "function": "measured", "version": "$LATEST"}
    for name in ("invocation_duration_seconds", "remaining_time_seconds", "memory_used_bytes", "wait_seconds"):
        eventually(lambda: metric(f"kubelambda_{name}_count", **labels) == 3, what=f"three observations in {name}")
    assert metric("kubelambda_init_duration_seconds_count", **labels) == 1
    # Three sleeps of 20 ms; what was left of 3 s each time is what the invocations did not take.
    took = metric("kubelambda_invocation_duration_seconds_sum", **labels)
    assert took >= 0.06 and 9 - took - 0.5 <= metric("kubelambda_remaining_time_seconds_sum", **labels) <= 9
    assert metric("kubelambda_cold_starts_total", **labels) == 1


def test_outcomes_are_counted(space):
    def count(outcome):
        return metric("kubelambda_invocations_total", namespace=space.name, function="bad", outcome=outcome)
    for handler, outcome in (("raises", "function_error"), ("sleeps", "timeout"), ("exits", "crash")):
        space.apply("bad", code="python/misbehaviour.py", handler=f"misbehaviour.{handler}", timeout=1)
        before = count(outcome)
        assert eventually(lambda: space.invoke("bad").error) == "Unhandled"
        eventually(lambda: count(outcome) > before, what=f"one more {outcome}")


def test_no_label_is_chosen_by_a_caller(space):
    before = {name.split("{")[0] for name in metrics()}
    for number in range(20):
        assert space.invoke(f"unknown-{number}").status == 404
    assert not [sample for sample in metrics() if "unknown-" in sample]
    assert before


def test_series_of_a_deleted_function_go_away(space):
    space.apply("short-lived")
    assert space.invoke("short-lived").status == 200
    assert metric("kubelambda_invocations_total", function="short-lived") == 1
    kubectl("delete", "function", "short-lived", "-n", space.name)
    eventually(lambda: not [one for one in metrics() if "short-lived" in one], what="its series are gone")
