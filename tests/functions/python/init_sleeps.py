"""The module takes 30 s to import, longer than an init phase may: it is ended and repeated inside the first invocation."""

import time

time.sleep(30)


def handler(event, context):
    return "finally"
