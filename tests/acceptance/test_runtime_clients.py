"""Context fields × AWS's runtime clients, unmodified, each in a pod; and what each says of a handler that is not there.

Each cell of the table is a test over two functions of one client, `one` and `two`, which differ in whatever may differ:
name, memory, time-out, sleep, ARN, client context, trace header, identity. When the module is done the table is printed
(pytest -s) and written to target/context-table.md. An identity, and one request id for two attempts, no caller may set:
those invocations come over the link to the environment (see link.py).

A column of its own shows the Runtime API's headers as they arrive. Where a client has no place for a field, the cell says
so, and the header shows that the field was sent.
"""

import base64
import contextlib
import dataclasses
import email.utils
import io
import json
import re
import uuid
import zipfile
from typing import Any

import pytest

from cluster import REGISTRY, ROOT, Answer, eventually, get, logs
from link import Attempt, deliver

CLIENT_KEYS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


def image(name, handler=None):
    """The spec of a function in an image of tests/images; where the image has a bootstrap, CMD is the handler."""
    return {
        "code": {"image": f"{REGISTRY}/functions/{name}"},
        **({"imageConfig": {"command": [handler]}} if handler else {}),
    }


PYTHON = {"code": "python/conformance.py", "handler": "conformance.context"}
CLIENTS = {
    "Python 3.11": {**PYTHON, "runtime": "python3.11"},
    "Python 3.13": {**PYTHON, "runtime": "python3.13"},
    "Node.js 22": {"code": "nodejs/conformance.mjs", "handler": "conformance.context", "runtime": "nodejs22.x"},
    "Java 21": image("java:1", "functions.Conformance::context"),
    "Go": image("go:1"),
    "Rust": image("native:1"),
    "header": {"code": "provided/headers/bootstrap", "handler": "none", "runtime": "provided.al2023"},
}
PACKAGES = {
    "Python 3.11": "awslambdaric 4.2.2",
    "Python 3.13": "awslambdaric 4.2.2",
    "Node.js 22": "aws-lambda-ric 4.0.2",
    "Java 21": "aws-lambda-java-runtime-interface-client 2.9.0",
    "Go": "aws-lambda-go 1.55.1",
    "Rust": "lambda_runtime 1.5.0",
    "header": "Runtime API",
}


@dataclasses.dataclass
class Setting:
    """What distinguishes the two functions of a client, and the invocations of them."""

    memory: int
    timeout: int
    sleep_ms: int
    qualifier: dict
    client_context: dict
    trace: str | None


def client_context(suffix):
    return {
        "client": {key: f"{key} {suffix}" for key in CLIENT_KEYS},
        "custom": {"custom key": f"custom {suffix}"},
        "env": {"locale": f"env {suffix}"},
    }


SETTINGS = {
    "one": Setting(192, 7, 50, {}, client_context("of one"), None),
    "two": Setting(
        256, 11, 300, {"Qualifier": "$LATEST"},
        # The key that Rust's client reads, beside the one that AWS's SDKs send.
        {**client_context("of two"), "environment": {"locale": "environment of two"}},
        "Root=1-6b058edf-fdd41571932833e353d18664;Parent=53995a7d2c1f4b60;Sampled=1",
    ),
}


@dataclasses.dataclass
class Seen:
    """One function of a client, invoked without client context, with it, with one beyond ASCII, and over the link."""

    setting: Setting
    name: str
    bare: Any
    answer: Answer
    fields: Any
    accented: Answer
    identity: dict
    first: Attempt
    retry: Attempt
    user: Answer


