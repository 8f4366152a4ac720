"""The link to an environment, spoken as a gateway speaks it (tests/link-client): for what no caller of the Lambda API
may set, which is an identity, and one request id for several attempts.

Needs the cluster's own rights: the installation's link key, and a route to the pods' addresses.
"""

import dataclasses
import functools
import json
import subprocess
import uuid

from cluster import ROOT, eventually, get

ENVIRONMENT_PORT = 9700
RESPONSE_SECONDS_MAX = 300


@dataclasses.dataclass
class Attempt:
    """One attempt to run an invocation, and what came of it once it was delivered."""

    event: dict
    arn: str
    timeout: int
    identity: dict | None = None
    request_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    error: dict | None = None
    payload: str = ""

    @property
    def json(self):
        return json.loads(self.payload)

    def order(self):
        """The attempt as it crosses the link, without the revision."""
        invoke = {
            "requestId": self.request_id, "attempt": self.id, "budget": self.timeout * 1000, "invokedArn": self.arn,
            "identity": self.identity,
        }
        return {"invoke": invoke, "payload": self.event}


def deliver(pod, attempts):
    """Runs the attempts one after the other in this pod, and notes in each what came of it."""
    # A pod serves before the kubelet has told the API server of its address.
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    address = eventually(lambda: get("pod", name, namespace)["status"].get("podIP"), what=f"an address of {name}")
    order = {
        "address": f"{address}:{ENVIRONMENT_PORT}", "namespace": namespace, "pod": name, "key": link_key(),
        "invocations": [attempt.order() for attempt in attempts],
    }
    done = subprocess.run([program()], input=json.dumps(order), capture_output=True, text=True, timeout=RESPONSE_SECONDS_MAX)
    assert done.returncode == 0, done.stderr
    for attempt, outcome in zip(attempts, json.loads(done.stdout), strict=True):
        attempt.error, attempt.payload = outcome["functionError"], outcome["payload"]


@functools.cache
def program():
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--package", "link-client"], cwd=ROOT, check=True)
    return ROOT / "target/debug/link-client"


@functools.cache
def link_key():
    return get("secret", "kubelambda-link-key", "kubelambda")["data"]["secret"]
