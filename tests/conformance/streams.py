"""A streamed answer, read frame by frame with the parser of AWS's own client (botocore)."""

import base64
import json
import time

from botocore.eventstream import EventStreamBuffer

from answers import Headed

READ_BYTES_MAX = 64 * 1024


class Frame:
    """One message of the stream: its headers, its payload, and when it was there, in seconds from the call."""

    def __init__(self, message, seconds):
        self.headers, self.payload, self.seconds = message.headers, message.payload, seconds

    @property
    def kind(self):
        return self.headers.get(":event-type") or self.headers.get(":exception-type")


class Streamed(Headed):
    """An answer of InvokeWithResponseStream, read to its end."""

    def __init__(self, response, began):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.frames, self.refusal = [], b""
        if self.status != 200 or self.headers.get("content-type") != "application/vnd.amazon.eventstream":
            self.refusal = response.read()
            return
        buffer = EventStreamBuffer()
        while data := response.read1(READ_BYTES_MAX):
            buffer.add_data(data)
            self.frames += [Frame(message, time.monotonic() - began) for message in buffer]
        self.seconds = time.monotonic() - began

    @property
    def chunks(self):
        return [frame for frame in self.frames if frame.kind == "PayloadChunk"]

    @property
    def payload(self):
        return b"".join(frame.payload for frame in self.chunks)

    @property
    def end(self):
        """What InvokeComplete says; it must be the last frame, and the only one of its kind."""
        assert self.status == 200 and self.frames, (self.status, self.refusal)
        assert [frame.kind for frame in self.frames].index("InvokeComplete") == len(self.frames) - 1
        return json.loads(self.frames[-1].payload or b"{}")

    @property
    def log(self):
        return base64.b64decode(self.end["LogResult"]).decode(errors="replace")

    @property
    def outline(self):
        """What two endpoints must have in common."""
        if not self.frames:
            return f"{self.status} {self.error_type} {self.compared}"
        return f"{self.status} {sorted({frame.kind for frame in self.frames})} {sorted(self.end)} {self.compared}"