@pytest.fixture(scope="module", params=CLIENTS)
def column(request, space):
    """A client and what its two functions saw."""
    client = request.param
    slug = re.sub(r"[^a-z0-9]+", "-", client.lower())
    seen = {}
    for key, setting in SETTINGS.items():
        name = f"{slug}-{key}"
        space.apply(name, memorySize=setting.memory, timeout=setting.timeout, **CLIENTS[client])
        event = {"sleep_ms": setting.sleep_ms}
        bare = read(client, space.invoke(name, event, **setting.qualifier))
        with sends_trace(space.client, setting.trace):
            for _ in range(2):  # The second counts: until then Java still loads classes, in the function's time.
                told = encoded(setting.client_context)
                answer = space.invoke(name, event, ClientContext=told, LogType="Tail", **setting.qualifier)
        accented = space.invoke(name, ClientContext=encoded(accents(key)))
        identity = {"cognitoIdentityId": f"us-east-1:{uuid.uuid4()}", "cognitoIdentityPoolId": f"us-east-1:{uuid.uuid4()}"}
        given = (space.arn(name), setting.timeout, identity, str(uuid.uuid4()))
        first, retry = Attempt({"error": f"asked of {name}"}, *given), Attempt({"sleep_ms": 0}, *given)
        deliver(space.pods(name)[0], [first, retry])
        user = space.invoke(name, {"sleep_ms": 0, "user": True})
        seen[key] = Seen(setting, name, bare, answer, read(client, answer), accented, identity, first, retry, user)
    yield client, seen["one"], seen["two"]
    for one in seen.values():
        space.remove(one.name)


def accents(key):
    return {"custom": {"größe": f"zwölf {key}"}}


def text(client_context):
    return json.dumps(client_context, ensure_ascii=False)


def encoded(client_context):
    return base64.b64encode(text(client_context).encode()).decode()


def read(client, answer):
    assert answer.error is None, answer.payload
    return answer.json if client != "header" else headers(answer.json)


def headers(text):
    lines = base64.b64decode(text).decode().split("\r\n")
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}


@contextlib.contextmanager
def sends_trace(client, header):
    """Invokes in this block carry X-Amzn-Trace-Id, as AWS's SDKs do inside a traced program."""
    def add(params, **_):
        if header:
            params["headers"]["X-Amzn-Trace-Id"] = header
    client.meta.events.register("before-call.lambda.Invoke", add)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.lambda.Invoke", add)


# The rows of the table. Each checks both functions and returns what the cell shows; None: there is no such header.
def remaining_time(client, space, *both):
    if client == "header":
        for one in both:
            # Both by the shim's clock; the date is whole seconds.
            date = email.utils.parsedate_to_datetime(one.fields["date"]).timestamp() * 1000
            left = int(one.fields["lambda-runtime-deadline-ms"]) - date
            assert one.setting.timeout * 1000 - 500 <= left <= one.setting.timeout * 1000 + 1000
        return "deadline"
    for one in both:
        before, after = one.fields["remaining_ms_before"], one.fields["remaining_ms_after"]
        budget, took = one.setting.timeout * 1000, one.answer.duration_ms
        # No more can be gone than the invocation took, but that the deadline and what a handler reads are both whole
        # milliseconds, cut off.
        assert before <= budget and budget - after <= took + 2, (one.fields, one.answer.log)
        assert one.setting.sleep_ms - 5 <= before - after, one.fields
    return "✓"


def function_name(client, space, *both):
    return None if client == "header" else equal(both, "function_name", lambda one: one.name)


def function_version(client, space, *both):
    return None if client == "header" else equal(both, "function_version", lambda one: "$LATEST")


def invoked_arn(client, space, *both):
    key = "lambda-runtime-invoked-function-arn" if client == "header" else "invoked_function_arn"
    one, two = both
    assert one.fields[key] == space.arn(one.name)
    assert two.fields[key] == space.arn(two.name) + ":$LATEST"
    return "✓"


def memory_limit(client, space, *both):
    if client == "header":
        return None
    kind = str if client.startswith(("Python", "Node")) else int
    equal(both, "memory_limit_in_mb", lambda one: kind(one.setting.memory))
    return "✓ text" if kind is str else "✓"


