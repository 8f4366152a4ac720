"""A runtime client that does what the event, or the variable RAW_INIT, tells it to: well or badly.

What only one test needs is Python in that test: RAW_CODE runs in the init phase, the event's "run" in an invocation,
both with the names of this file; what "run" leaves in `answer` is answered.
"""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
PREFIX = "/2018-06-01/runtime"


def call(method, path, body=None, headers={}, connection=None):
    own = connection is None
    connection = connection or http.client.HTTPConnection(API)
    connection.request(method, PREFIX + path, body=body, headers=headers)
    response = connection.getresponse()
    answer = (response.status, dict(response.getheaders()), response.read())
    if own:
        connection.close()
    return answer


def init():
    how = os.environ.get("RAW_INIT", "")
    exec(os.environ.get("RAW_CODE", ""), globals())
    if how.startswith("exit"):
        sys.exit(int(how[4:]))
    if how == "error":
        body = json.dumps({"errorMessage": "no such module", "errorType": "Runtime.ImportModuleError", "requestId": ""})
        print("init went wrong", flush=True)
        status, _, _ = call("POST", "/init/error", body, {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"})
        print("init error status", status, flush=True)
        sys.exit(1)
    if how == "hang":
        time.sleep(1000)
    if how == "print":
        print("init line", flush=True)


def respond(request, body, path="response", headers={}):
    return call("POST", f"/invocation/{request}/{path}", body, headers)


def refused_calls(request, headers):
    """Every call that must be refused while the invocation runs, and its status and error type."""
    other = "00000000-0000-4000-8000-000000000000"
    tried = {
        "other id": respond(other, "{}"),
        "no id": respond("zero", "{}"),
        "other attempt": respond(request, "{}", headers={"Lambda-Runtime-Invocation-Id": other}),
        "init error": call("POST", "/init/error", "{}"),
        "restore": call("GET", "/restore/next"),
        "wrong method": call("DELETE", "/invocation/next"),
    }
    again = call("GET", "/invocation/next")
    found = {name: [status, json.loads(body).get("errorType")] for name, (status, _, body) in tried.items()}
    same = {name.lower(): value for name, value in again[1].items()}["lambda-runtime-aws-request-id"] == request
    found["again"] = [again[0], same]
    return found


def stream(request, event):
    """Streams `parts` of bytes, waiting for the file `gate` after the first; ends as `end` says."""
    connection = http.client.HTTPConnection(API)
    connection.putrequest("POST", f"{PREFIX}/invocation/{request}/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Content-Type", event.get("type", "text/plain"))
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    connection.endheaders()
    sent = 0
    try:
        for number, part in enumerate(event["parts"]):
            part = b"p" * part if isinstance(part, int) else part.encode()
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            sent += len(part)
            while number == 0 and "gate" in event and not os.path.exists(event["gate"]):
                time.sleep(0.005)
        if event.get("end") == "exit":
            os._exit(3)
        if event.get("end") == "break":
            connection.sock.shutdown(1)
        elif "error" in event:
            error = base64.b64encode(json.dumps(event["error"]).encode())
            connection.send(b"0\r\nLambda-Runtime-Function-Error-Type: Runtime.UserException\r\n"
                            b"Lambda-Runtime-Function-Error-Body: " + error + b"\r\n\r\n")
        else:
            connection.send(b"0\r\n\r\n")
        print("stream status", connection.getresponse().status, "after", sent, flush=True)
    except OSError as error:
        print("stream refused after", sent, type(error).__name__, flush=True)


def handle(request, headers, payload):
    event = json.loads(payload)
    do = event.get("do", "echo") if isinstance(event, dict) else "echo"
    if "print" in (event if isinstance(event, dict) else {}):
        print(event["print"], end="", flush=True)
    if "run" in (event if isinstance(event, dict) else {}):
        globals().update(request=request, headers=headers, event=event, answer=None)
        exec(event["run"], globals())
        return respond(request, json.dumps(globals()["answer"]))
    if do == "echo":
        return respond(request, payload, headers={"Content-Type": "application/json"})
    if do == "pid":
        return respond(request, str(os.getpid()))
    if do == "context":
        return respond(request, json.dumps({k.lower(): v for k, v in headers.items()}))
    if do == "environment":
        return respond(request, json.dumps(dict(os.environ)))
    if do == "status":
        lines = open("/proc/self/limits").read(), open("/proc/self/oom_score_adj").read()
        return respond(request, json.dumps(lines))
    if do == "error":
        return respond(request, '{"errorMessage":"boom","errorType":"ValueError"}', "error",
                       {"Lambda-Runtime-Function-Error-Type": event.get("type", "")})
    if do == "size":
        status = respond(request, b"x" * event["bytes"], headers={"Content-Type": "application/octet-stream"})[0]
        print("size status", status, flush=True)
        return status
    if do == "chunked":
        parts = [b"y" * 1000] * event["parts"]
        connection = http.client.HTTPConnection(API)
        path = f"{PREFIX}/invocation/{request}/response"
        connection.request("POST", path, iter(parts), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        return connection.getresponse().status
    if do == "stream":
        return stream(request, event)
    if do == "truncated":
        connection = http.client.HTTPConnection(API)
        connection.putrequest("POST", f"{PREFIX}/invocation/{request}/response")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b"only this")
        connection.sock.shutdown(1)
        print("truncated status", connection.getresponse().status, flush=True)
        return None
    if do == "mode":
        status, _, body = respond(request, "{}", headers={"Lambda-Runtime-Function-Response-Mode": "other"})
        print("mode status", status, json.loads(body)["errorType"], flush=True)
        return None
    if do == "exit":
        os._exit(event.get("status", 0))
    if do == "answer and exit":
        respond(request, payload)
        os._exit(3)
    if do == "post and exit":
        connection = http.client.HTTPConnection(API)
        connection.request("POST", f"{PREFIX}/invocation/{request}/response", body=payload)
        os._exit(3)
    if do == "signal":
        os.kill(os.getpid(), event["number"])
        time.sleep(1000)
    if do == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if "child" in event:
            # Twice forked, in a session of its own, and deaf.
            subprocess.Popen(["sh", "-c", f"trap '' TERM HUP; (setsid sh -c 'echo $$ > {event['child']}; while :; do sleep 1; done' &) "])
            while not os.path.exists(event["child"]):
                time.sleep(0.01)
        if event.get("busy"):
            while True:
                pass
        time.sleep(1000)
    if do == "answer and hang":
        respond(request, payload)
        time.sleep(1000)
    if do == "sleep":
        time.sleep(event["seconds"])
        return respond(request, payload)
    if do == "orphan":
        # A grandchild that outlives its parent and then ends: somebody has to collect it.
        subprocess.run(["sh", "-c", f"(sh -c 'exit 0; ' ; touch {event['file']}) &"])
        while not os.path.exists(event["file"]):
            time.sleep(0.005)
        return respond(request, payload)
    if do == "orphans":
        script = f"i=0; while [ $i -lt {event['count']} ]; do (/bin/true &); i=$((i+1)); done"
        subprocess.run(["sh", "-c", script], check=True)
        return respond(request, payload)
    if do == "close outputs":
        os.close(1)
        os.close(2)
        return respond(request, payload)
    if do == "hold connections":
        address = API.split(":")
        held = [socket.create_connection((address[0], int(address[1]))) for _ in range(event["count"])]
        time.sleep(1000 + len(held))
    if do == "processes":
        stats = [open(f"/proc/{pid}/stat").read() for pid in os.listdir("/proc") if pid.isdigit()]
        return respond(request, json.dumps([stat.rsplit(")", 1)[0].split("(", 1)[1] + stat.rsplit(")", 1)[1][:2] for stat in stats]))
    if do == "peek":
        found = {}
        for file in ("environ", "mem", "maps"):
            try:
                found[file] = len(open(f"/proc/{event.get('pid', os.getppid())}/{file}", "rb").read(1))
            except OSError as error:
                found[file] = error.strerror
        return respond(request, json.dumps(found))
    if do == "wait for":
        while not os.path.exists(event["file"]):
            time.sleep(0.005)
        return respond(request, payload)
    if do == "answer then wait for":
        respond(request, payload)
        while not os.path.exists(event["file"]):
            time.sleep(0.005)
        print("after the answer", flush=True)
        return None
    if do == "memory":
        held = []
        while True:
            held.append(b"m" * (8 * 1024 * 1024))
            time.sleep(0.002)
    if do == "storage":
        with open(event["file"], "wb") as file:
            while True:
                file.write(b"s" * (1024 * 1024))
                file.flush()
                time.sleep(0.001)
    if do == "refused":
        return respond(request, json.dumps(refused_calls(request, headers)))
    if do == "twice":
        first = respond(request, "1")[0]
        second = respond(request, "2")
        third = respond(request, "{}", "error")
        print("twice", first, second[0], third[0], json.loads(second[2])["errorType"], flush=True)
        return None
    if do == "late":
        request = event["request"]
        status, _, body = respond(request, '"late"')
        return respond(headers["lambda-runtime-aws-request-id"], json.dumps([status, json.loads(body)["errorType"]]))
    raise SystemExit(f"unknown event {event}")


def main():
    init()
    connection = http.client.HTTPConnection(API)
    while True:
        status, headers, payload = call("GET", "/invocation/next", connection=connection)
        if status != 200:
            print("next status", status, flush=True)
            sys.exit(1)
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["content-type"] == "application/json", headers
        handle(headers["lambda-runtime-aws-request-id"], headers, payload)


main()
