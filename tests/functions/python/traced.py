"""A handler that AWS's X-Ray SDK traces: subsegments within each other, an annotation, metadata, and an exception."""

from aws_xray_sdk.core import xray_recorder


def handler(event, context):
    with xray_recorder.in_subsegment("outer") as outer:
        outer.put_annotation("customer", event.get("customer", "none"))
        outer.put_metadata("event", event, "own")
        with xray_recorder.in_subsegment("inner", namespace="remote"):
            if event.get("fails"):
                raise ValueError("as asked")
    # The facade segment, which the platform makes: its ids are those of the header.
    segment = xray_recorder.current_segment()
    return {"trace_id": segment.trace_id, "segment": segment.id, "sampled": bool(segment.sampled)}
