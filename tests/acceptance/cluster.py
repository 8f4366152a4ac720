"""A cluster with Kubelambda in it, as tests see it: kubectl, the Lambda API, and waiting for a condition.

Talks only to the API server that KUBECONFIG names and to the gateway at KUBELAMBDA_ENDPOINT. Never sleeps for a
fixed time in place of a condition.
"""

import base64
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENDPOINT = os.environ.get("KUBELAMBDA_ENDPOINT", "http://127.0.0.1:9000")
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / "target/cluster/kubeconfig")
REGISTRY = os.environ.get("KUBELAMBDA_TEST_REGISTRY", "registry.test:5000")
REGION = "us-east-1"
POLL_SECONDS = 0.1


def kubectl(*arguments, stdin=None, check=True):
    """Runs kubectl; returns its standard output, or the finished process where `check` is false."""
    done = subprocess.run(
        ["kubectl", "--kubeconfig", KUBECONFIG, *arguments],
        input=stdin, capture_output=True, text=True, timeout=180,
    )
    if not check:
        return done
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def get(kind, name=None, namespace="default", selector=None):
    """An object, or the list of them, as the API server has it now."""
    arguments = ["get", kind, "-n", namespace, "-o", "json"]
    arguments += [name] if name else []
    arguments += ["-l", selector] if selector else []
    answer = json.loads(kubectl(*arguments))
    return answer if name else answer["items"]


def logs(namespace, selector):
    """The logs of the pods that a selector names. A pod answers invocations before the kubelet has noticed, up to seconds
    later, that its container runs; until then the kubelet shows no log, and this has none of that pod."""
    names = [pod["metadata"]["name"] for pod in get("pods", namespace=namespace, selector=selector)]
    # One by one: with a selector, a pod without a log would hide the others'.
    return "".join(kubectl("logs", "-n", namespace, name, "-c", "function", check=False).stdout for name in names)


def eventually(observe, timeout=60, what=None):
    """Waits until `observe()` returns something true, and returns it; says what it saw last otherwise."""
    deadline = time.monotonic() + timeout
    while True:
        seen = observe()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {timeout} s: {what or observe.__name__}; last seen: {seen!r}"
        time.sleep(POLL_SECONDS)


def client(**settings):
    """boto3's Lambda client, told to try once: a retry would hide a failure."""
    configuration = botocore.config.Config(
        retries={"total_max_attempts": 1}, read_timeout=150, max_pool_connections=64, **settings
    )
    return boto3.client(
        "lambda", endpoint_url=ENDPOINT, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        config=configuration,
    )


@dataclasses.dataclass
class Answer:
    """What the caller of an invoke got."""

    status: int
    headers: dict
    payload: bytes
    error: str | None

    @property
    def json(self):
        return json.loads(self.payload)

    @property
    def request_id(self):
        return self.headers["x-amzn-requestid"]

    @property
    def log(self):
        return base64.b64decode(self.headers["x-amz-log-result"]).decode(errors="replace")

    @property
    def duration_ms(self):
        """How long the invocation took, by the report in its log's tail."""
        return float(re.search(r"\tDuration: ([0-9.]+) ms", self.log)[1])


class Space:
    """A namespace of its own for a test module: an account of its own, under Pod Security "restricted"."""

    def __init__(self, name, account):
        self.name, self.account = name, account
        manifest = {
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                "annotations": {"kubelambda.dev/account-id": account},
            },
        }
        def is_free():
            return "Terminating" not in kubectl("get", "namespace", name, "--ignore-not-found")
        eventually(is_free, timeout=120, what=f"an earlier namespace {name} is gone")
        kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        self.client = client()
        self.applied = set()

    def arn(self, name):
        return f"arn:aws:lambda:{REGION}:{self.account}:function:{name}"

    def apply(self, name, check=True, **spec):
        """Applies a Function; `code` may be a path below tests/functions, whose text becomes inline code."""
        code = spec.pop("code", "python/conformance.py")
        if isinstance(code, str):
            file = ROOT / "tests/functions" / code
            code = {"inline": {file.name: file.read_text()}}
        if "image" not in code:
            spec.setdefault("runtime", "python3.11")
            spec.setdefault("handler", "conformance.echo")
        manifest = {
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": name, "namespace": self.name}, "spec": {"code": code, **spec},
        }
        done = kubectl("apply", "-f", "-", stdin=json.dumps(manifest), check=False)
        assert not check or done.returncode == 0, done.stderr
        if done.returncode == 0:
            self.applied.add(name)
        if check:
            generation = get("function", name, self.name)["metadata"]["generation"]
            eventually(
                lambda: get("function", name, self.name).get("status", {}).get("observedGeneration") == generation,
                what=f"status of {name} at generation {generation}",
            )
        return done

    def remove(self, name):
        """Deletes a Function and its pods, without their grace."""
        self.applied.discard(name)
        kubectl("delete", "function", name, "-n", self.name, "--ignore-not-found")
        kubectl("delete", "pods", "-n", self.name, "-l", f"kubelambda.dev/function={name}", "--grace-period=0", "--force")

    def invoke(self, name, event=None, payload=None, **arguments):
        """Invokes by ARN; a refusal of the API comes back as an Answer too."""
        if payload is None:
            payload = json.dumps({} if event is None else event).encode()
        try:
            got = self.client.invoke(FunctionName=self.arn(name), Payload=payload, **arguments)
        except self.client.exceptions.ClientError as refusal:
            metadata = refusal.response["ResponseMetadata"]
            body = {key: value for key, value in refusal.response.items() if key != "ResponseMetadata"}
            return Answer(
                metadata["HTTPStatusCode"], metadata["HTTPHeaders"], json.dumps(body).encode(),
                refusal.response["Error"]["Code"],
            )
        metadata = got["ResponseMetadata"]
        return Answer(got["StatusCode"], metadata["HTTPHeaders"], got["Payload"].read(), got.get("FunctionError"))

    def ready(self, name):
        """The Ready condition of a Function."""
        conditions = get("function", name, self.name).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Ready"), None)

    def pods(self, name):
        """The pods of a Function that are not on their way out."""
        found = get("pods", namespace=self.name, selector=f"kubelambda.dev/function={name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def delete(self):
        kubectl("delete", "functions", "--all", "-n", self.name, "--wait=false")
        kubectl("delete", "namespace", self.name, "--wait=false")


def metrics():
    """The gateway's metrics as {name{labels}: value}."""
    with urllib.request.urlopen(f"{ENDPOINT}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in samples}


def metric(name, **labels):
    """The sum of the samples of `name` that carry these labels."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    found = [
        value for sample, value in metrics().items()
        if sample.split("{")[0] == name and all(label in sample for label in wanted)
    ]
    return sum(found)