def request_id(client, space, *both):
    key = "lambda-runtime-aws-request-id" if client == "header" else "aws_request_id"
    assert len({one.fields[key] for one in both} | {one.bare[key] for one in both}) == 4
    return equal(both, key, lambda one: one.answer.request_id)


def request_id_of_a_retry(client, space, *both):
    """The first attempt was the handler's to fail; the second has its request id, and an invocation id of its own."""
    for one in both:
        first, retry = one.first, one.retry
        assert first.request_id == retry.request_id and first.id != retry.id
        assert first.error["cause"] == "handler", first
        message, seen = first.json["errorMessage"], read(client, retry)
        if client != "header":
            assert message == f"asked of {one.name}"
            assert seen["aws_request_id"] == retry.request_id
            continue
        for attempt, fields in ((first, headers(message)), (retry, seen)):
            assert fields["lambda-runtime-aws-request-id"] == attempt.request_id
            assert fields["lambda-runtime-invocation-id"] == attempt.id
    assert both[0].retry.request_id != both[1].retry.request_id
    return "✓"


def log_group(client, space, *both):
    return None if client == "header" else equal(both, "log_group_name", lambda one: f"/aws/lambda/{one.name}")


def log_stream(client, space, *both):
    """The environment's own, which its pod is found by."""
    if client == "header":
        return None
    for one in both:
        match = re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\]([0-9a-f]{32})", one.fields["log_stream_name"])
        assert match, one.fields["log_stream_name"]
        pods = get("pods", namespace=space.name, selector=f"kubelambda.dev/log-stream={match[1]}")
        assert [pod["metadata"]["labels"]["kubelambda.dev/function"] for pod in pods] == [one.name]
    assert both[0].fields["log_stream_name"] != both[1].fields["log_stream_name"]
    return "✓"


def no_log_stream(client, space, *both):
    """Where logging is off the function has no stream's name and keeps the group's; the container's log goes on."""
    if client == "header":
        return None
    name = f"{both[0].name}-quiet"
    space.apply(name, memorySize=192, timeout=7, loggingConfig={"enabled": False}, **CLIENTS[client])
    answer = space.invoke(name, {"sleep_ms": 0})
    start = f"START RequestId: {answer.request_id}"
    eventually(lambda: start in logs(space.name, f"kubelambda.dev/function={name}"), what=f"{start} in the log of {name}")
    fields = read(client, answer)
    assert fields["log_group_name"] == f"/aws/lambda/{name}"
    # Java's client leaves out what is null, Go's has an empty string for it.
    stream = fields.get("log_stream_name") or None
    assert (stream is None) == (client != "Node.js 22"), stream
    return "✓" if stream is None else "– ⁶"


def client_key(key):
    def check(client, space, *both):
        if client == "header":
            return sent_as_it_is(both)
        got = [one.fields["client_context"]["client"] for one in both]
        if client == "Go" and key == "app_version_name":
            assert all(key not in client and len(client) == 4 for client in got)
            return "– ¹"
        assert [client[key] for client in got] == [one.setting.client_context["client"][key] for one in both]
        return "✓"
    return check


def custom(client, space, *both):
    if client == "header":
        return sent_as_it_is(both)
    assert all(one.fields["client_context"]["custom"] == one.setting.client_context["custom"] for one in both)
    return "✓"


def env(client, space, *both):
    if client == "header":
        return sent_as_it_is(both)
    got = [one.fields["client_context"]["env"] for one in both]
    if client == "Rust":
        assert got == [{}, both[1].setting.client_context["environment"]]
        return "– ²"
    assert got == [one.setting.client_context["env"] for one in both]
    return "✓"


def sent_as_it_is(both):
    """The decoded text, byte for byte: clients differ in the keys that they look for."""
    got = [one.fields["lambda-runtime-client-context"] for one in both]
    assert got == [text(one.setting.client_context) for one in both]
    return "✓"


