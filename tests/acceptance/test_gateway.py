"""What the gateway itself costs, as the kubelet counts it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from cluster import eventually, get, kubectl

MIB = 1024 * 1024
# Fresh it holds about 2 MiB. Four payloads at once need 48, which are to go when they go.
OWN_BYTES_MAX = 8 * MIB


def own_bytes_after(moment):
    """The gateway's anonymous memory at the first count after `moment`; none while there is no such count."""
    for node in get("nodes", namespace=""):
        stats = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"))
        for pod in stats["pods"]:
            for container in pod["containers"]:
                counted = container.get("memory", {})
                # Others may have a container of that name.
                if container["name"] == "gateway" and pod["podRef"]["name"].startswith("kubelambda-gateway"):
                    return counted["rssBytes"] if datetime.fromisoformat(counted["time"]) > moment else None
    return None


def test_what_large_payloads_needed_is_given_back(space):
    """Guide, "Lambda quotas": 'Invocation payload (request and response): 6 MB each for request and response
    (synchronous)'. They pass through the gateway's memory, and none of it stays there."""
    space.apply("large", code="python/sizes.py", handler="sizes.bytes_out", timeout=30, memorySize=512)
    event = {"bytes": 5 * MIB, "padding": "x" * (5 * MIB)}
    with ThreadPoolExecutor(4) as callers:
        for answer in callers.map(lambda _: space.invoke("large", event), range(32)):
            assert (answer.status, answer.error, len(answer.payload)) == (200, None, 5 * MIB)
    ended = datetime.now(UTC)
    held = eventually(lambda: own_bytes_after(ended), timeout=120, what="the kubelet to count the gateway's memory")
    assert held <= OWN_BYTES_MAX
