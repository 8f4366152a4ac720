"""The X-Ray tracing header: what the function gets of the caller's, and what is made where there is none.

`X-Ray` is its developer guide: "AWS X-Ray concepts", section "Tracing header", and "Sending trace data", "Trace ID Format".
"""

import re
import time

import pytest

ROOT, PARENT = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "Parent=9a9197af755a6419"


def handed_over(endpoint, sent=None):
    """The answer, and the header that the runtime was given, as its fields."""
    answer = endpoint.invoke("raw", headers={"X-Amzn-Trace-Id": sent} if sent else None)
    return answer, answer.json["next"]["headers"]["lambda-runtime-trace-id"].split(";")


def in_the_function(endpoint, sent=None):
    event = {"call": "conformance.context", "sleep_ms": 0}
    return endpoint.invoke("handlers", event, headers={"X-Amzn-Trace-Id": sent} if sent else None).json["trace_id"]


@pytest.mark.parametrize("sampled", ["Sampled=1", "Sampled=0"])
def test_of_the_caller(endpoint, sampled):
    """Guide, runtimes-api: "Lambda-Runtime-Trace-Id – The AWS X-Ray tracing header. For example, Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1." """
    sent = [ROOT, PARENT, sampled]
    _, fields = handed_over(endpoint, ";".join(sent))
    assert set(sent) <= set(fields)


@pytest.mark.parametrize("sampled", ["Sampled=1", "Sampled=0"])
def test_in_the_function(endpoint, sampled):
    """Guide, runtimes-api: "The runtime should set the _X_AMZN_TRACE_ID with the value of the header." """
    sent = [ROOT, PARENT, sampled]
    assert set(sent) <= set(in_the_function(endpoint, ";".join(sent)).split(";"))


def test_unknown_fields_are_kept(endpoint):
    """X-Ray: "Example Tracing header with Lineage: X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2": it is handed on. """
    lineage = "Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2"
    _, fields = handed_over(endpoint, ";".join([ROOT, PARENT, "Sampled=0", lineage]))
    assert lineage in fields


def test_header_without_parent(endpoint):
    """X-Ray: "Example Tracing header with root trace ID and sampling decision: X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1": the function gets a parent too. """
    _, fields = handed_over(endpoint, f"{ROOT};Sampled=1")
    assert {ROOT, "Sampled=1"} <= set(fields)
    assert any(re.fullmatch("Parent=[0-9a-f]{16}", field) for field in fields), fields


def test_made_where_there_is_none(endpoint):
    """X-Ray, Trace ID Format: "The version number, that is, 1. The time of the original request, in Unix epoch time, in 8 hexadecimal digits. … A 96-bit identifier for the trace, globally unique, in 24 hexadecimal digits." """
    _, fields = handed_over(endpoint)
    root = next(re.fullmatch("Root=1-([0-9a-f]{8})-[0-9a-f]{24}", field) for field in fields if field.startswith("Root="))
    assert root and abs(int(root[1], 16) - time.time()) < 60, fields


def test_has_three_fields(endpoint):
    """Guide, runtimes-api: "The tracing header contains the trace ID, parent ID, and sampling decision." """
    _, fields = handed_over(endpoint)
    assert {"Root", "Parent", "Sampled"} <= {field.split("=")[0] for field in fields}, fields


def test_is_the_invocations_own(endpoint):
    """X-Ray, Trace ID Format: "A 96-bit identifier for the trace, globally unique": what one invocation brought or was given is not the next one's. """
    handed_over(endpoint, f"{ROOT};{PARENT};Sampled=1")
    (_, first), (_, second) = handed_over(endpoint), handed_over(endpoint)
    assert ROOT not in first and set(first) & set(second) <= {"Sampled=0"}


def test_on_the_answer(endpoint):
    """X-Ray: "The first X-Ray-integrated service that the request hits adds a tracing header, which is read by the X-Ray SDK and included in the response.": root and sampling of the invocation. """
    answer, _ = handed_over(endpoint, f"{ROOT};{PARENT};Sampled=1")
    fields = answer.headers["x-amzn-trace-id"].lower().split(";")
    assert ROOT.lower() in fields and "sampled=1" in fields


def test_made_one_on_the_answer(endpoint):
    """X-Ray: "The first X-Ray-integrated service that the request hits adds a tracing header, which is … included in the response.": of a trace that began here too. """
    answer, fields = handed_over(endpoint)
    root = next(field for field in fields if field.startswith("Root="))
    assert root.lower() in answer.headers["x-amzn-trace-id"].lower().split(";")