def beyond_ascii(client, space, *both):
    for one, key in zip(both, SETTINGS):
        if client == "Rust":
            assert one.accented.json["errorType"] == "Runtime.ExitError"
            continue
        fields = read(client, one.accented)
        if client == "header":
            assert fields["lambda-runtime-client-context"] == text(accents(key))
        else:
            assert fields["client_context"]["custom"] == accents(key)["custom"]
    return "– ³" if client == "Rust" else "✓"


def no_client_context(client, space, *both):
    key = "lambda-runtime-client-context" if client == "header" else "client_context"
    assert all(one.bare.get(key) is None for one in both)
    return "✓"


def no_identity(client, space, *both):
    """Before an invocation with one and after it. A client shows none as null, as an object of nulls or of empty strings."""
    for fields in [fields for one in both for fields in (one.fields, read(client, one.user))]:
        assert "lambda-runtime-cognito-identity" not in fields
        identity = fields.get("identity") or {}
        assert not any(identity.values()), identity
    return "absent" if client == "header" else "✓"


def identity_key(place):
    """Field `place` of an identity, 0 or 1: each client has names of its own for the two, in this order."""
    sent = ("cognitoIdentityId", "cognitoIdentityPoolId")[place]

    def check(client, space, *both):
        for one in both:
            fields = read(client, one.retry)
            if client == "header":
                seen = json.loads(fields["lambda-runtime-cognito-identity"])[sent]
            else:
                first, second = IDENTITY_KEYS.get(client, ("cognito_identity_id", "cognito_identity_pool_id"))
                assert set(fields["identity"]) == {first, second}
                seen = fields["identity"][(first, second)[place]]
            assert seen == one.identity[sent]
        assert both[0].identity[sent] != both[1].identity[sent]
        return "✓"
    return check


IDENTITY_KEYS = {
    "Node.js 22": ("cognitoIdentityId", "cognitoIdentityPoolId"),
    "Rust": ("identityId", "identityPoolId"),
}


