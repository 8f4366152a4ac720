"""What the caller of an invoke got."""

import base64
import dataclasses
import json

# Names of headers that come from the transport, or vary.
UNCOMPARED = {"date", "connection", "content-length", "transfer-encoding"}


class Headed:
    """What the headers of any answer say; their names are in lower case."""

    headers: dict

    @property
    def error_type(self):
        return self.headers.get("x-amzn-errortype", "").split(":")[0]

    @property
    def request_id(self):
        return self.headers["x-amzn-requestid"]

    @property
    def compared(self):
        """Names of the headers that two endpoints must have in common."""
        return sorted(set(self.headers) - UNCOMPARED)


@dataclasses.dataclass
class Answer(Headed):
    """An answer of Invoke, or of any other call."""

    status: int
    headers: dict
    payload: bytes

    @property
    def json(self):
        return json.loads(self.payload)

    @property
    def error(self):
        return self.headers.get("x-amz-function-error")

    @property
    def log(self):
        return base64.b64decode(self.headers["x-amz-log-result"]).decode(errors="replace")

    @property
    def outline(self):
        """What two endpoints must have in common."""
        return f"{self.status} {self.error or self.error_type} {self.compared}"
