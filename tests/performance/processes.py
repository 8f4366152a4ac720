"""What processes cost, as the kernel counts it."""

import glob
import os
import pathlib


def pids_of(program):
    """Processes that run this program, by their executable's name."""
    found = []
    for link in glob.glob("/proc/[0-9]*/exe"):
        try:
            if pathlib.Path(os.readlink(link)).name == program:
                found.append(int(link.split("/")[2]))
        except OSError:
            continue
    return found


def cpu_seconds(pids):
    """Time on a processor, user and system together, of all threads: to the nanosecond, where `stat` counts ticks."""
    spent = 0
    for pid in pids:
        for thread in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            spent += int(pathlib.Path(thread).read_text().split()[0])
    return spent / 1e9


def resident(programs):
    """Resident memory of each program's processes, in MB: what is theirs alone, and what is the program's file."""
    found = {}
    for program in programs:
        for pid in pids_of(program):
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            fields = dict(line.split(":", 1) for line in status.splitlines())
            own, file = (int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
            found.setdefault(program, []).append((own + file, own, file))
    return found
