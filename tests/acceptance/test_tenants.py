"""Tenants of a function that isolates them, in pods.

Quotes are from the AWS Lambda developer guide, "Tenant isolation".
"""

import json

from cluster import eventually, kubectl

PER_TENANT = {"tenantIsolationMode": "PER_TENANT"}


def served(space, name, tenant):
    """The environment that served, by its log stream."""
    answer = space.invoke(name, {"sleep_ms": 0}, TenantId=tenant)
    assert (answer.error, answer.json["tenant_id"]) == (None, tenant), answer.payload
    return answer.json["log_stream_name"]


def tenants(space, pod):
    """Whose invocations a pod's log tells of, once it tells of any."""
    def starts():
        log = kubectl("logs", "-n", space.name, pod, "-c", "function", check=False).stdout
        return [json.loads(line)["record"]["tenantId"] for line in log.splitlines() if '"platform.start"' in line]
    return sorted({*eventually(starts, what=f"platform.start in the log of {pod}")})


def test_environments_are_one_tenant_s(space):
    """'… ensuring that a function's execution environments are only used to serve invocations from the specified end-user
    or tenant'; 'Lambda first attempts to locate an available execution environment associated with that tenant'."""
    space.apply("tenants", handler="conformance.context", timeout=10, tenancyConfig=PER_TENANT, loggingConfig={"logFormat": "JSON"})
    seen = {tenant: [served(space, "tenants", tenant) for _ in range(3)] for tenant in ("blue", "green")}
    assert all(len({*streams}) == 1 for streams in seen.values()), seen
    assert not {*seen["blue"]} & {*seen["green"]}
    assert served(space, "tenants", "blue") == seen["blue"][0]
    told = [tenants(space, pod["metadata"]["name"]) for pod in space.pods("tenants")]
    assert sorted(told) == [["blue"], ["green"]]


def test_a_tenant_gets_room_at_the_cap(space):
    """'If no execution environments exist, Lambda creates and assigns a new execution environment to that tenant.'"""
    space.apply(
        "crowded", handler="conformance.context", timeout=10, tenancyConfig=PER_TENANT, scaling={"maxEnvironments": 1},
    )
    streams = [served(space, "crowded", tenant) for tenant in ("blue", "green", "blue")]
    assert len({*streams}) == 3


def test_a_tenant_is_required_and_only_there(space):
    """Troubleshooting: 'This error occurs when invoking a tenant-isolated function without a tenant ID, or invoking a
    non-tenant-isolated function with a tenant ID.'"""
    space.apply("strict", handler="conformance.context", tenancyConfig=PER_TENANT)
    space.apply("lax", handler="conformance.context")
    served(space, "strict", "blue")
    assert space.invoke("lax", {"sleep_ms": 0}).error is None
    for name, arguments in (("strict", {}), ("lax", {"TenantId": "blue"})):
        refused = space.invoke(name, **arguments)
        assert (refused.status, refused.error) == (400, "InvalidParameterValueException"), name
        assert "tenancy configuration" in refused.json["Error"]["Message"]


def test_tenancy_cannot_be_changed(space):
    """'Tenant isolation configuration cannot be modified after function creation.' (API_TenancyConfig)"""
    space.apply("fixed", handler="conformance.context", tenancyConfig=PER_TENANT)
    changed = space.apply("fixed", check=False, handler="conformance.context")
    assert changed.returncode != 0 and "spec.tenancyConfig is immutable" in changed.stderr
