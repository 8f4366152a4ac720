"""Tenant isolation: whose an environment is, what the function and its log tell of it, and what is refused.

`Isolation` is the guide's "Tenant isolation", `Invoking` its "Invoking Lambda functions with tenant isolation".
"""

import json

import pytest

from test_json_logs import objects, platform


def of(endpoint, tenant, **event):
    headers = {"X-Amz-Tenant-Id": tenant, "X-Amz-Log-Type": "Tail"}
    answer = endpoint.invoke("tenants", {"call": "conformance.context", "sleep_ms": 0, **event}, headers=headers)
    assert (answer.status, answer.error) == (200, None), answer
    return answer


def environment(endpoint, tenant):
    """What names the environment that served."""
    return of(endpoint, tenant).json["log_stream_name"]


def test_tenant_in_the_context(endpoint):
    """Guide, tenant-isolation-context: "the tenant identifier used to invoke your function is made available within the context object" """
    assert [of(endpoint, tenant).json["tenant_id"] for tenant in ("blue", "green")] == ["blue", "green"]


def test_every_character_of_a_tenant_id(endpoint):
    """Model: TenantId: pattern [a-zA-Z0-9\\._:\\/=+\\-@ ]+ """
    tenant = "aZ9._:/=+-@ x"
    assert of(endpoint, tenant).json["tenant_id"] == tenant


def test_environments_are_not_shared(endpoint):
    """Isolation: "ensuring that a function's execution environments are only used to serve invocations from the specified end-user or tenant" """
    seen = {tenant: {environment(endpoint, tenant) for _ in range(2)} for tenant in ("blue", "green")}
    assert not seen["blue"] & seen["green"]


def test_an_environment_of_the_tenant_is_used_again(endpoint):
    """Isolation: "Lambda first attempts to locate an available execution environment associated with that tenant identifier." """
    assert environment(endpoint, "blue") == environment(endpoint, "blue")


def test_a_tenant_without_an_environment_gets_one(endpoint):
    """Isolation: "If no execution environments exist, Lambda creates and assigns a new execution environment to that tenant.": also where other tenants' take up what the function may have. """
    known = {environment(endpoint, tenant) for tenant in ("blue", "green")}
    new = [environment(endpoint, tenant) for tenant in ("red", "yellow", "white")]
    assert len({*new}) == len(new) and not {*new} & known


@pytest.mark.parametrize("path", ["Invoke", "InvokeWithResponseStream"])
def test_a_tenant_is_required(endpoint, path):
    """Invoking: "When invoking a function that has tenant isolation enabled, you must provide a tenant-id parameter."; tenant-isolation-troubleshooting: InvalidParameterValueException """
    if path == "Invoke":
        answer = endpoint.invoke("tenants", {})
        status, error, body = answer.status, answer.error_type, answer.json
    else:
        answer = endpoint.stream("tenants", {})
        status, error, body = answer.status, answer.error_type, json.loads(answer.refusal)
    assert (status, error) == (400, "InvalidParameterValueException")
    assert body["message"] == (
        "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")


def test_tenant_in_the_log(endpoint):
    """Recording (RIE, sendInvokeStartLogEvent): platform.start has the tenantId; Client awslambdaric: so has each record of the function. """
    answer = of(endpoint, "blue", call="output.logged", message="look here")
    assert platform(answer.log, "platform.start")[0]["record"]["tenantId"] == "blue"
    own = [record for record in objects(answer.log) if record.get("message") == "look here"]
    assert own and all(record.get("tenantId") == "blue" for record in own)
