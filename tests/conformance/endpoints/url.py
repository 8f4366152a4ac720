"""Any other endpoint, by its URL; the functions of `fixtures` are there already.

CONFORMANCE_URL is where a function is invoked, with `{function}` for its name, such as
`http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations`. A server of the Runtime API that serves one
function is asked where it takes that function's invocations; `{function}` may then be part of host or port.
With AWS_ACCESS_KEY_ID set, requests are signed for the region AWS_DEFAULT_REGION.
"""

import os
import urllib.parse

import pytest

from .base import Endpoint


class Url(Endpoint):
    """An endpoint that somebody else started and stops."""

    name = "url"

    def start(self):
        self.template = os.environ.get("CONFORMANCE_URL", "")
        assert self.template, "CONFORMANCE_URL is not set"

    def address(self, function):
        at = urllib.parse.urlsplit(self.template.replace("{function}", function))
        return at.hostname, at.port or {"https": 443}.get(at.scheme, 80), at.path

    @property
    def is_encrypted(self):
        return self.template.startswith("https:")

    def signed(self, method, url, payload, headers):
        if "AWS_ACCESS_KEY_ID" not in os.environ:
            return headers
        # Only needed here, so that the suite runs without it.
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.session import Session
        request = AWSRequest(method, url, headers, payload)
        SigV4Auth(Session().get_credentials(), "lambda", os.environ.get("AWS_DEFAULT_REGION", "us-east-1")).add_auth(request)
        return dict(request.headers)

    def written(self, function):
        pytest.skip("a URL has no log to read beyond its tail")

    def stop(self):
        pass
