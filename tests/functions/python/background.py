"""Handlers with something beside them: a thread that counts on, and one that waits for a signal."""

import os
import signal
import threading
import time

TICK_SECONDS = 0.01
ticks = []


def count(event, context):
    """The first time starts a thread that notes the time every 10 ms; returns the longest pause between two notes since
    the last invocation, in seconds, with the time that passed."""
    if not ticks:
        ticks.append(time.time())
        threading.Thread(target=note, daemon=True).start()
        return None
    # One more, after whatever held the thread up.
    seen = len(ticks)
    while len(ticks) == seen:
        time.sleep(TICK_SECONDS)
    taken, ticks[:] = list(ticks), ticks[-1:]
    return {"longest": max(later - one for one, later in zip(taken, taken[1:])), "passed": taken[-1] - taken[0]}


def note():
    while True:
        ticks.append(time.time())
        time.sleep(TICK_SECONDS)


def says_goodbye(event, context):
    """Tells of SIGTERM when it comes; event["deaf"]: and does not end."""

    def wait():
        print(f"signal {signal.sigwait({signal.SIGTERM})} came", flush=True)
        if not event.get("deaf"):
            os._exit(0)

    # In a thread: a handler of Python's would run in the main thread, which AWS's client keeps outside of Python.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=wait, daemon=True).start()
    return os.getpid()
