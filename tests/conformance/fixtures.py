"""The functions of the suite: few, since each is a cold start at each endpoint."""

import json
import pathlib
import sys

import extensions

HERE = pathlib.Path(__file__).resolve().parent
HANDLERS = HERE.parent / "functions/python"
# A Runtime of this name starts the program that a handler names by this command, which every endpoint can run.
RAW_RUNTIME = "conformance-raw"
RAW_COMMAND = ["sh", "-c", 'exec python3 "$LAMBDA_TASK_ROOT/${_HANDLER%%.*}.py"']


def code(*names):
    return {path.name: path.read_text() for name in names for path in [place / name for place in (HERE / "functions", HANDLERS)] if path.exists()}


def dispatching(**spec):
    files = code("dispatch.py", "conformance.py", "misbehaviour.py", "output.py", "sizes.py")
    return {"handler": "dispatch.handler", "code": {"inline": files}, **spec}


def initialising(name, handler="handler", **spec):
    return {"handler": f"{name}.{handler}", "code": {"inline": code(f"{name}.py")}, **spec}


def raw(*steps, **spec):
    variables = {"environment": {"variables": {"RAW_INIT": json.dumps(steps)}}} if steps else {}
    return {"runtime": RAW_RUNTIME, "handler": "raw.nothing", "timeout": 10, "code": {"inline": code("raw.py", "calls.py")}, **variables, **spec}


def json_logs(application, system, **spec):
    levels = {"logFormat": "JSON", "applicationLogLevel": application, "systemLogLevel": system}
    return dispatching(timeout=10, loggingConfig=levels, scaling=ONE, **spec)


def extended(steps, **variables):
    """A function that is its own extensions, of which there is one environment."""
    return {
        "runtime": RAW_RUNTIME, "handler": "extended.nothing", "timeout": 10, "scaling": ONE,
        "code": {"inline": {**code("extended.py", "calls.py"), "steps.json": json.dumps(steps)}},
        "environment": {"variables": variables},
    }


ONE = {"maxEnvironments": 1}
# For a function that few tests invoke: a node of two processors has no room for an environment of each function at once.
BRIEF = {"idleTimeoutSeconds": 2}
PER_TENANT = {"tenantIsolationMode": "PER_TENANT"}
VARIABLES = {"GREETING": "hello", "WITH_EQUALS": "a=b=c", "EMPTY": "", "TZ": "Europe/Berlin"}
INIT_ERROR = json.dumps({"errorMessage": "no such thing", "errorType": "InitAsked", "stackTrace": ["one"]})
# Name to spec. `timeout` is in seconds, `memorySize` in MB, as on AWS.
FUNCTIONS = {
    "handlers": dispatching(timeout=15, memorySize=256, environment={"variables": VARIABLES}),
    "short": dispatching(timeout=1, memorySize=192, scaling=ONE),
    # For what is asked of one and the same environment.
    "single": dispatching(timeout=10, scaling=ONE),
    "reused": dispatching(timeout=10),
    "no-handler": dispatching(handler="conformance.nothing_of_that_name", timeout=10, scaling=BRIEF),
    "init-raises": initialising("init_raises", timeout=10, scaling=BRIEF),
    "init-syntax-error": initialising("init_syntax_error", timeout=10, scaling=BRIEF),
    "init-import-error": initialising("init_import_error", timeout=10, scaling=BRIEF),
    "init-exits": initialising("init_exits", timeout=10, scaling=BRIEF),
    "slow": initialising("slow", timeout=10, scaling=BRIEF),
    "slower": initialising("slower", timeout=2, scaling=BRIEF),
    "raw": raw(memorySize=192, scaling=ONE),
    # For what makes an invocation time out, while a response is streamed or not.
    "raw-brief": raw(timeout=3, scaling=ONE),
    "json": dispatching(timeout=2, loggingConfig={"logFormat": "JSON"}, scaling=ONE),
    "json-all": json_logs("TRACE", "DEBUG"),
    "json-few": json_logs("ERROR", "WARN"),
    "tenants": dispatching(timeout=10, tenancyConfig=PER_TENANT, loggingConfig={"logFormat": "JSON"}, scaling={"maxEnvironments": 2, **BRIEF}),
    "small": dispatching(timeout=10, memorySize=128, scaling=ONE),
    "extended": extended(extensions.EVERYTHING),
    "extended-crowd": extended(extensions.CROWD),
    "extended-init-error": {**extended(extensions.INIT_FAILS), "scaling": BRIEF},
    "extended-brief": {**extended(extensions.ONE, EXTENDED_SIGTERM="1"), "timeout": 3},
    "raw-init-error-bare": raw({"path": "init/error"}, {"exit": 1}, scaling=BRIEF),
    "raw-init-error": raw(
        {"path": "init/error", "body": INIT_ERROR, "headers": {"Lambda-Runtime-Function-Error-Type": "Runtime.InitAsked"}},
        {"exit": 1}, scaling=BRIEF,
    ),
}


def manifests(idle_seconds):
    """What a folder or a cluster is given."""
    for name, spec in FUNCTIONS.items():
        scaling = {"idleTimeoutSeconds": idle_seconds, **spec.get("scaling", {})}
        yield {
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function", "metadata": {"name": name},
            "spec": {"runtime": "python3.11", **spec, "scaling": scaling},
        }


def raw_runtime(image):
    return {
        "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Runtime", "metadata": {"name": RAW_RUNTIME},
        "spec": {"image": image, "entryPoint": RAW_COMMAND},
    }


def main(folder):
    """Writes the manifests, for an endpoint that is not started by the suite."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for manifest in [raw_runtime("none"), *manifests(600)]:
        (folder / f"{manifest['metadata']['name']}.yaml").write_text(json.dumps(manifest))


if __name__ == "__main__":
    main(sys.argv[1])
