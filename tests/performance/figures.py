"""Prints the figures of the README as one table, each measured beside a peer in the same run.

Talks only to the gateway on loopback, to AWS's own emulator started here on loopback, and to the API server. Nothing
here passes or fails by a time: it only tells. Bounded: 2,000 requests per warm path, 10 cold starts, 10 bare pods.
"""

import base64
import glob
import http.client
import json
import os
import pathlib
import platform
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/acceptance"))
from cluster import KUBECONFIG, Space, eventually, kubectl  # noqa: E402

import local  # noqa: E402
from emulator import emulator_binary  # noqa: E402
from processes import cpu_seconds, pids_of, resident  # noqa: E402

WARM_REQUESTS, WARM_UP, COLD_STARTS = 2_000, 100, 10
NATIVE_IMAGE = "registry.test:5000/functions/native:1"
PYTHON_IMAGE = "registry.test:5000/lambda/python:3.11"
PROGRAMS = ("operator", "gateway", "runtime-shim")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def microseconds(values):
    return f"p50 {percentile(values, 0.5) * 1e6:.0f} µs, p99 {percentile(values, 0.99) * 1e6:.0f} µs"


def milliseconds(values):
    return f"p50 {statistics.median(values) * 1e3:.0f} ms (min {min(values) * 1e3:.0f}, max {max(values) * 1e3:.0f})"


def post_in_turn(host, port, path, count):
    """Seconds of `count` requests over one connection, each checked."""
    connection, taken = http.client.HTTPConnection(host, port, timeout=30), []
    for number in range(count):
        body = json.dumps({"echo": number, "padding": "x" * 70})
        began = time.perf_counter()
        connection.request("POST", path, body)
        answer = connection.getresponse()
        payload = answer.read()
        taken.append(time.perf_counter() - began)
        assert answer.status == 200 and f"{number}".encode() in payload, payload
    return taken


def emulator():
    """AWS's own emulator (RIE) with the same function, as a process."""
    function = glob.glob(str(ROOT / "target/images/**/native/**/bootstrap"), recursive=True)[0]
    return subprocess.Popen(
        [str(emulator_binary()), "--runtime-interface-emulator-address", "127.0.0.1:18480", "--runtime-api-address",
         "127.0.0.1:18481", function],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LOG_LEVEL": "error"},
    )


def warm(space, turns):
    """Warm invokes in turn through the gateway and through the emulator, ABAB: seconds of each, and the processor time of
    shims and emulator, in microseconds per invocation."""
    address = urllib.parse.urlsplit("http://127.0.0.1:9000")
    own_path = f"/2015-03-31/functions/{urllib.parse.quote(space.arn('native'), safe='')}/invocations"
    peer_path = "/2015-03-31/functions/function/invocations"
    peer = emulator()
    try:
        def answers():
            try:
                return post_in_turn("127.0.0.1", 18480, peer_path, 1)
            except OSError:
                return None
        eventually(answers, what="the emulator answers")
        own, others, spent = [], [], [0, 0]
        post_in_turn(address.hostname, address.port, own_path, WARM_UP)
        post_in_turn("127.0.0.1", 18480, peer_path, WARM_UP)
        for _ in range(turns):
            before = cpu_seconds(pids_of("runtime-shim")), cpu_seconds([peer.pid])
            own += post_in_turn(address.hostname, address.port, own_path, WARM_REQUESTS // turns)
            others += post_in_turn("127.0.0.1", 18480, peer_path, WARM_REQUESTS // turns)
            spent[0] += cpu_seconds(pids_of("runtime-shim")) - before[0]
            spent[1] += cpu_seconds([peer.pid]) - before[1]
        return own, others, [seconds / WARM_REQUESTS * 1e6 for seconds in spent]
    finally:
        peer.terminate()
        peer.wait(10)


def cold(space):
    """Seconds of an invoke that finds no pod."""
    taken = []
    for _ in range(COLD_STARTS):
        kubectl("delete", "pods", "-n", space.name, "-l", "kubelambda.dev/function=native", "--grace-period=0", "--force")
        eventually(lambda: not kubectl("get", "pods", "-n", space.name, "-o", "name").strip(), what="no pod is left")
        began = time.perf_counter()
        assert space.invoke("native", {"echo": 1}).status == 200
        taken.append(time.perf_counter() - began)
    return taken


def api(path, method, body=None):
    """One call of the API server, without kubectl's own start in the time."""
    with open(KUBECONFIG) as file:
        config = yaml.safe_load(file)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    def as_file(entry, key):
        if key in entry:
            return entry[key]
        kept = tempfile.NamedTemporaryFile(delete=False)
        kept.write(base64.b64decode(entry[key + "-data"]))
        kept.close()
        return kept.name
    context = ssl.create_default_context(cafile=as_file(cluster, "certificate-authority"))
    context.load_cert_chain(as_file(user, "client-certificate"), as_file(user, "client-key"))
    request = urllib.request.Request(
        cluster["server"] + path, method=method, data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"},
    )
    return urllib.request.urlopen(request, context=context, timeout=30)


def bare_pods(space):
    """Seconds from the call that creates a pod to its process running: the process says when."""
    taken = []
    for number in range(COLD_STARTS):
        manifest = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"bare-{number}", "namespace": space.name},
            "spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": False, "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": "bare", "image": PYTHON_IMAGE, "command": ["/bin/sh", "-c", "date +%s.%N"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }],
            },
        }
        began = time.time()
        api(f"/api/v1/namespaces/{space.name}/pods", "POST", manifest).close()
        said = eventually(
            lambda: kubectl("logs", f"bare-{number}", "-n", space.name, check=False).stdout.strip(), what="the pod's line"
        )
        taken.append(float(said) - began)
    kubectl("delete", "pods", "-n", space.name, "--all", "--wait=false")
    return taken


def main():
    space = Space("t-figures", "100000000099")
    try:
        space.apply("native", code={"image": NATIVE_IMAGE}, memorySize=256, timeout=10)
        assert space.invoke("native", {"echo": 1}).status == 200
        own, peer, spent = warm(space, 4)
        rows = [
            ("warm invoke, native function, through the gateway", microseconds(own)),
            ("the same function in AWS's emulator (RIE), same run", microseconds(peer)),
            ("ratio of the medians", f"{statistics.median(own) / statistics.median(peer):.2f}"),
            ("processor time per warm invocation: shim", f"{spent[0]:.0f} µs"),
            ("the same of the emulator, same run", f"{spent[1]:.0f} µs"),
            ("cold start from zero, native function, of 10", milliseconds(cold(space))),
            ("bare pod: from its creation to its process, of 10", milliseconds(bare_pods(space))),
        ]
        space.invoke("native", {"echo": 1})
        for name, found in sorted(resident(PROGRAMS).items()):
            told = ", ".join(f"{whole:.2f} ({own:.2f} + {file:.2f})" for whole, own, file in sorted(found))
            rows.append((f"{name}, resident, MB (its own + its file's)", told))
        rows += local.rows()
        for name in PROGRAMS:
            size = (ROOT / f"target/x86_64-unknown-linux-gnu/small/{name}").stat().st_size
            rows.append((f"{name}, program and image, MB", f"{size / 1e6:.2f}"))
    finally:
        space.delete()
    print(f"\n{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}\n")
    for what, figure in rows:
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
