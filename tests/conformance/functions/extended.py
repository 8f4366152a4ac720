"""A runtime that is its own internal extensions, and tells what they were answered and sent.

The file steps.json beside it is a list of steps of its init phase: those of `calls.py`, each with a `label`, and
`{"register": NAME, "events": […]}`, whose identifier `{NAME}` stands for from then on in headers, and which then waits
for events in a thread of its own. In bodies `<port>` is where telemetry is received over HTTP, `<tcp>` over TCP, and
`<late>` a port that listens only after a while. All that is seen is kept in a file, for the process's next life.

An event may have steps too, made before the answer; with `"answer": false` they answer. `print` is written to standard
output, `sleep` is how long the answer waits, in seconds. With EXTENDED_SIGTERM it does not end on SIGTERM: it answers
the invocation, late, and goes on.
"""

import http.server
import json
import os
import pathlib
import signal
import socketserver
import tempfile
import threading
import time

from calls import call, perform

REGISTER, NEXT_EVENT = "/2020-01-01/extension/register", "/2020-01-01/extension/event/next"
MEMORY = pathlib.Path(tempfile.gettempdir(), "extended-" + os.environ["AWS_LAMBDA_FUNCTION_NAME"])
LATE_SECONDS = 0.5
known, current = {}, [None]


def remember(kind, **what):
    with open(MEMORY, "a") as file:
        file.write(json.dumps({"kind": kind, "at": time.time(), **what}) + "\n")


def remembered():
    return [json.loads(line) for line in MEMORY.read_text().splitlines() if line.endswith("}")] if MEMORY.exists() else []


class Posted(http.server.BaseHTTPRequestHandler):
    """Receives batches of telemetry."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        remember("batch", method=self.command, path=self.path, headers=headers, events=json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_):
        pass


class Connected(socketserver.StreamRequestHandler):
    """Receives telemetry as lines."""

    def handle(self):
        for line in self.rfile:
            remember("line", event=json.loads(line))


def listen(name, kind, handler, seconds=0):
    """A server on a port of its own, the same in each life: subscriptions are known by their destination. One that is
    late is bound and not yet listened on."""
    before = [one["number"] for one in remembered() if one["kind"] == "port" and one["name"] == name]
    server = kind(("127.0.0.1", before[0] if before else 0), handler, bind_and_activate=False)
    server.daemon_threads = server.allow_reuse_address = True
    server.server_bind()
    known[name] = server.server_address[1]
    remember("port", name=name, number=known[name])

    def serve():
        time.sleep(seconds)
        server.server_activate()
        server.serve_forever()

    if seconds:
        threading.Thread(target=serve, daemon=True).start()
    else:
        server.server_activate()
        threading.Thread(target=server.serve_forever, daemon=True).start()


def register(step):
    name = step["register"]
    headers = {"Lambda-Extension-Name": name, "Content-Type": "application/json", **step.get("headers", {})}
    answer = call("POST", REGISTER, json.dumps({"events": step.get("events", [])}), headers)
    if answer["status"] == 200:
        known[name] = answer["headers"]["lambda-extension-identifier"]
    return answer


def events_of(name):
    """Waits for events as the extension that has this name, until it is refused one."""
    while True:
        got = call("GET", NEXT_EVENT, headers={"Lambda-Extension-Identifier": known[name]}, timeout=None)
        remember("event", name=name, **got)
        if got["status"] != 200:
            return


def make(steps):
    for step in steps:
        answer = register(step) if "register" in step else perform(filled(step), {**known, "self": current[0]})
        if answer is not None:
            remember("call", label=step.get("label", step.get("register")), **answer)


def filled(step):
    """The step with what its body stands for: `<NAME>` there, since a body has braces of its own."""
    body = step.get("body")
    for name, value in known.items():
        body = body.replace(f"<{name}>", str(value)) if isinstance(body, str) else body
    return {**step, "body": body}


def lingers(*_):
    remember("alive")
    late = call("POST", f"invocation/{current[0]}/response", '"late"')
    remember("call", label="late", **late)
    while True:
        remember("alive")
        time.sleep(0.02)


def main():
    listen("port", http.server.ThreadingHTTPServer, Posted)
    listen("tcp", socketserver.ThreadingTCPServer, Connected)
    listen("late", http.server.ThreadingHTTPServer, Posted, LATE_SECONDS)
    if "EXTENDED_SIGTERM" in os.environ:
        signal.signal(signal.SIGTERM, lingers)
    steps = json.loads(pathlib.Path(__file__).with_name("steps.json").read_text())
    make(steps)
    for name in [step["register"] for step in steps if "register" in step and step["register"] in known]:
        threading.Thread(target=events_of, args=(name,), daemon=True).start()
    while True:
        got = call("GET", "invocation/next", timeout=None)
        current[0] = got["headers"]["lambda-runtime-aws-request-id"]
        event = json.loads(got["body"])
        if "print" in event:
            print(event["print"], flush=True)
        make(event.get("steps", []))
        time.sleep(event.get("sleep", 0))
        if event.get("answer", True):
            answer = json.dumps({"seen": remembered(), "next": got["headers"]})
            call("POST", f"invocation/{current[0]}/response", answer, {"Content-Type": "application/json"})


main()
