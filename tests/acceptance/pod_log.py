"""The log of a function's pod, followed from its first line until the pod is gone."""

import json
import subprocess
import threading
import time

from cluster import KUBECONFIG, eventually, kubectl


class PodLog:
    """Lines as they come, each with the time at which it came; `kubectl logs` of a pod that is gone has none."""

    def __init__(self, space, name):
        self.pod = space.pods(name)[0]["metadata"]["name"]
        arguments = ["logs", "-n", space.name, self.pod, "-c", "function"]
        # The kubelet has logs to show only when it has noticed that the container runs.
        eventually(lambda: kubectl(*arguments, check=False).returncode == 0, what=f"the log of {self.pod}")
        command = ["kubectl", "--kubeconfig", KUBECONFIG, *arguments, "--follow"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
        self.lines, self.ended = [], None
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        for line in self.process.stdout:
            self.lines.append((time.time(), line.rstrip("\n")))
        self.process.wait()
        self.ended = time.time()

    @property
    def text(self):
        return [line for _, line in list(self.lines)]

    def until(self, words):
        """Waits for a line that has these words, and returns it."""
        return eventually(lambda: next((line for line in self.text if words in line), None), what=f"a line with {words!r}")

    def until_its_end(self):
        """Waits until the pod's container is gone; returns when that was seen."""
        return eventually(lambda: self.ended, what=f"the end of {self.pod}")

    def records(self, key):
        """The lines that are JSON objects with this key."""
        found = [json.loads(line) for line in self.text if line.startswith("{")]
        return [one for one in found if key in one]
