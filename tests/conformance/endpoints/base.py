"""Where the suite runs: an endpoint has a URL, serves the functions of `fixtures`, and may be one of three kinds here.

To add another, give it `name`, `several` (functions at one URL), `start`, `stop`, `address(function)` and
`recover()`; nothing else in the suite knows which one it talks to.
"""

import base64
import concurrent.futures
import dataclasses
import glob
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from fixtures import FUNCTIONS, RAW_COMMAND, RAW_RUNTIME, manifests, raw_runtime

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
# Functions that are invoked before the first test; their answers are no test's.
EARLY = ("slow", "handlers", "single", "short", "reused", "raw")
ANSWER_SECONDS_MAX, START_SECONDS_MAX, IDLE_SECONDS = 40, 120, 30
# Names of headers that come from the transport, or vary.
UNCOMPARED = {"date", "connection", "content-length", "transfer-encoding"}


@dataclasses.dataclass
class Answer:
    """What the caller of an invoke got."""

    status: int
    headers: dict
    payload: bytes

    @property
    def json(self):
        return json.loads(self.payload)

    @property
    def error(self):
        return self.headers.get("x-amz-function-error")

    @property
    def error_type(self):
        return self.headers.get("x-amzn-errortype", "").split(":")[0]

    @property
    def request_id(self):
        return self.headers["x-amzn-requestid"]

    @property
    def log(self):
        return base64.b64decode(self.headers["x-amz-log-result"]).decode(errors="replace")

    @property
    def outline(self):
        """What two endpoints must have in common."""
        return f"{self.status} {self.error or self.error_type} {sorted(set(self.headers) - UNCOMPARED)}"


class Endpoint:
    """What tests use of an endpoint."""

    several = True

    def __init__(self):
        self.outlines = []
        self.early = {}

    def invoke(self, function, event=None, payload=None, query="", headers=None, path=None, method="POST"):
        """One request, without retries; `path` replaces the function's own."""
        host, port, own_path = self.address(function)
        if payload is None:
            payload = json.dumps({} if event is None else event).encode()
        connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request(method, (path or own_path) + query, payload, headers or {})
            got = connection.getresponse()
            names = {name.lower(): value for name, value in got.getheaders()}
            answer = Answer(got.status, names, got.read())
        finally:
            connection.close()
        if function != "slow":
            self.outlines.append(answer.outline)
        return answer

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
        concurrent.futures.wait(call for name, call in self.early.items() if name != "slow")
        pool.shutdown(wait=False)
        self.outlines.clear()

    def path(self, function, name=None):
        return f"/2015-03-31/functions/{urllib.parse.quote(name or function, safe='')}/invocations"

    def recover(self):
        """Called after a test that failed, so that it fails alone."""


