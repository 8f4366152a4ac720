"""AWS's own emulator as an endpoint."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from fixtures import FUNCTIONS, RAW_COMMAND, RAW_RUNTIME

from .base import LONG, ROOT, TARGET, Endpoint, eventually, scratch

sys.path.append(str(ROOT / "tests/performance"))
from emulator import emulator_binary  # noqa: E402


class Emulator(Endpoint):
    """AWS's own emulator, one process for each function, with the same unmodified client."""

    name = "rie"

    def start(self):
        self.binary = emulator_binary()
        for left in ("/tmp/child", "/tmp/sigterm"):
            pathlib.Path(left).unlink(missing_ok=True)
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

    def written(self, function):
        return (self.folder / f"{function}.log").read_text(errors="replace")

    def recover(self):
        self.end(name for name in list(self.running) if name not in LONG)

    def end(self, names):
        for name in names:
            process, _ = self.running.pop(name)
            for pid in started_with(self.folder / name):
                kill(pid)
            process.wait(10)

    def stop(self):
        self.end(list(self.running))
        shutil.rmtree(self.folder, ignore_errors=True)


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
