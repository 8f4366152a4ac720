#!/usr/bin/env python3
"""An external extension written against AWS's documentation: it writes down every event that it is given.

EXTENSION_FILE is where it writes, one JSON object a line; EXTENSION_DO is what it does beside that:
"exit", "hang", "init error", "exit error", "refused", "many", "late", "crash", "crash late", "invoke only", "slow", "next twice"; EXTENSION_TELEMETRY is
a JSON body for the Telemetry API, or EXTENSION_LOGS for the Logs API, whose batches it receives and writes down, on
EXTENSION_PORT or EXTENSION_TCP_PORT if that is set; it subscribes twice with EXTENSION_TWICE,
and refuses as many batches as EXTENSION_REFUSES says.
"""

import http.client
import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(__file__)
FILE = os.environ["EXTENSION_FILE"]
DO = os.environ.get("EXTENSION_DO", "")


def write(**record):
    with open(FILE, "a") as file:
        file.write(json.dumps({"at": time.time(), **record}) + "\n")


def call(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(API)
    headers = {f"Lambda-Extension-{name.replace('_', '-')}": value for name, value in headers.items()}
    connection.request(method, path, body=body, headers={"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode()


def refused(identifier):
    """Every call that must be refused, and how it was."""
    register, after = "/2020-01-01/extension/register", "/2020-01-01/extension/event/next"
    init_error = "/2020-01-01/extension/init/error"
    tried = {
        "no name": call("POST", register, '{"events":[]}'),
        "no json": call("POST", register, "x", Name="other"),
        "internal shutdown": call("POST", register, '{"events":["SHUTDOWN"]}', Name="other"),
        "bad event": call("POST", register, '{"events":["X"]}', Name="other"),
        "again": call("POST", register, '{"events":[]}', Name=NAME),
        "no identifier": call("GET", after),
        "bad identifier": call("GET", after, Identifier="x"),
        "unknown identifier": call("GET", after, Identifier="00000000-0000-4000-8000-000000000000"),
        "no error type": call("POST", init_error, "{}", Identifier=identifier),
    }
    return {name: [status, json.loads(body)["errorType"]] for name, (status, _, body) in tried.items()}


def many():
    """Registers until it is refused; each that is let in waits for events from then on."""
    for number in range(20):
        status, headers, body = call("POST", "/2020-01-01/extension/register", '{"events":["INVOKE"]}', Name=f"inner-{number}")
        if status != 200:
            return write(many=[number, status, body])
        identifier = headers["lambda-extension-identifier"]

        def wait(identifier=identifier):
            while call("GET", "/2020-01-01/extension/event/next", Identifier=identifier)[0] == 200:
                pass

        threading.Thread(target=wait, daemon=True).start()


def late(identifier):
    """What is closed once the init phase is over."""
    body = json.dumps({"schemaVersion": "2022-07-01", "types": ["function"], "destination": {"protocol": "TCP", "port": 1}})
    tried = {
        "register": call("POST", "/2020-01-01/extension/register", '{"events":[]}', Name="late"),
        "telemetry": call("PUT", "/2022-07-01/telemetry", body, Identifier=identifier),
        "logs": call("PUT", "/2020-08-15/logs", body, Identifier=identifier),
        "init error": call("POST", "/2020-01-01/extension/init/error", "{}", Identifier=identifier, Function_Error_Type="Extension.X"),
    }
    write(late={name: [status, body] for name, (status, _, body) in tried.items()})


def listen():
    """Serves what telemetry is posted to, and connected to."""

    class Posted(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.server.refusals > 0:
                self.server.refusals -= 1
                write(refused_batch=json.loads(body))
                self.send_response(500)
            else:
                write(batch=json.loads(body), path=self.path, method=self.command,
                      headers={k.lower(): v for k, v in self.headers.items()})
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST

        def log_message(self, *_):
            pass

    class Connected(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                write(line=json.loads(line))

    for kind, variable in ((http.server.ThreadingHTTPServer, Posted), (socketserver.ThreadingTCPServer, Connected)):
        kind.allow_reuse_address = True
        port = int(os.environ.get("EXTENSION_PORT" if variable is Posted else "EXTENSION_TCP_PORT", 0))
        server = kind(("127.0.0.1", port), variable)
        server.refusals = int(os.environ.get("EXTENSION_REFUSES", 0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]


def subscribe(identifier):
    for variable, path in (("EXTENSION_TELEMETRY", "/2022-07-01/telemetry"), ("EXTENSION_LOGS", "/2020-08-15/logs")):
        body = os.environ.get(variable)
        if body:
            http_port, tcp_port = listen()
            body = body.replace("HTTP_PORT", str(http_port)).replace("TCP_PORT", str(tcp_port))
            for _ in range(2 if "EXTENSION_TWICE" in os.environ else 1):
                status, _, answer = call("PUT", path, body, Identifier=identifier)
                write(subscribed=[status, answer])


def main():
    write(environment=dict(os.environ), directory=os.getcwd(), pid=os.getpid())
    if DO == "exit":
        sys.exit(3)
    if DO == "hang":
        time.sleep(1000)
    events = ["INVOKE"] if DO == "invoke only" else ["INVOKE", "SHUTDOWN"]
    status, headers, body = call(
        "POST", "/2020-01-01/extension/register", json.dumps({"events": events}), Name=NAME, Accept_Feature="accountId")
    identifier = headers["lambda-extension-identifier"]
    write(registered=[status, body], identifier=identifier)
    if DO == "refused":
        write(refused=refused(identifier))
    if DO == "many":
        many()
    subscribe(identifier)
    if DO == "init error":
        error = {"Identifier": identifier, "Function_Error_Type": "Extension.NoConfiguration"}
        answers = [call("POST", "/2020-01-01/extension/init/error", "{}", **error) for _ in range(2)]
        answers.append(call("GET", "/2020-01-01/extension/event/next", Identifier=identifier))
        write(init_error={"identifier": identifier, "answers": [[status, body] for status, _, body in answers]})
        sys.exit(1)
    if DO == "next twice":
        first = http.client.HTTPConnection(API)
        first.request("GET", "/2020-01-01/extension/event/next", headers={"Lambda-Extension-Identifier": identifier})

        def answered():
            response = first.getresponse()
            write(first_next=[response.status, json.loads(response.read())])

        threading.Thread(target=answered, daemon=True).start()
        # The first call has reached the shim once what was sent after it is answered.
        call("POST", "/2020-01-01/extension/register", '{"events":[]}', Name=NAME)
    print("extension is ready", flush=True)
    while True:
        status, headers, body = call("GET", "/2020-01-01/extension/event/next", Identifier=identifier)
        event = json.loads(body)
        write(event=event, status=status, identifier=headers.get("lambda-extension-event-identifier"), type=headers["content-type"])
        if event["eventType"] == "SHUTDOWN":
            if DO == "linger":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(1000)
            write(done=True)
            return
        if DO == "late":
            late(identifier)
        if DO == "crash late":
            time.sleep(0.5)
        if DO.startswith("crash"):
            sys.exit(4)
        if DO == "slow":
            time.sleep(1)
            write(slow=True)
        if DO == "exit error":
            call("POST", "/2020-01-01/extension/exit/error", "{}", Identifier=identifier,
                 Function_Error_Type="Extension.Tired")
            sys.exit(17)


main()
