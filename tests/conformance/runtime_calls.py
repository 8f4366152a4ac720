"""Has functions/raw.py make calls of the Runtime API, and gives what it was answered."""

import json
import uuid

SELF = "invocation/{self}/"
ANSWERED = {"status": "OK"}
LIMIT = 6_291_556


def raw(endpoint, steps=(), after=(), answer=True, headers=None, function="raw"):
    """What the steps saw, in order, and the answer of the invocation that made them."""
    token = str(uuid.uuid4())
    event = {"token": token, "steps": list(steps), "after": list(after), "answer": answer}
    first = endpoint.invoke(function, event, headers=headers)
    seen = seen_in(first, token)
    if len(seen) < len([step for step in [*steps, *after] if "path" in step]):
        # What was not told by the invocation itself is told by the next one.
        seen += seen_in(endpoint.invoke(function), token)
    return seen, first


def seen_in(answer, token):
    try:
        told = answer.json
    except ValueError:
        return []
    return [one for one in told.get("seen", []) if one["token"] == token] if isinstance(told, dict) else []


def chunks(*parts):
    return [{"data": part} for part in parts]


def is_error(seen, status, error_type):
    assert seen["status"] == status, seen
    body = json.loads(seen["body"])
    assert sorted(body) == ["errorMessage", "errorType"] and body["errorType"] == error_type, seen
    return body
