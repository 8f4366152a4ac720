"""Pods of a cluster as an endpoint."""

import json
import os
import shutil
import subprocess
import urllib.parse

from fixtures import FUNCTIONS, RAW_RUNTIME, manifests, raw_runtime

from .base import IDLE_SECONDS, TARGET, Endpoint, eventually


class Pod(Endpoint):
    """The cluster that KUBECONFIG names, through its gateway, in a namespace of the suite's own."""

    name = "pod"
    namespace, account = "t-conformance", "111111111111"
    url = os.environ.get("KUBELAMBDA_ENDPOINT", "http://127.0.0.1:9000")
    kubeconfig = os.environ.get("KUBECONFIG") or str(TARGET / "cluster/kubeconfig")
    registry = os.environ.get("KUBELAMBDA_TEST_REGISTRY", "registry.test:5000")

    def run(self, *arguments, stdin=None):
        kubectl = shutil.which("kubectl") or str(TARGET / "cluster/bin/kubectl")
        return subprocess.run(
            [kubectl, "--kubeconfig", self.kubeconfig, *arguments], input=stdin, capture_output=True, text=True, timeout=180
        )

    def kubectl(self, *arguments, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def start(self):
        eventually(
            lambda: "Terminating" not in self.kubectl("get", "namespace", self.namespace, "--ignore-not-found"),
            f"an earlier namespace {self.namespace} is gone",
        )
        # What leaves takes its room on the node along only when it is gone.
        eventually(lambda: not self.leaving(), "pods of earlier tests are gone")
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
            # A function without tenants refuses one, and one with tenants needs it.
            tenants = {name: {"X-Amz-Tenant-Id": "nobody"} if "tenancyConfig" in spec else {} for name, spec in FUNCTIONS.items()}
            return all(
                self.invoke(name, headers={"X-Amz-Invocation-Type": "DryRun", **tenant}).status == 204 for name, tenant in tenants.items()
            )
        eventually(known, "the gateway knows each Function")

    def leaving(self):
        pods = json.loads(self.kubectl("get", "pods", "-A", "-l", "kubelambda.dev/function", "-o", "json"))["items"]
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]

    def arn(self, function):
        return f"arn:aws:lambda:us-east-1:{self.account}:function:{function}"

    def address(self, function):
        at = urllib.parse.urlsplit(self.url)
        return at.hostname, at.port, self.path(function, self.arn(function))

    def written(self, function):
        selected = ("-n", self.namespace, "-l", f"kubelambda.dev/function={function}")
        pods = json.loads(self.kubectl("get", "pods", *selected, "-o", "json"))["items"]
        names = [pod["metadata"]["name"] for pod in pods]
        # A pod answers before the kubelet has noticed, up to seconds later, that its container runs: until then it has
        # no log to show.
        logs = [self.run("logs", "-n", self.namespace, name, "-c", "function") for name in names]
        return "".join(log.stdout for log in logs)

    def stop(self):
        self.kubectl("delete", "functions", "--all", "-n", self.namespace, "--wait=false")
        self.kubectl("delete", "pods", "--all", "-n", self.namespace, "--grace-period=0", "--force", "--wait=false")
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")
        self.kubectl("delete", "runtime", RAW_RUNTIME, "--ignore-not-found", "--wait=false")
