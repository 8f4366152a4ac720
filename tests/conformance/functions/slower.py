"""Takes 12 s to import each time, longer than an init phase may, and longer than the function's time-out."""

import time

time.sleep(12)


def handler(event, context):
    return "never"
