# A handler for Python 2 and 3 at once, as the developer guide wrote them for years.
from __future__ import print_function

import json

print('Loading function')


def lambda_handler(event, context):
    print("Received event: " + json.dumps(event, indent=2))
    print("Log stream name:", context.log_stream_name)
    print("Lambda time remaining in MS:", context.get_remaining_time_in_millis())
    return event['key1']
