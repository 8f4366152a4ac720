"""The clients that people have: aws, curl and kubectl, typed as the README types them."""

import base64
import json
import os
import re
import subprocess

import pytest

from cluster import ENDPOINT, REGION, client, get, kubectl

ENVIRONMENT = {
    **os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
}


@pytest.fixture(scope="module", autouse=True)
def example():
    """The README's example, in the default namespace; `make up` may have applied it already. The others' go with it."""
    before = {item["metadata"]["name"] for item in get("functions")}
    kubectl("apply", "-f", "examples/context.yaml")
    yield
    for name in {item["metadata"]["name"] for item in get("functions")} - before:
        kubectl("delete", "function", name, "-n", "default")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)


def test_aws_lambda_invoke(tmp_path):
    out = tmp_path / "out.json"
    done = run("aws", "lambda", "invoke", "--endpoint-url", ENDPOINT, "--function-name", "context", "--log-type", "Tail", str(out))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["StatusCode"] == 200 and told["ExecutedVersion"] == "$LATEST" and told["LogResult"]
    log = base64.b64decode(told["LogResult"]).decode()
    took_ms = float(re.search(r"\tDuration: ([0-9.]+) ms", log)[1])
    # It sleeps for a second of its five.
    assert 5_000 - took_ms - 1 <= json.loads(out.read_text())["remaining_time_in_millis"] <= 4_000, log


def test_curl():
    done = run("curl", "-si", "-X", "POST", "-d", '{"k":1}', f"{ENDPOINT}/2015-03-31/functions/hello/invocations")
    head, body = done.stdout.split("\n\n", 1) if "\n\n" in done.stdout else done.stdout.split("\r\n\r\n", 1)
    assert "200 OK" in head and "x-amzn-requestid" in head.lower()
    assert json.loads(body) == {"greeting": "Hello, world!"}


def test_dry_run_and_event():
    caller = client()
    assert caller.invoke(FunctionName="hello", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(caller.exceptions.ClientError, match="Event"):
        caller.invoke(FunctionName="hello", InvocationType="Event")


def test_kubectl_table_and_explain():
    header, *rows = kubectl("get", "functions").splitlines()
    assert header.split() == ["NAME", "RUNTIME", "MEMORY", "TIMEOUT", "STATE", "READY", "ENVIRONMENTS", "AGE"]
    row = next(row.split() for row in rows if row.startswith("context"))
    assert row[1:5] == ["python3.13", "128", "5", "Active"]
    explained = kubectl("explain", "function.spec")
    for field in ("memorySize", "timeout", "handler", "runtime", "code"):
        assert field in explained
    assert "1769 MB is one full CPU" in " ".join(explained.split())
    assert kubectl("get", "fn", "context", "-o", "name").strip() == "function.kubelambda.dev/context"


def test_runtimes_carry_the_identifiers_of_aws():
    names = {item["metadata"]["name"] for item in get("runtimes")}
    assert {"python3.11", "python3.14", "nodejs20.x", "nodejs24.x", "java11", "java25", "ruby3.4", "dotnet8",
            "dotnet10", "provided.al2023"} <= names


@pytest.mark.parametrize(
    ("file", "event", "expected"),
    [("node", {"text": "to be or not to be"}, {"to": 2, "be": 2, "or": 1, "not": 1}), ("native", {"echo": "hello"}, "hello")],
)
def test_other_examples(file, event, expected):
    manifest = f"examples/{file}.yaml"
    kubectl("apply", "-f", manifest)
    name = json.loads(kubectl("get", "-f", manifest, "-o", "json"))["metadata"]["name"]
    answer = client().invoke(FunctionName=name, Payload=json.dumps(event))
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    assert body == expected or body["echo"] == expected
