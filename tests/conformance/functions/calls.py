"""Calls of the Runtime API, and of those beside it, as events ask for them: each is made, and told with its answer."""

import http.client
import os
import socket
import time

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"
STEP_SECONDS = 5


def call(method, path, body=None, headers=None, timeout=STEP_SECONDS):
    connection = http.client.HTTPConnection(HOST, timeout=timeout)
    try:
        connection.request(method, path if path.startswith("/") else ROOT + path, body, headers or {})
        return told(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        return {"status": None, "body": repr(error), "headers": {}}
    finally:
        connection.close()


def told(answer):
    return {
        "status": answer.status, "body": answer.read().decode(errors="replace"),
        "headers": {name.lower(): value for name, value in answer.getheaders()},
    }


def by_hand(path, headers, send):
    """A POST whose body `send` writes; then its half of the connection is closed, and the answer read."""
    host, port = HOST.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=STEP_SECONDS) as stream:
        lines = [f"POST {ROOT}{path} HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        stream.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            send(stream)
            stream.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(stream)
            answer.begin()
            return told(answer)
        except (OSError, http.client.HTTPException) as error:
            return {"status": None, "body": repr(error), "headers": {}}


def truncated(path, headers):
    """Announces 1,000 bytes and sends 10."""
    return by_hand(path, {**headers, "Content-Length": 1000}, lambda stream: stream.sendall(b"0123456789"))


def streamed(path, headers, items, trailers):
    """A body in chunks, one for each item that has `data` or `bytes`; `sleep` waits, `exit` ends the process, and after
    `break` the body is not ended."""
    def send(stream):
        for item in items:
            if "sleep" in item:
                time.sleep(item["sleep"])
            elif "exit" in item:
                os._exit(item["exit"])
            elif "break" in item:
                return
            else:
                data = item["data"].encode() if "data" in item else b"x" * item["bytes"]
                stream.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        lines = [f"{name}: {value}\r\n" for name, value in trailers.items()]
        stream.sendall(("0\r\n" + "".join(lines) + "\r\n").encode())
    return by_hand(path, {**headers, "Transfer-Encoding": "chunked"}, send)


def perform(step, ids):
    """One step; `ids` are what its path and headers may name. None where it is no call."""
    if "exit" in step:
        os._exit(step["exit"])
    if "sleep" in step:
        time.sleep(step["sleep"])
        return None
    path = step["path"].format(**ids)
    headers = {name: str(value).format(**ids) for name, value in step.get("headers", {}).items()}
    if step.get("truncated"):
        return truncated(path, headers)
    if "stream" in step:
        return streamed(path, headers, step["stream"], step.get("trailers", {}))
    body = "x" * step["bytes"] if "bytes" in step else step.get("body")
    return call(step.get("method", "POST"), path, body.encode() if isinstance(body, str) else body, headers)
