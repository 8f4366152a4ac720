"""Responses of an exact size. A string's JSON is the string and two quotes."""

LIMIT_BYTES = 6_291_556  # what AWS's Runtime API takes: 6 MiB and 100 bytes


def bytes_out(event, context):
    """A response of event["bytes"] bytes."""
    return "x" * (event["bytes"] - 2)


def largest(event, context):
    """The largest response that is accepted."""
    return "x" * (LIMIT_BYTES - 2)


def too_large(event, context):
    """One byte more: Function.ResponseSizeTooLarge."""
    return "x" * (LIMIT_BYTES - 1)


def non_ascii(event, context):
    """Characters of one to four bytes and JSON's own special ones."""
    return "ä€😀\"\\\n\u0000\u2028"


def large_error(event, context):
    """An error whose message has event["bytes"] bytes."""
    raise ValueError("x" * event["bytes"])
