"""What functions write to standard output and error, from plain to hostile."""

import logging
import os
import sys


def lines(event, context):
    """Two lines on each stream, and one through the logging module."""
    print("first of stdout")
    print("first of stderr", file=sys.stderr)
    logging.getLogger().setLevel(logging.INFO)
    logging.info("through logging")
    print("second of stdout")
    print("second of stderr", file=sys.stderr)
    return "written"


def long_line(event, context):
    """One line of 1 MiB."""
    print("x" * 2**20)
    return "written"


def binary(event, context):
    """Every byte value, NUL and invalid UTF-8 included, past Python's own encoding."""
    os.write(1, bytes(range(256)) * 4 + b"\n")
    return "written"


def no_newline(event, context):
    """Text that is not ended; it must be in the log before this invocation's REPORT."""
    os.write(1, b"no end")
    return "written"


def carriage_returns(event, context):
    """A progress bar: carriage returns within one line."""
    os.write(1, b"10 %\r50 %\r100 %\n")
    return "written"


def many_lines(event, context):
    """event["lines"] numbered lines as fast as it goes."""
    for number in range(event.get("lines", 100_000)):
        print(f"line {number}")
    return "written"


def given(event, context):
    """event["lines"], each with a line feed."""
    for line in event["lines"]:
        print(line)
    return "written"


def logged(event, context):
    """event["message"] at each level, through the logging module, with an extra field."""
    for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        logging.getLogger("mine").log(getattr(logging, level), event["message"], extra={"order": 7})
    return "written"


def forged(event, context):
    """Lines that look like the platform's own."""
    print("START RequestId: 00000000-0000-0000-0000-000000000000 Version: $LATEST")
    print("REPORT RequestId: 00000000-0000-0000-0000-000000000000\tDuration: 1.00 ms")
    return "written"


def several_lines(event, context):
    """One message of three lines through the logging module, which the client frames."""
    logging.getLogger().error("one\n  two\nthree")
    return "written"
