"""Handlers that tell what they were given: event, context, environment. None of them misbehaves.

A handler that is not there (`conformance.nothing_of_that_name`) makes Runtime.HandlerNotFound.
"""

import getpass
import os
import pwd
import resource
import time

STARTED = time.time()
invocations = 0


def echo(event, context):
    """Returns the event."""
    return event


def context(event, context):
    """Returns every field of the context object; the remaining time before and after a sleep of event["sleep_ms"].

    Fails with event["error"] where there is one; adds who runs it to the fields where event["user"] is true.
    """
    if "error" in event:
        raise RuntimeError(event["error"])
    before = context.get_remaining_time_in_millis()
    time.sleep(event.get("sleep_ms", 100) / 1000)
    after = context.get_remaining_time_in_millis()
    client_context = context.client_context
    return {
        **({"user": user()} if event.get("user") else {}),
        "remaining_ms_before": before,
        "remaining_ms_after": after,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "aws_request_id": context.aws_request_id,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "tenant_id": getattr(context, "tenant_id", None),
        "trace_id": os.environ.get("_X_AMZN_TRACE_ID"),
        "identity": {
            "cognito_identity_id": context.identity.cognito_identity_id,
            "cognito_identity_pool_id": context.identity.cognito_identity_pool_id,
        },
        "client_context": client_context
        and {
            "custom": client_context.custom,
            "env": client_context.env,
            "client": client_context.client
            and {
                "installation_id": client_context.client.installation_id,
                "app_title": client_context.client.app_title,
                "app_version_name": client_context.client.app_version_name,
                "app_version_code": client_context.client.app_version_code,
                "app_package_name": client_context.client.app_package_name,
            },
        },
    }


def user():
    return {"name": getpass.getuser(), "home": pwd.getpwuid(os.getuid()).pw_dir}


def environment(event, context):
    """Returns what the process sees of its surroundings, with what it should not be able to see."""
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    processes = {pid: readable(f"/proc/{pid}/environ") for pid in os.listdir("/proc") if pid.isdigit()}
    return {
        "variables": dict(os.environ),
        "working_directory": os.getcwd(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "pid": os.getpid(),
        "parent": os.getppid(),
        "open_files_limit": resource.getrlimit(resource.RLIMIT_NOFILE),
        "open_files": sorted(os.listdir("/proc/self/fd"), key=int),
        "readable_environ_of_processes": processes,
        "readable_memory_of_pid_1": readable("/proc/1/mem"),
        "readable_service_account_token": readable(token),
        "writable": {path: os.access(path, os.W_OK) for path in ("/", "/tmp", "/var/task", "/opt", "/var/runtime")},
        "capabilities": status_field("CapEff"),
        "seccomp": status_field("Seccomp"),
        "no_new_privileges": status_field("NoNewPrivs"),
    }


def metadata(event, context):
    """Asks the metadata endpoint, with event["authorization"] in place of the token's where there is one."""
    import http.client
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_METADATA_API"], timeout=5)
    bearer = "Bearer " + os.environ["AWS_LAMBDA_METADATA_TOKEN"]
    headers = {"Authorization": event.get("authorization", bearer)}
    connection.request(event.get("method", "GET"), "/2026-01-15/metadata/execution-environment", headers=headers)
    answer = connection.getresponse()
    return {"status": answer.status, "headers": dict(answer.getheaders()), "body": answer.read().decode()}


def readable(path):
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        # Reading address 0 of a process's memory fails, but whoever gets that far was let in.
        return path.endswith("/mem") and error.errno == 5
    return True


def status_field(name):
    with open("/proc/self/status") as file:
        return next((line.split()[1] for line in file if line.startswith(name + ":")), None)


def scratch(event, context):
    """Adds a line to a file in /tmp, which lives as long as the environment; returns all lines and the /tmp listing."""
    with open("/tmp/scratch", "a+") as file:
        file.write(context.aws_request_id + "\n")
        file.seek(0)
        return {"lines": file.read().splitlines(), "files": sorted(os.listdir("/tmp"))}


def fill_scratch(event, context):
    """Writes event["megabytes"] to a file in /tmp, to test `ephemeralStorage`."""
    with open("/tmp/filler", "wb") as file:
        for _ in range(event["megabytes"]):
            file.write(b"x" * 2**20)
    return os.path.getsize("/tmp/filler")


def fill_scratch_slowly(event, context):
    """The same, and takes three seconds, so that whoever watches /tmp sees it grow."""
    size = fill_scratch(event, context)
    time.sleep(3 if event["megabytes"] > 1 else 0)
    return size


def warmth(event, context):
    """Returns how often this environment was used, and when it was started: tells a cold start from a warm one."""
    global invocations
    invocations += 1
    return {"invocations": invocations, "started": STARTED, "pid": os.getpid()}


def sleep(event, context):
    """Takes event["sleep_ms"], then returns its request id: for concurrency and time-outs."""
    time.sleep(event["sleep_ms"] / 1000)
    return context.aws_request_id