def trace_id(client, space, *both):
    """Made by the gateway, or its caller's; where a client has two places for it, in both."""
    key = "lambda-runtime-trace-id" if client == "header" else "trace_id"
    one, two = both
    made = re.fullmatch(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=[0-9a-f]{16};Sampled=0", one.fields[key])
    assert made, one.fields[key]
    assert one.answer.headers["x-amzn-trace-id"] == f"root={made[1]};sampled=0"
    assert two.fields[key] == two.setting.trace
    for place in ("trace_variable", "trace_property"):
        assert all(seen.fields.get(place, seen.fields[key]) == seen.fields[key] for seen in both)
    return "✓"


def user(key, expected):
    """A pod's uid stands in no image's /etc/passwd, so the pod brings one."""
    def check(client, space, *both):
        if client == "header":
            return None
        got = [read(client, one.user)["user"] for one in both]
        if client == "Rust" and key == "name":
            assert all(set(user) == {"home"} for user in got)
            return "– ⁷"
        assert [user[key] for user in got] == [expected] * 2
        return "✓"
    return check


def no_tenant(client, space, *both):
    key = "lambda-runtime-aws-tenant-id" if client == "header" else "tenant_id"
    assert not any(one.fields.get(key) for one in both)
    return "absent" if client == "header" else "✓"


def equal(both, field, expected):
    assert [one.fields[field] for one in both] == [expected(one) for one in both]
    return "✓"


ROWS = {
    "remaining time": remaining_time,
    "function name": function_name,
    "function version ⁴": function_version,
    "invoked ARN": invoked_arn,
    "memory limit": memory_limit,
    "request id": request_id,
    "request id: of a retry": request_id_of_a_retry,
    "log group": log_group,
    "log stream": log_stream,
    "log stream: none": no_log_stream,
    **{f"client context: client.{key}": client_key(key) for key in CLIENT_KEYS},
    "client context: custom": custom,
    "client context: env": env,
    "client context: beyond ASCII": beyond_ascii,
    "client context: none": no_client_context,
    "identity: id ⁵": identity_key(0),
    "identity: pool id ⁵": identity_key(1),
    "identity: none": no_identity,
    "tenant id: none": no_tenant,
    "trace id": trace_id,
    "user: name": user("name", "sbx_user1051"),
    "user: home": user("home", "/tmp"),
}
NOTES = """\
✓: asserted with two invokes, of different values where there are two. –: the client cannot, which is asserted too; what
is a header's, the header carries.
Empty: not a header but a variable of the environment.

1. aws-lambda-go: `lambdacontext.ClientApplication` lacks `app_version_name`.
2. lambda_runtime reads `environment`, where AWS's SDKs send `env`: without it the map is empty.
3. lambda_runtime ends with status 1 on a header that is not ASCII; the next invocation has a new process.
4. `$LATEST` twice: versions cannot be published yet.
5. Given at the link, as the gateway has no way to be given one yet.
6. aws-lambda-ric 4 exits at each invocation without the stream's name, so `nodejs…` runtimes keep it.
7. Rust's standard library has no name of the user.
"""


@pytest.fixture(scope="module")
def table():
    """Cells by row and client; told when the module is done."""
    cells = {}
    yield cells
    clients = [client for client in CLIENTS if any(column == client for _, column in cells)]
    lines = [
        ["", *clients],
        ["---"] * (len(clients) + 1),
        ["", *(PACKAGES[client] for client in clients)],
        *([row, *(cells.get((row, client), "not run") for client in clients)] for row in ROWS),
    ]
    told = "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n" + NOTES
    (ROOT / "target/context-table.md").write_text(told)
    print("\n\n" + told)


@pytest.mark.parametrize("row", ROWS)
def test_context(space, table, column, row):
    client, *both = column
    table[row, client] = "**failed**"
    table[row, client] = ROWS[row](client, space, *both) or ""


def test_java_from_a_zip_archive(space):
    """The Runtime java21 with classes in an archive, as `runtime: java21` is used."""
    classes = ROOT / "target/images/java-function/root/var/task"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in classes.rglob("*.class"):
            file.write(path, path.relative_to(classes))
    code = {"zipFile": base64.b64encode(archive.getvalue()).decode()}
    space.apply("zipped", code=code, runtime="java21", handler="functions.Conformance::echo")
    for event in ({"n": 1}, ["two"]):
        assert space.invoke("zipped", event).json == event


def test_handler_for_python_2_and_3(space):
    """'from __future__ import print_function', as the guide's examples began; each print is one log entry."""
    space.apply("both-pythons", code="python/print_function.py", handler="print_function.lambda_handler")
    for value in ("value1", "value2"):
        answer = space.invoke("both-pythons", {"key1": value}, LogType="Tail")
        assert (answer.error, answer.json) == (None, value)
        lines = answer.log.splitlines()
        assert f'  "key1": "{value}"' in lines
        assert any(re.fullmatch(r"Log stream name: \d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", line) for line in lines)
        [left] = [int(one[1]) for line in lines if (one := re.fullmatch(r"Lambda time remaining in MS: (\d+)", line))]
        assert 3_000 - answer.duration_ms - 2 <= left <= 3_000
    # Once, in the init phase.
    logged = eventually(lambda: logs(space.name, "kubelambda.dev/function=both-pythons"), what="the function's log")
    assert logged.splitlines().count("Loading function") == 1


def test_late_answer_of_an_earlier_attempt(space):
    """Under one request id the invocation id tells attempts apart: what comes for one that is over reaches no caller."""
    space.apply("late", code="provided/late/bootstrap", handler="none", runtime="provided.al2023")
    assert space.invoke("late", {"error": "asked"}).error == "Unhandled"
    request_id = str(uuid.uuid4())
    first, retry = (Attempt(event, space.arn("late"), 3, request_id=request_id) for event in ({"error": "asked"}, {}))
    deliver(space.pods("late")[0], [first, retry])
    assert (first.error["cause"], first.json) == ("handler", {"errorMessage": "as asked"})
    assert (retry.error, retry.json["request_id"], retry.json["attempt"]) == (None, request_id, retry.id)
    # The first answered twice, and once more while the second ran.
    status, body = retry.json["at_once"]
    assert (status, body["errorType"]) == (403, "InvalidStateTransition")
    status, body = retry.json["late"]
    assert (status, body["errorType"]) == (410, "InvokeTimeout")


NODE = {"code": "nodejs/conformance.mjs", "runtime": "nodejs22.x"}
EXIT_1 = r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 1"


@pytest.mark.parametrize(
    ("spec", "error_type", "message"),
    [
        *(
            pytest.param({**PYTHON, "runtime": runtime, "handler": handler}, *error, id=f"{runtime}-{case}")
            for runtime in ("python3.11", "python3.13")
            for case, handler, *error in [
                ("function", "conformance.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'conformance'"),
                ("module", "nothing.context", "Runtime.ImportModuleError", "Unable to import module 'nothing': No module named 'nothing'"),
                ("name", "context", "Runtime.MalformedHandlerName", r"Bad handler 'context': not enough values to unpack \(expected 2, got 1\)"),
            ]
        ),
        *(
            pytest.param({**NODE, "handler": handler}, *error, id=f"nodejs-{case}")
            for case, handler, *error in [
                ("function", "conformance.nothing", "Runtime.HandlerNotFound", "conformance.nothing is undefined or not exported"),
                ("module", "nothing.context", "Runtime.ImportModuleError", r"Error: Cannot find module 'nothing'\n.*"),
                ("name", "context", "Runtime.MalformedHandlerName", "Bad handler"),
            ]
        ),
        # Java's client comes up without the handler, and each invocation fails: as on AWS, no init error.
        *(
            pytest.param(image("java:1", handler), *error, id=f"java-{case}")
            for case, handler, *error in [
                ("method", "functions.Conformance::nothing", None, "No public method named nothing with appropriate method signature found on class functions.Conformance"),
                ("class", "functions.Nothing::context", "java.lang.ClassNotFoundException", "Class not found: functions.Nothing"),
                ("name", "functions.Conformance::", None, "Invalid handler: `functions.Conformance::'"),
            ]
        ),
        # Go's and Rust's read no handler's name: the program is the handler.
        *(
            pytest.param({**image("go:1"), "environment": {"variables": {"HANDLER": handler}}}, "errorString", message, id=f"go-{handler}")
            for handler, message in [("nil", "handler is nil"), ("number", "handler kind int is not func")]
        ),
        pytest.param(
            {"code": {"inline": {"main.txt": "no bootstrap"}}, "runtime": "provided.al2023", "handler": "any"},
            "Runtime.ExitError", EXIT_1, id="provided-bootstrap",
        ),
        pytest.param(
            {**image("native:1"), "imageConfig": {"entryPoint": ["/var/runtime/nothing"]}},
            "Runtime.InvalidEntrypoint", r"RequestId: [0-9a-f-]{36} Error: fork/exec /var/runtime/nothing: no such file or directory",
            id="rust-program",
        ),
    ],
)
def test_handler_that_is_not_there(space, spec, error_type, message):
    """Each client's own words, twice: the second invocation finds no trace of the first."""
    space.apply("absent", memorySize=192, **spec)
    for _ in range(2):
        answer = space.invoke("absent", LogType="Tail")
        assert (answer.status, answer.error) == (200, "Unhandled"), answer.payload
        assert answer.json.get("errorType") == error_type
        assert re.fullmatch(message, answer.json["errorMessage"], re.DOTALL), answer.json["errorMessage"]
    if spec.get("runtime") == "provided.al2023":
        assert "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" in answer.log
