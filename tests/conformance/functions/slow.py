"""Takes 12 s to import the first time in an environment, longer than an init phase may; the second time none."""

import os
import pathlib
import tempfile
import time

marker = pathlib.Path(tempfile.gettempdir(), "started-before-" + os.environ["AWS_LAMBDA_FUNCTION_NAME"])
if not marker.exists():
    marker.touch()
    time.sleep(12)


def handler(event, context):
    return context.get_remaining_time_in_millis()
