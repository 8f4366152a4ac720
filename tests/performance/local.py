"""Without a cluster: seconds to the first answer, and processor time of the shim, beside AWS's emulator in the same run.

Run alone or by `figures.py`. Needs `kubelambda` as it would be shipped (KUBELAMBDA names another), and python3 with the
runtime client that `make runtime-clients` fetches: both sides run that client and the same handler.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from emulator import emulator_binary
from processes import cpu_seconds, pids_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
STARTS, INVOCATIONS, WARM_UP, SECONDS_MAX = 10, 2_000, 100, 30
HANDLER = "def handler(event, context):\n    return event\n"
PATH, EMULATOR_PATH = "/2015-03-31/functions/echo/invocations", "/2015-03-31/functions/function/invocations"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def post(port, path, number, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    connection.request("POST", path, json.dumps({"echo": number}))
    answer = connection.getresponse()
    payload = answer.read()
    assert answer.status == 200 and json.loads(payload) == {"echo": number}, payload
    return connection


def until_answered(port, path):
    """Asks until the right answer comes."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            return post(port, path, 0)
        except (AssertionError, ConnectionError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)


class Served:
    """One of the two, started; `first` is the time from there to its first answer."""

    def __init__(self, folder, command, path, variables):
        self.port, self.path = free_port(), path
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [part.format(port=self.port) for part in command], cwd=folder, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        self.connection = until_answered(self.port, path)
        self.first = time.perf_counter() - began

    def invoke(self, count):
        for number in range(count):
            post(self.port, self.path, number, self.connection)

    def stop(self):
        self.connection.close()
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(SECONDS_MAX)


def own(folder):
    program = os.environ.get("KUBELAMBDA") or str(ROOT / "target/small/kubelambda")
    return Served(folder, [program, "local", str(folder), "--listen", "127.0.0.1:{port}", "--emulator", "off"], PATH, {})


def emulator(folder):
    command = [
        str(emulator_binary()), "--runtime-interface-emulator-address", "127.0.0.1:{port}", "--runtime-api-address",
        f"127.0.0.1:{free_port()}", "python3", "-m", "awslambdaric", "app.handler",
    ]
    variables = {
        "PYTHONPATH": str(ROOT / "target/runtime-clients/python"), "LAMBDA_TASK_ROOT": str(folder), "LOG_LEVEL": "error",
        "AWS_LAMBDA_FUNCTION_NAME": "echo", "AWS_REGION": "us-east-1",
    }
    return Served(folder, command, EMULATOR_PATH, variables)


def first_answers(folder):
    """Seconds from the start of each to its first answer, in turn."""
    taken = {own: [], emulator: []}
    # The first of each does not count: it finds nothing in the page cache.
    for number in range(STARTS + 1):
        for start, seconds in taken.items():
            served = start(folder)
            if number:
                seconds.append(served.first)
            served.stop()
    return taken[own], taken[emulator]


def processor_time(folder):
    """Microseconds of the shim and of the emulator for each of many warm invocations."""
    found = []
    for start in (own, emulator):
        served = start(folder)
        try:
            served.invoke(WARM_UP)
            # In local mode the shim is the same program, started by it once more.
            program = pathlib.Path(served.process.args[0]).name
            others = [pid for pid in pids_of(program) if pid != served.process.pid and descends(pid, served.process.pid)]
            pids = others if start is own else [served.process.pid]
            assert pids, "the shim is not found"
            before = cpu_seconds(pids)
            served.invoke(INVOCATIONS)
            found.append((cpu_seconds(pids) - before) / INVOCATIONS * 1e6)
        finally:
            served.stop()
    return found


def descends(pid, ancestor):
    while pid > 1 and pid != ancestor:
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
    return pid == ancestor


def rows():
    """The figures, each as a description and a text."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "app.py").write_text(HANDLER)
        spec = {"runtime": "python3.11", "handler": "app.handler", "memorySize": 256, "timeout": 10,
                "code": {"inline": {"app.py": HANDLER}}}
        manifest = {"apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function", "metadata": {"name": "echo"}, "spec": spec}
        (folder / "echo.yaml").write_text(json.dumps(manifest))
        seconds = [
            f"p50 {statistics.median(taken):.2f} s ({min(taken):.2f}–{max(taken):.2f})" for taken in first_answers(folder)
        ]
        shim, peer = processor_time(folder)
    return [
        (f"`kubelambda local`: from its start to the first answer, Python function, of {STARTS}", seconds[0]),
        ("AWS's emulator with the same function: from its start to the first answer", seconds[1]),
        (f"processor time of the shim per warm invocation, of {INVOCATIONS:,}", f"{shim:.0f} µs"),
        ("processor time of AWS's emulator per warm invocation", f"{peer:.0f} µs"),
    ]


if __name__ == "__main__":
    for what, figure in rows():
        sys.stdout.write(f"| {what} | {figure} |\n")
