"""Several invocations at once."""

import concurrent.futures
import time

SLEEP_MS = 1_500


def at_once(endpoint, count, function="handlers"):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(endpoint.call, "conformance.sleep", function, sleep_ms=SLEEP_MS) for _ in range(count)]
        return [call.result() for call in calls]


def test_two_at_once(endpoint):
    """Guide, lambda-concurrency: "For each concurrent request, Lambda provisions a separate instance of your execution environment." """
    answers = at_once(endpoint, 2)
    assert [answer.status for answer in answers] == [200, 200]


def test_each_caller_gets_its_own_answer(endpoint):
    """Guide, lambda-concurrency: "For each concurrent request, Lambda provisions a separate instance of your execution environment.": each has one request at a time. """
    answers = at_once(endpoint, 2)
    assert [answer.json for answer in answers] == [answer.request_id for answer in answers]


def test_they_do_run_at_once(endpoint):
    """Guide, lambda-concurrency: "Concurrency is the number of in-flight requests that your AWS Lambda function is handling at the same time." """
    at_once(endpoint, 2)
    began = time.monotonic()
    answers = at_once(endpoint, 2)
    assert all(answer.status == 200 for answer in answers)
    assert time.monotonic() - began < 2 * SLEEP_MS / 1000


def test_throttled_above_the_limit(endpoint):
    """Recording test_reserved_concurrency_async_queue: 429, TooManyRequestsException, "Rate Exceeded.", Type User, a Reason. """
    answers = at_once(endpoint, 3, "single")
    assert sorted(answer.status for answer in answers) == [200, 429, 429]
    throttled = next(answer for answer in answers if answer.status == 429)
    assert throttled.error_type == "TooManyRequestsException"
    assert throttled.json == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."
    }


def test_served_after_a_throttle(endpoint):
    """Model: "The request throughput limit was exceeded.": once it is not, the function is served. """
    at_once(endpoint, 2, "single")
    assert endpoint.invoke("single", {"a": 1}).json == {"a": 1}


def test_functions_do_not_wait_for_each_other(endpoint):
    """Guide, lambda-concurrency: reserved concurrency is "for a function": another one is not throttled by it. """
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(endpoint.call, "conformance.sleep", "single", sleep_ms=SLEEP_MS)
        answer = endpoint.invoke("handlers", {"a": 1})
        assert answer.status == 200 and not running.done()
        assert running.result().status == 200
