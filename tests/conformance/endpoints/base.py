"""What every endpoint has in common."""

import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import time
import urllib.parse

import boto3
import botocore.config

from answers import Answer
from streams import Streamed

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = ROOT / "target"
# Functions that are invoked before the first test; their answers are no test's.
LONG = ("slow", "slower")
EARLY = (*LONG, "handlers", "single", "short", "reused", "raw")
ANSWER_SECONDS_MAX, START_SECONDS_MAX, IDLE_SECONDS = 40, 120, 30


class Endpoint:
    """What tests use of an endpoint."""

    # Whether `address` names a server that takes TLS.
    is_encrypted = False

    def __init__(self):
        self.outlines = []
        self.early = {}

    def invoke(self, function, event=None, payload=None, query="", headers=None, path=None, method="POST"):
        """One request, without retries; `path` replaces the function's own."""
        with self.asked(function, event, payload, query, headers, path, method) as got:
            names = {name.lower(): value for name, value in got.getheaders()}
            answer = Answer(got.status, names, got.read())
        if function not in LONG:
            self.outlines.append(answer.outline)
        return answer

    def stream(self, function, event=None, payload=None, query="", headers=None):
        """The same for InvokeWithResponseStream."""
        path = self.address(function)[2].replace("/2015-03-31/", "/2021-11-15/")
        path = path.removesuffix("/invocations") + "/response-streaming-invocations"
        began = time.monotonic()
        with self.asked(function, event, payload, query, headers, path) as got:
            streamed = Streamed(got, began)
        self.outlines.append(streamed.outline)
        return streamed

    @contextlib.contextmanager
    def asked(self, function, event=None, payload=None, query="", headers=None, path=None, method="POST"):
        """The response to a request, of which nothing but the head is read."""
        host, port, own_path = self.address(function)
        if payload is None:
            payload = json.dumps({} if event is None else event).encode()
        kind = http.client.HTTPSConnection if self.is_encrypted else http.client.HTTPConnection
        connection = kind(host, port, timeout=ANSWER_SECONDS_MAX)
        target = (path or own_path) + query
        try:
            url = f"http{'s' * self.is_encrypted}://{host}:{port}{target}"
            connection.request(method, target, payload, self.signed(method, url, payload, headers or {}))
            yield connection.getresponse()
        finally:
            connection.close()

    def signed(self, method, url, payload, headers):
        """The headers, with a signature where the endpoint wants one."""
        return headers

    def client(self, function):
        """AWS's own client, without retries, and what it is to call the function."""
        host, port, path = self.address(function)
        config = botocore.config.Config(retries={"max_attempts": 0}, read_timeout=ANSWER_SECONDS_MAX)
        client = boto3.client(
            "lambda", endpoint_url=f"http{'s' * self.is_encrypted}://{host}:{port}", config=config, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )
        return client, urllib.parse.unquote(path.split("/")[3])

    def call(self, handler, function="handlers", **event):
        """Invokes one of the handlers in tests/functions/python."""
        return self.invoke(function, {"call": handler, **event})

    def logged(self, handler=None, function="handlers", **event):
        """Invokes; returns the answer and what the log then has of it."""
        answer = self.invoke(function, {"call": handler, **event} if handler else event, headers={"X-Amz-Log-Type": "Tail"})
        return answer, answer.log

    def start_early(self):
        """Makes the first invocations at once, so that what they take is over when a test asks."""
        pool = concurrent.futures.ThreadPoolExecutor(len(EARLY))
        self.early = {name: pool.submit(self.logged, None, name) for name in EARLY}
        concurrent.futures.wait(call for name, call in self.early.items() if name not in LONG)
        pool.shutdown(wait=False)
        self.outlines.clear()

    def path(self, function, name=None):
        return f"/2015-03-31/functions/{urllib.parse.quote(name or function, safe='')}/invocations"

    def written(self, function):
        """What the log has of a function, after the levels of its `loggingConfig`."""
        raise NotImplementedError

    def recover(self):
        """Called after a test that failed, so that it fails alone."""


def eventually(observe, what, process=None, seconds=START_SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while True:
        seen = observe()
        if seen:
            return seen
        assert process is None or process.poll() is None, f"it ended with {process.poll()} before {what}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def scratch():
    folder = TARGET / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
