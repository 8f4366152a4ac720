"""The runtime. An event is words: its number, what to do, with what; the answer is the process's id and the event.

It is written for a quick start, because it is started thousands of times.
"""

import os, signal, socket, time

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")

def connect():
    return socket.create_connection((host, int(port)))

def send(link, method, path, body=b"", length=None):
    length = len(body) if length is None else length
    head = f"{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    link.sendall(head.encode() + body)

def receive(link):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = link.recv(65536)
        if not piece:
            os._exit(80)
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += link.recv(65536)
    return int(first.split()[1]), headers, body

def post(request, body, expected, kind="response"):
    link = connect()
    send(link, "POST", f"{request}/{kind}", body)
    status = receive(link)[0]
    link.close()
    if status != expected:
        print(f"UNEXPECTED {kind} of {len(body)} bytes for {request}: {status}, not {expected}", flush=True)

def apart(work):
    """Runs in a process forked twice, in a session of its own, deaf. Nobody waits for the one between."""
    if os.fork() == 0:
        try:
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                work()
        finally:
            os._exit(0)

def handle(link, request, event):
    number, do, *words = event.decode().split(" ")
    answer = str(os.getpid()).encode() + b" " + event
    def reply():
        send(link, "POST", f"{request}/response", answer)
        if receive(link)[0] != 202:
            print("UNEXPECTED refusal of the answer", flush=True)
    if do == "echo":
        reply()
    elif do == "error":
        post(request, event, 202, "error")
    elif do == "exit":
        os._exit(int(words[0]))
    elif do == "signal":
        os.kill(os.getpid(), int(words[0]))
        time.sleep(1000)
    elif do == "answer-exit":
        send(link, "POST", f"{request}/response", answer)
        os._exit(3)
    elif do == "answer-hang":
        reply()
        time.sleep(1000)
    elif do == "apart":
        for _ in range(int(words[0])):
            apart(lambda: time.sleep(int(words[1]) / 1000))
        reply()
    elif do == "stale":
        reply()
        def disturb():
            for _ in range(int(words[0])):
                other = connect()
                send(other, "POST", f"{request}/response", b"stale")
                receive(other)
                other.close()
        apart(disturb)
    elif do == "half":
        other = connect()
        send(other, "POST", f"{request}/response", b"only this", 1000)
        if words[0] == "exit":
            os._exit(0)
        if words[0] == "hang":
            time.sleep(1000)
        if words[0] == "shut":
            other.shutdown(socket.SHUT_WR)
            receive(other)
        other.close()
    elif do == "half-head":
        other = connect()
        other.sendall(f"POST /2018-06-01/runtime/invocation/{request}/resp".encode())
        other.close()
        reply()
    elif do == "oversized":
        post(request, b"o" * int(words[0]), 413)
    elif do == "late":
        post(words[0], b"late", int(words[1]))
        reply()
    elif do == "twice":
        reply()
        post(request, b"again", 403)
    elif do == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if words[0] == "apart":
            apart(lambda: time.sleep(1000))
        while words[0] == "busy":
            pass
        time.sleep(1000)
    elif do == "wait":
        while not os.path.exists(words[0]):
            time.sleep(0.001)
        reply()
    else:
        print("UNEXPECTED event", event, flush=True)

link = connect()
while True:
    send(link, "GET", "next")
    status, headers, event = receive(link)
    if status != 200:
        os._exit(81)
    handle(link, headers["lambda-runtime-aws-request-id"], event)
