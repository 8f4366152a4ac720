"""No pod but the right one can act as an environment, and no pod but a gateway or the operator can reach into one.

Each test runs a second pod on the real cluster which has everything that a function's code could have: a network,
the addresses, the protocol, and a ticket of its own. Both must fail without any NetworkPolicy.
"""

import json

from cluster import eventually, get, kubectl

ENVIRONMENT_PORT = 9700
OPERATOR_PORT = 9710

FRAMES = '''
import json, socket, struct

def connect(address, port):
    link = socket.create_connection((address, port), timeout=10)
    link.settimeout(10)
    return link

def send(link, header, body=b""):
    head = json.dumps(header).encode()
    link.sendall(struct.pack(">II", 4 + len(head) + len(body), len(head)) + head + body)

def read(link):
    try:
        prefix = link.recv(4, socket.MSG_WAITALL)
        if len(prefix) < 4:
            return None
        data = link.recv(struct.unpack(">I", prefix)[0], socket.MSG_WAITALL)
        return json.loads(data[4 : 4 + struct.unpack(">I", data[:4])[0]])
    except (ConnectionError, TimeoutError):
        return None
'''

REACHES_IN = FRAMES + '''
def handler(event, context):
    """Speaks as a gateway and as the operator to another pod's shim, without the key."""
    seen = []
    for role in ("gateway", "operator"):
        link = connect(event["address"], event["port"])
        opening = read(link)
        send(link, {"version": 1, "role": role, "nonce": "00" * 32, "signature": "00" * 64})
        send(link, {"type": "drain"})
        seen.append({"opening": opening, "answer": read(link)})
    return seen
'''

ACTS_AS = FRAMES + '''
def handler(event, context):
    """Announces another pod to the operator, with claims that it read somewhere and a proof that it made up."""
    link = connect(event["address"], event["port"])
    send(link, {"type": "environment", "version": 1, "claims": event["claims"], "nonce": "00" * 32})
    challenge = read(link)
    send(link, {"proof": "00" * 32})
    send(link, {"type": "state", "phase": "free"})
    return {"challenge": challenge, "answer": read(link)}
'''


def victim(space):
    space.apply("victim", handler="conformance.echo")
    assert space.invoke("victim", {"n": 1}).json == {"n": 1}
    # It serves before the kubelet has told the API server of its address.
    return eventually(lambda: next((pod for pod in space.pods("victim") if "podIP" in pod["status"]), None))


def test_a_stranger_cannot_reach_into_an_environment(space):
    pod = victim(space)
    space.apply("intruder", code={"inline": {"code.py": REACHES_IN}}, handler="code.handler", timeout=60)
    seen = space.invoke("intruder", {"address": pod["status"]["podIP"], "port": ENVIRONMENT_PORT})
    assert seen.error is None, seen.payload
    for attempt in seen.json:
        # The link opens, so the attempt reached the shim; it says nothing more to who cannot prove itself.
        assert attempt["opening"]["claims"]["pod"] == pod["metadata"]["name"]
        assert attempt["answer"] is None
    assert space.invoke("victim", {"n": 2}).json == {"n": 2}


def test_a_stranger_cannot_act_as_an_environment(space):
    pod = victim(space)
    ticket = next(
        entry["value"] for container in pod["spec"]["containers"] for entry in container.get("env", [])
        if entry["name"] == "KUBELAMBDA_TICKET"
    )
    operators = get("pods", namespace="kubelambda", selector="app.kubernetes.io/component=operator")
    operators = [pod for pod in operators if "podIP" in pod["status"] and "deletionTimestamp" not in pod["metadata"]]
    assert operators
    space.apply("impostor", code={"inline": {"code.py": ACTS_AS}}, handler="code.handler", timeout=60)
    for operator in operators:
        event = {
            "address": operator["status"]["podIP"], "port": OPERATOR_PORT, "claims": json.loads(ticket)["claims"],
        }
        seen = space.invoke("impostor", event)
        assert seen.error is None, seen.payload
        assert seen.json["answer"] is None
    assert space.invoke("victim", {"n": 3}).json == {"n": 3}
    assert space.pods("victim")[0]["metadata"]["uid"] == pod["metadata"]["uid"]


def test_code_inside_a_function_sees_nothing_of_the_platform(space):
    """No token of Kubernetes, no ticket, no environment or memory of the shim."""
    space.apply("inside", handler="conformance.environment")
    seen = space.invoke("inside").json
    assert not [name for name in seen["variables"] if name.startswith(("KUBE", "KUBELAMBDA"))]
    assert seen["readable_service_account_token"] is False
    assert seen["readable_memory_of_pid_1"] is False
    assert seen["readable_environ_of_processes"]["1"] is False
    assert seen["capabilities"] == "0000000000000000" and seen["no_new_privileges"] == "1"
    assert seen["writable"]["/"] is False and seen["writable"]["/tmp"] is True


def test_function_pods_satisfy_pod_security_restricted(space):
    pod = victim(space)
    labels = get("namespace", space.name)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert "hostNetwork" not in pod["spec"]
