"""The functions that are extensions of themselves (functions/extended.py): the steps of their init phases."""

import json

REGISTER = "/2020-01-01/extension/register"
NEXT = "/2020-01-01/extension/event/next"
INIT_ERROR, EXIT_ERROR = "/2020-01-01/extension/init/error", "/2020-01-01/extension/exit/error"
TELEMETRY, LOGS = "/2022-07-01/telemetry", "/2020-08-15/logs"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
BUFFERING = {"timeoutMs": 25, "maxItems": 1_000, "maxBytes": 262_144}
# What an extension is called, and how it subscribes.
SUBSCRIBERS = ("telemetry", "tcp-telemetry", "late-telemetry", "logs", "put-logs")


def step(label, path, body=None, method="POST", name=None, extension=None, error_type=None):
    headers = {
        "Content-Type": "application/json", "Lambda-Extension-Name": name, "Lambda-Extension-Identifier": extension,
        "Lambda-Extension-Function-Error-Type": error_type,
    }
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    given = {header: value for header, value in headers.items() if value is not None}
    return {"label": label, "method": method, "path": path, "body": text, "headers": given}


def http(port, path="", **more):
    return {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:<{port}>/{path}", **more}


def subscription(schema, destination, types=("platform", "function", "extension"), **more):
    return {"schemaVersion": schema, "types": list(types), "buffering": BUFFERING, "destination": destination, **more}


def telemetry(label, extension, destination=None, **more):
    body = subscription("2022-12-13", destination or http("port", "telemetry"), **more)
    return step(label, TELEMETRY, {key: value for key, value in body.items() if value is not None}, "PUT", extension=f"{{{extension}}}")


def buffering(**more):
    return {"buffering": {**BUFFERING, **more}}


REFUSED_REGISTRATIONS = [
    step("no name", REGISTER, {"events": []}),
    step("no JSON", REGISTER, "x", name="other"),
    step("no list", REGISTER, {"events": "INVOKE"}, name="other"),
    step("internal for SHUTDOWN", REGISTER, {"events": ["SHUTDOWN"]}, name="other"),
    step("unknown event", REGISTER, {"events": ["X"]}, name="other"),
]
REFUSED_CALLS = [
    step("no identifier", NEXT, method="GET"),
    step("bad identifier", NEXT, method="GET", extension="x"),
    step("unknown identifier", NEXT, method="GET", extension=UNKNOWN),
    step("init error without a type", INIT_ERROR, {}, extension="{telemetry}"),
    step("exit error without a type", EXIT_ERROR, {}, extension="{telemetry}"),
    step("exit error of nobody", EXIT_ERROR, {}, error_type="Extension.Asked"),
    step("subscription of nobody", TELEMETRY, subscription("2022-12-13", http("port")), "PUT", extension=UNKNOWN),
]
REFUSED_SUBSCRIPTIONS = {
    "maxItems below": buffering(maxItems=999), "maxItems above": buffering(maxItems=10_001),
    "maxBytes below": buffering(maxBytes=262_143), "maxBytes above": buffering(maxBytes=1_048_577),
    "timeoutMs below": buffering(timeoutMs=24), "timeoutMs above": buffering(timeoutMs=30_001),
    "no types": {"types": None}, "empty types": {"types": []}, "a single event as type": {"types": ["platform.start"]},
    "unknown type": {"types": ["metrics"]}, "no schema": {"schemaVersion": None}, "unknown schema": {"schemaVersion": "2020-08-15"},
    "no destination": {"destination": None}, "HTTPS": {"destination": {"protocol": "HTTP", "URI": "https://sandbox.localdomain:<port>"}},
    "another host": {"destination": {"protocol": "HTTP", "URI": "http://example.com:<port>"}},
    "no port": {"destination": {"protocol": "TCP"}}, "no port in the URI": {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain/"}},
    "buffering that is no object": {"buffering": "none"}, "unknown protocol": {"destination": {"protocol": "UDP", "port": 9}},
}
ACCEPTED_SUBSCRIPTIONS = {
    "smallest buffer": buffering(maxItems=1_000, maxBytes=262_144, timeoutMs=25),
    "largest buffer": buffering(maxItems=10_000, maxBytes=1_048_576, timeoutMs=30_000),
    "default buffer": {"buffering": None},
    "schema 2022-07-01": {"schemaVersion": "2022-07-01"}, "schema 2022-12-13": {"schemaVersion": "2022-12-13"},
    "schema 2025-01-29": {"schemaVersion": "2025-01-29"},
}


def changed(label, more):
    body = {**subscription("2022-12-13", http("port", "telemetry")), **more}
    return step(label, TELEMETRY, {key: value for key, value in body.items() if value is not None}, "PUT", extension="{bounds}")


# Every call of the three APIs in an init phase, and five subscribers.
EVERYTHING = [
    *REFUSED_REGISTRATIONS,
    {"register": "telemetry", "events": ["INVOKE"], "headers": {"Lambda-Extension-Accept-Feature": "accountId"}},
    step("registered again", REGISTER, {"events": []}, name="telemetry"),
    {"register": "without events"},
    *({"register": name, "events": ["INVOKE"]} for name in [*SUBSCRIBERS[1:], "bounds"]),
    *REFUSED_CALLS,
    telemetry("telemetry subscription", "telemetry"),
    step("telemetry subscription again", TELEMETRY, subscription("2022-12-13", http("port", "telemetry")), "PUT", extension="{telemetry}"),
    step("logs after telemetry", LOGS, subscription("2021-03-18", http("port", "logs")), "PUT", extension="{telemetry}"),
    telemetry("TCP subscription", "tcp-telemetry", {"protocol": "TCP", "port": 0}, types=["function"]),
    telemetry("late subscription", "late-telemetry", http("late", "late"), types=["function"]),
    step("logs subscription", LOGS, subscription("2021-03-18", http("port", "logs")), "PUT", extension="{logs}"),
    step("logs subscription by PUT", LOGS, subscription("2020-08-15", http("port", "put", method="PUT")), "PUT", extension="{put-logs}"),
    step("bad logs subscription", LOGS, subscription("2021-03-18", http("port", "logs"), []), "PUT", extension="{bounds}"),
    *(changed(label, more) for label, more in REFUSED_SUBSCRIPTIONS.items()),
    *(changed(label, {"destination": http("port", "bounds"), **more}) for label, more in ACCEPTED_SUBSCRIPTIONS.items()),
]
# A port is a number in JSON, and its placeholder a word.
for one in EVERYTHING:
    if one.get("label") == "TCP subscription":
        one["body"] = one["body"].replace('"port": 0', '"port": <tcp>')
CROWD = [{"register": f"extension-{number}"} for number in range(11)]
INIT_FAILS = [
    {"register": "failing", "events": ["INVOKE"]},
    step("init error", INIT_ERROR, {"errorMessage": "m", "errorType": "T"}, extension="{failing}", error_type="Extension.Asked"),
    {"exit": 1},
]
ONE = [{"register": "only", "events": ["INVOKE"]}, telemetry("subscription", "only")]
