"""A runtime that makes the Runtime API calls that its events ask for, and tells what it was answered.

An event has `steps`, made before the answer, and `after`, made between the answer and the next `next`; with
`"answer": false` the steps themselves answer. What was seen goes out with the first answer that is accepted, and is
kept in a file until then: an answer may be refused, and this process be ended, by what it did.
The variable RAW_INIT has steps that are made before the first `next`.
"""

import json
import os
import pathlib
import tempfile

from calls import call, perform

MEMORY = pathlib.Path(tempfile.gettempdir(), "seen-" + os.environ["AWS_LAMBDA_FUNCTION_NAME"])
past = []


def remember(seen):
    MEMORY.write_text(json.dumps(seen))


def make(steps, token, current, seen):
    ids = {"self": current and current[0], "invocation": current and current[1], "previous": past[-1] if past else None}
    for step in steps:
        saw = perform(step, ids)
        if saw is not None:
            seen.append({"token": token, **saw})
            remember(seen)


def main():
    seen = json.loads(MEMORY.read_text()) if MEMORY.exists() else []
    make(json.loads(os.environ.get("RAW_INIT", "[]")), "init", None, seen)
    while True:
        got = call("GET", "invocation/next", timeout=None)
        headers = got["headers"]
        current = headers.get("lambda-runtime-aws-request-id"), headers.get("lambda-runtime-invocation-id")
        event = json.loads(got["body"])
        make(event.get("steps", []), event.get("token"), current, seen)
        if event.get("answer", True):
            answer = json.dumps({"seen": seen, "next": got, "event": event})
            accepted = call("POST", f"invocation/{current[0]}/response", answer, {"Content-Type": "application/json"})
            if accepted["status"] == 202:
                seen = []
                remember(seen)
        make(event.get("after", []), event.get("token"), current, seen)
        past.append(current[0])


main()