class Local(Endpoint):
    """`kubelambda local` on a free port, with a folder of the manifests."""

    name = "local"

    def start(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="conformance-", dir=scratch()))
        for manifest in [raw_runtime("none"), *manifests(IDLE_SECONDS)]:
            (self.folder / f"{manifest['metadata']['name']}.yaml").write_text(json.dumps(manifest))
        # What a handler of `misbehaviour` writes to, and may be left of an earlier run.
        pathlib.Path("/tmp/child").unlink(missing_ok=True)
        program = os.environ.get("KUBELAMBDA") or str(TARGET / "debug/kubelambda")
        self.log = open(self.folder.with_suffix(".log"), "w+")
        self.process = subprocess.Popen(
            [program, "local", str(self.folder), "--listen", "127.0.0.1:0", "--emulator", "off"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )
        words = "Lambda API on http://"
        def said():
            text = pathlib.Path(self.log.name).read_text()
            return text.split(words)[1].split()[0] if words in text and "Ctrl-C ends" in text else None
        self.host, port = eventually(said, f"the words '{words}' in {self.log.name}", self.process).split(":")
        self.port = int(port)

    def address(self, function):
        return self.host, self.port, self.path(function)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Pod(Endpoint):
    """The cluster that KUBECONFIG names, through its gateway, in a namespace of the suite's own."""

    name = "pod"
    namespace, account = "t-conformance", "111111111111"
    url = os.environ.get("KUBELAMBDA_ENDPOINT", "http://127.0.0.1:9000")
    kubeconfig = os.environ.get("KUBECONFIG") or str(TARGET / "cluster/kubeconfig")
    registry = os.environ.get("KUBELAMBDA_TEST_REGISTRY", "registry.test:5000")

    def kubectl(self, *arguments, stdin=None):
        kubectl = shutil.which("kubectl") or str(TARGET / "cluster/bin/kubectl")
        done = subprocess.run(
            [kubectl, "--kubeconfig", self.kubeconfig, *arguments], input=stdin, capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def start(self):
        eventually(
            lambda: "Terminating" not in self.kubectl("get", "namespace", self.namespace, "--ignore-not-found"),
            f"an earlier namespace {self.namespace} is gone",
        )
        namespace = {
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": self.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                "annotations": {"kubelambda.dev/account-id": self.account},
            },
        }
        items = [namespace, raw_runtime(f"{self.registry}/lambda/python:3.11"), *manifests(IDLE_SECONDS)]
        for item in items:
            if item["kind"] == "Function":
                item["metadata"]["namespace"] = self.namespace
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        def served():
            listed = json.loads(self.kubectl("get", "functions", "-n", self.namespace, "-o", "json"))["items"]
            return len([one for one in listed if one.get("status", {}).get("observedGeneration")]) == len(FUNCTIONS)
        eventually(served, "each Function has a status")
        def known():
            return all(self.invoke(name, headers={"X-Amz-Invocation-Type": "DryRun"}).status == 204 for name in FUNCTIONS)
        eventually(known, "the gateway knows each Function")

    def arn(self, function):
        return f"arn:aws:lambda:us-east-1:{self.account}:function:{function}"

    def address(self, function):
        at = urllib.parse.urlsplit(self.url)
        return at.hostname, at.port, self.path(function, self.arn(function))

    def stop(self):
        self.kubectl("delete", "functions", "--all", "-n", self.namespace, "--wait=false")
        self.kubectl("delete", "pods", "--all", "-n", self.namespace, "--grace-period=0", "--force", "--wait=false")
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")
        self.kubectl("delete", "runtime", RAW_RUNTIME, "--ignore-not-found", "--wait=false")


class Emulator(Endpoint):
    """AWS's own emulator, one process for each function, with the same unmodified client."""

    name = "rie"
    several = False

    def start(self):
        self.binary = emulator_binary()
        pathlib.Path("/tmp/child").unlink(missing_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rie-", dir=scratch()))
        self.running = {}
        self.lock = threading.Lock()

    def address(self, function):
        with self.lock:
            running = self.running.get(function)
            if running is None or running[0].poll() is not None:
                running = self.running[function] = self.launch(function)
        return "127.0.0.1", running[1], self.path(function, "function")

    def launch(self, function):
        spec = FUNCTIONS.get(function, FUNCTIONS["handlers"])
        task = self.folder / function
        task.mkdir(exist_ok=True)
        for name, text in spec["code"]["inline"].items():
            (task / name).write_text(text)
        port, runtime_port = free_port(), free_port()
        command = RAW_COMMAND if spec.get("runtime") == RAW_RUNTIME else ["python3", "-m", "awslambdaric"]
        variables = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **spec.get("environment", {}).get("variables", {}),
            "PYTHONPATH": str(TARGET / "runtime-clients/python"), "LAMBDA_TASK_ROOT": str(task), "TMPDIR": str(task),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(spec.get("timeout", 3)), "AWS_LAMBDA_FUNCTION_NAME": function,
            # What AWS's image sets.
            "LANG": "en_US.UTF-8", "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.get("memorySize", 128)), "AWS_REGION": "us-east-1",
        }
        log = open(self.folder / f"{function}.log", "a")
        process = subprocess.Popen(
            [str(self.binary), "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
             "--runtime-api-address", f"127.0.0.1:{runtime_port}", *command, spec["handler"]],
            cwd=task, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        eventually(lambda: answers(port), "the emulator listens", process)
        return process, port

    def logged(self, handler=None, function="handlers", **event):
        """The emulator has no log tail, so its output stands for the log."""
        self.address(function)
        place = self.folder / f"{function}.log"
        before = place.stat().st_size
        answer = self.invoke(function, {"call": handler, **event} if handler else event)
        def ended():
            text = place.read_bytes()[before:].decode(errors="replace")
            return text if "REPORT RequestId" in text else None
        try:
            return answer, eventually(ended, "a REPORT", seconds=3)
        except AssertionError:
            return answer, place.read_bytes()[before:].decode(errors="replace")

    def recover(self):
        self.end(name for name in list(self.running) if name != "slow")

    def end(self, names):
        for name in names:
            process, _ = self.running.pop(name)
            for pid in started_with(self.folder / name):
                kill(pid)
            process.wait(10)

    def stop(self):
        self.end(list(self.running))
        shutil.rmtree(self.folder, ignore_errors=True)


ENDPOINTS = {kind.name: kind for kind in (Local, Pod, Emulator)}


def eventually(observe, what, process=None, seconds=START_SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while True:
        seen = observe()
        if seen:
            return seen
        assert process is None or process.poll() is None, f"it ended with {process.poll()} before {what}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def started_with(task):
    """Processes of a function, also those that left its process group: a variable of theirs names its folder."""
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"LAMBDA_TASK_ROOT={task}\0".encode() in (place / "environ").read_bytes():
                yield int(place.name)
        except OSError:
            pass


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def scratch():
    folder = TARGET / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def emulator_binary():
    """The emulator from the wheel that carries it, fetched once."""
    folder = TARGET / "tools/rie"
    binary = folder / "aws-lambda-rie-x86_64"
    if not binary.exists():
        with tempfile.TemporaryDirectory(dir=scratch()) as wheels:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, "aws-sam-cli"], check=True)
            wheel = glob.glob(f"{wheels}/*.whl")[0]
            subprocess.run(["unzip", "-qjo", wheel, "*/aws-lambda-rie-x86_64", "-d", str(folder)], check=True)
    binary.chmod(0o755)
    return binary
