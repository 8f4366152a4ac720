"""Handlers that fail or do harm, one kind each. All import well, so the init phase succeeds."""

import os
import signal
import subprocess
import sys
import threading
import time


class Broken(Exception):
    """An error type of the function's own, to be found as errorType."""


def raises(event, context):
    """A function error with stack trace; event["message"], if there, is the message."""
    raise Broken(event.get("message", "as asked"))


def unserialisable(event, context):
    """Returns what is not JSON: Runtime.MarshalError."""
    return {"a set": {1, 2, 3}}


def calls_sys_exit(event, context):
    """sys.exit in a handler passes by the client and ends the process, status event["status"]: Runtime.ExitError."""
    sys.exit(event.get("status", 0))


def exits(event, context):
    """The process is gone without a word: Runtime.ExitError, exit status 3."""
    os._exit(3)


def kills_itself(event, context):
    """Ended by a signal: Runtime.ExitError, signal: killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def segfaults(event, context):
    """Ended by another signal: Runtime.ExitError, signal: segmentation fault."""
    os.kill(os.getpid(), signal.SIGSEGV)


def sleeps(event, context):
    """Sleeps past any time-out."""
    time.sleep(3600)


def sleeps_deaf(event, context):
    """The same, and lets no polite signal end it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(3600)


def spins(event, context):
    """A busy loop past any time-out."""
    while True:
        pass


def allocates(event, context):
    """Takes memory until something ends it, 8 MB at a time, each page written; 5 ms between, so that it can be watched."""
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (8 << 20))
        time.sleep(0.005)


def allocates_some(event, context):
    """Takes event["megabytes"] as fast as `allocates` does, and returns if it may."""
    hoard = []
    for _ in range(event["megabytes"] // 8):
        hoard.append(bytearray(b"x") * (8 << 20))
        time.sleep(0.005)
    return "taken"


def allocates_fast(event, context):
    """The same as fast as it goes, so that the kernel may notice before the shim does."""
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (64 << 20))


def leaves_child(event, context):
    """A double-forked process outlives the handler and adds a line to /tmp/child every 50 ms; returns the lines so far."""
    if event.get("start", True) and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(100_000):
                with open("/tmp/child", "a") as file:
                    file.write(f"{os.getpid()} {number}\n")
                time.sleep(0.05)
        os._exit(0)
    time.sleep(0.2)
    return child_lines()


def leaves_child_and_sleeps(event, context):
    """Leaves such a process and then times out: the process must be gone after the reset."""
    leaves_child(event, context)
    time.sleep(3600)


def child_lines(event=None, context=None):
    """Returns how many lines the process that was left behind has written, and how many such processes there are."""
    try:
        with open("/tmp/child") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        lines = []
    pids = {line.split()[0] for line in lines}
    return {"lines": len(lines), "alive": sorted(pid for pid in pids if os.path.exists(f"/proc/{pid}"))}


def leaves_thread(event, context):
    """A thread prints on after the answer; frozen between invocations, it goes on during the next one."""

    def talk():
        for number in range(10_000):
            print(f"thread {number}")
            time.sleep(0.05)

    threading.Thread(target=talk, daemon=True).start()
    return "left"


def forks_many(event, context):
    """Starts processes until it may not any more; returns how many there were."""
    children = []
    try:
        while len(children) < 5000:
            children.append(subprocess.Popen(["sleep", "60"]))
    except OSError as error:
        return {"started": len(children), "error": str(error)}
    finally:
        for child in children:
            child.kill()
            child.wait()
    return {"started": len(children)}


def closes_output(event, context):
    """Closes standard output and error; later prints must not take the environment down."""
    os.close(1)
    os.close(2)
    return "closed"


def signals_everyone(event, context):
    """Sends SIGKILL to PID 1, whom a process of its own PID namespace cannot kill, and to all others that it may signal."""
    os.kill(1, signal.SIGKILL)
    os.kill(-1, signal.SIGKILL)
    time.sleep(1)
    return "still here"


def notes_sigterm(event, context):
    """Sleeps past any time-out, and leaves a file in /tmp where SIGTERM comes first."""
    signal.signal(signal.SIGTERM, lambda *_: open("/tmp/sigterm", "w").close())
    while True:
        time.sleep(0.1)


def noted_sigterm(event, context):
    """Whether it came."""
    return os.path.exists("/tmp/sigterm")
