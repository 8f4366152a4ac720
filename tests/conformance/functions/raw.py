"""A runtime that makes the Runtime API calls that its events ask for, and tells what it was answered.

An event has `steps`, made before the answer, and `after`, made between the answer and the next `next`; with
`"answer": false` the steps themselves answer. What was seen goes out with the first answer that is accepted, and is
kept in a file until then: an answer may be refused, and this process be ended, by what it did.
The variable RAW_INIT has steps that are made before the first `next`.
"""

import http.client
import json
import os
import pathlib
import socket
import sys
import tempfile
import time

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"
MEMORY = pathlib.Path(tempfile.gettempdir(), "seen-" + os.environ["AWS_LAMBDA_FUNCTION_NAME"])
STEP_SECONDS = 5
past = []


def call(method, path, body=None, headers=None, timeout=STEP_SECONDS):
    connection = http.client.HTTPConnection(HOST, timeout=timeout)
    try:
        connection.request(method, path if path.startswith("/") else ROOT + path, body, headers or {})
        return told(connection.getresponse())
    except OSError as error:
        return {"status": None, "body": repr(error), "headers": {}}
    finally:
        connection.close()


def told(answer):
    return {
        "status": answer.status, "body": answer.read().decode(errors="replace"),
        "headers": {name.lower(): value for name, value in answer.getheaders()},
    }


def truncated(path, headers):
    """Announces 1,000 bytes, sends 10 and closes its half of the connection."""
    host, port = HOST.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=STEP_SECONDS) as stream:
        lines = [f"POST {ROOT}{path} HTTP/1.1", f"Host: {HOST}", "Content-Length: 1000"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        stream.sendall("\r\n".join([*lines, "", "0123456789"]).encode())
        stream.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(stream)
        try:
            answer.begin()
            return told(answer)
        except (OSError, http.client.HTTPException) as error:
            return {"status": None, "body": repr(error), "headers": {}}


def chunks(parts):
    for part in parts:
        yield part.encode()


def perform(step, current):
    if "exit" in step:
        sys.exit(step["exit"])
    if "sleep" in step:
        time.sleep(step["sleep"])
        return None
    ids = {"self": current, "previous": past[-1] if past else None}
    path = step["path"].format(**ids)
    headers = {name: str(value).format(invocation=step.get("invocation", "")) for name, value in step.get("headers", {}).items()}
    if step.get("truncated"):
        return truncated(path, headers)
    body = step.get("body")
    if "bytes" in step:
        body = "x" * step["bytes"]
    if "chunks" in step:
        body = chunks(step["chunks"])
    return call(step.get("method", "POST"), path, body.encode() if isinstance(body, str) else body, headers)


def remember(seen):
    MEMORY.write_text(json.dumps(seen))


def make(steps, token, current, seen):
    for step in steps:
        saw = perform(step, current)
        if saw is not None:
            seen.append({"token": token, **saw})
            remember(seen)


def main():
    seen = json.loads(MEMORY.read_text()) if MEMORY.exists() else []
    make(json.loads(os.environ.get("RAW_INIT", "[]")), "init", None, seen)
    while True:
        got = call("GET", "invocation/next", timeout=None)
        current = got["headers"].get("lambda-runtime-aws-request-id")
        event = json.loads(got["body"])
        make(event.get("steps", []), event.get("token"), current, seen)
        if event.get("answer", True):
            answer = json.dumps({"seen": seen, "next": got, "event": event})
            accepted = call("POST", f"invocation/{current}/response", answer, {"Content-Type": "application/json"})
            if accepted["status"] == 202:
                seen = []
                remember(seen)
        make(event.get("after", []), event.get("token"), current, seen)
        past.append(current)


main()
