"""What the chart renders: Pod Security, rights, refusals. Needs helm, and no cluster.

helm is $HELM, or in PATH, or target/tools/bin/helm.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/kubelambda"
HELM = os.environ.get("HELM") or shutil.which("helm") or str(ROOT / "target/tools/bin/helm")
REQUIRED = ("gateway.auth=none", "image.registry=registry.example.com/team")
METRICS = (
    "invocation_duration_seconds", "init_duration_seconds", "remaining_time_seconds", "wait_seconds",
    "memory_used_bytes", "invocations_total", "cold_starts_total", "environments", "invocations_in_flight",
)
RUNTIME_API = "kubelambda.dev/v1alpha1/Runtime"
MONITOR_API = "monitoring.coreos.com/v1/ServiceMonitor"

# Sets of values that between them turn everything on and off.
COMBINATIONS = {
    "defaults": (),
    "one of each": ("operator.replicas=1", "gateway.replicas=1", "image.tag=dev"),
    "everything off": (
        "networkPolicy.enabled=false", "runtimes.enabled=false", "rbac.aggregate=false",
        "monitoring.serviceMonitor.enabled=false", "monitoring.dashboard.enabled=false",
    ),
    "everything on": (
        "monitoring.serviceMonitor.force=true", "registry.caBundle=-----BEGIN CERTIFICATE-----", "priorityClassName=high",
        "imagePullSecrets[0].name=pull", "nodeSelector.disk=ssd", "tolerations[0].operator=Exists", "podAnnotations.a=b",
        "networkPolicy.functions.apiServerCidrs[0]=10.96.0.1/32", "networkPolicy.functions.extraEgress[0].ports[0].port=5432",
        "networkPolicy.apiFrom[0].podSelector.matchLabels.a=b", "functionNamespaces={a,b}",
        "runtimes.overrides.python3\\.13.image=own/python:1", "runtimes.overrides.python3\\.13.version=python:3.13.v45",
        "tracing.otlp.endpoint=https://collector.test/otlp",
        "tracing.otlp.headersSecret=otlp", "tracing.otlp.caConfigMap=trust", "operator.image.digest=sha256:" + "0" * 64,
    ),
}


def helm(*settings, apis=(), required=REQUIRED, command=("template", "kubelambda", str(CHART))):
    """Runs helm with these values; returns the finished process."""
    arguments = [part for setting in (*required, *settings) for part in ("--set", setting)]
    arguments += [part for api in apis for part in ("--api-versions", api)]
    if command[0] == "template":
        arguments += ["--namespace", "kubelambda", "--kube-version", "1.35.0"]
    return subprocess.run([HELM, *command, *arguments], capture_output=True, text=True, timeout=60)


@functools.cache
def render(*settings, apis=()):
    """The objects that the chart renders to; a List counts as what is in it."""
    done = helm(*settings, apis=apis)
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    return [inner for one in objects for inner in (one["items"] if one["kind"] == "List" else [one])]


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def named(objects, kind, name):
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"] == name]
    return found


def arguments(deployment):
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(argument.split("=", 1) for argument in container["args"])


@pytest.fixture(params=COMBINATIONS, name="objects")
def rendered(request):
    return render(*COMBINATIONS[request.param])


@pytest.mark.parametrize("values", COMBINATIONS)
def test_lint_has_nothing_to_say(values):
    done = helm(*COMBINATIONS[values], command=("lint", "--strict", "--quiet", str(CHART)))
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_objects_are_distinct_and_labelled(objects):
    def key(one):
        return one["apiVersion"], one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]
    assert len({key(one) for one in objects}) == len(objects)
    for one in objects:
        if one["kind"] != "CustomResourceDefinition":
            assert one["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm", key(one)


def test_pods_are_restricted(objects):
    deployments = of_kind(objects, "Deployment")
    assert {one["metadata"]["name"] for one in deployments} == {"kubelambda-operator", "kubelambda-gateway"}
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & pod.keys()
        assert pod["securityContext"] == {
            "runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert all("configMap" in volume for volume in pod.get("volumes", []))
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
            assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
            assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
            assert not any("hostPort" in port for port in container["ports"])


def test_rights_have_no_wildcard_and_no_way_up(objects):
    for role in of_kind(objects, "Role", "ClusterRole"):
        for rule in role["rules"]:
            words = rule["apiGroups"] + rule["resources"] + rule["verbs"] + rule.get("resourceNames", [])
            assert not any("*" in word for word in words), role["metadata"]["name"]
            assert "nonResourceURLs" not in rule
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
            assert not {"pods/exec", "pods/attach", "pods/portforward", "nodes/proxy", "serviceaccounts/token"} & set(rule["resources"])
            assert "rbac.authorization.k8s.io" not in rule["apiGroups"]


# Every right of the two programs: what they ask the API server for, and nothing else.
WATCHED = "list watch"
RIGHTS = {
    ("ClusterRole", "kubelambda-gateway"): {
        ("kubelambda.dev", "functions"): WATCHED, ("kubelambda.dev", "runtimes"): WATCHED,
        ("", "namespaces"): WATCHED, ("", "pods"): WATCHED,
    },
    ("Role", "kubelambda-gateway"): {("", "secrets", "kubelambda-link-key"): "get"},
    ("ClusterRole", "kubelambda-operator"): {
        ("kubelambda.dev", "functions"): WATCHED, ("kubelambda.dev", "runtimes"): WATCHED,
        ("kubelambda.dev", "functions/status"): "patch", ("", "namespaces"): WATCHED,
        ("", "pods"): "create delete list watch", ("events.k8s.io", "events"): "create patch",
    },
    ("Role", "kubelambda-operator"): {
        ("coordination.k8s.io", "leases"): "create", ("coordination.k8s.io", "leases", "kubelambda-operator"): "get update",
        ("", "secrets"): "create", ("", "secrets", "kubelambda-link-key"): "get",
    },
    ("ClusterRole", "kubelambda-image-pull-secrets"): {("", "secrets"): "get"},
}


def test_rights_are_those_that_are_used(objects):
    found = {}
    for role in of_kind(objects, "Role", "ClusterRole"):
        if any(label.startswith("rbac.authorization.k8s.io/aggregate") for label in role["metadata"]["labels"]):
            continue  # For people.
        rights = found.setdefault((role["kind"], role["metadata"]["name"]), {})
        for rule in role["rules"]:
            keys = [(group, kind, *rule.get("resourceNames", [])) for group in rule["apiGroups"] for kind in rule["resources"]]
            assert not rights.keys() & set(keys)
            rights.update({key: " ".join(sorted(rule["verbs"])) for key in keys})
    assert found == RIGHTS


def test_nobody_has_secrets_cluster_wide(objects):
    bound = {one["roleRef"]["name"] for one in of_kind(objects, "ClusterRoleBinding")}
    assert bound == {"kubelambda-operator", "kubelambda-gateway"}
    for role in of_kind(objects, "ClusterRole"):
        secrets = [rule for rule in role["rules"] if "secrets" in rule["resources"]]
        if role["metadata"]["name"] == "kubelambda-image-pull-secrets":
            assert [rule["verbs"] for rule in secrets] == [["get"]]
            assert not any(label.startswith("rbac.authorization.k8s.io/aggregate") for label in role["metadata"]["labels"])
        else:
            assert not secrets, role["metadata"]["name"]
    for role in of_kind(objects, "Role"):
        assert role["metadata"]["namespace"] == "kubelambda"
        for rule in role["rules"]:
            if "secrets" in rule["resources"] and rule["verbs"] != ["create"]:
                assert (rule["verbs"], rule["resourceNames"]) == (["get"], ["kubelambda-link-key"])
    for binding in of_kind(objects, "RoleBinding"):
        assert binding["roleRef"]["kind"] == "Role"


def test_definitions_are_kept(objects):
    definitions = {one["metadata"]["name"]: one for one in of_kind(objects, "CustomResourceDefinition")}
    assert {"functions.kubelambda.dev", "runtimes.kubelambda.dev"} <= definitions.keys()
    for definition in definitions.values():
        assert definition["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(("required", "said"), [
    (REQUIRED[1:], "gateway.auth is required and has no default"),
    (REQUIRED[:1], "image.registry is required"),
])
def test_what_has_no_default_is_asked_for(required, said):
    done = helm(required=required)
    assert done.returncode != 0 and said in done.stderr


@pytest.mark.parametrize(("setting", "said"), [
    ("gateway.auth=iam", "/gateway/auth"),
    ("gateway.autth=none", "'autth' not allowed"),
    ("bogus=1", "'bogus' not allowed"),
    ("operator.replicas=0", "/operator/replicas"),
    ("operator.replicas=two", "/operator/replicas"),
    ("gateway.service.port=9090", "/gateway/service/port"),
    ("environments.idleTimeoutSeconds=0", "/environments/idleTimeoutSeconds"),
    ("runtimes.overrides.x.entrypoint={a}", "'entrypoint' not allowed"),
    ("runtimes.overrides.x.variables.A=b", "runtimes.overrides.x.image is required"),
    ("networkPolicy.functions.blockedCidrs={here}", "/networkPolicy/functions/blockedCidrs/0"),
    ("registry.caBundle=/etc/ca.crt", "/registry/caBundle"),
    ("tracing.otlp.endpoint=collector:4317", "/tracing/otlp/endpoint"),
    ("tracing.otlp.headersSecret=otlp", "of use with tracing.otlp.endpoint only"),
])
def test_a_wrong_value_is_refused(setting, said):
    done = helm(setting)
    assert done.returncode != 0 and said in done.stderr, done.stderr


def test_every_value_is_described():
    def walk(schema, path):
        for name, inner in schema.get("properties", {}).items():
            assert inner.get("description"), f"{path}.{name}"
            if inner.get("type") == "object" and "properties" in inner:
                assert inner["additionalProperties"] is False, f"{path}.{name}"
            walk(inner, f"{path}.{name}")
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["additionalProperties"] is False
    walk(schema, "")
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values.keys() == schema["properties"].keys() - {"global"}


def test_budgets_are_for_more_than_one():
    def budgets(*settings):
        found = of_kind(render(*settings), "PodDisruptionBudget")
        assert all(one["spec"]["minAvailable"] == 1 for one in found)
        return {one["metadata"]["name"] for one in found}
    assert budgets() == {"kubelambda-operator", "kubelambda-gateway"}
    assert budgets("gateway.replicas=1") == {"kubelambda-operator"}
    assert budgets(*COMBINATIONS["one of each"]) == set()


def test_programs_get_their_settings():
    objects = render(
        "image.tag=dev", "region=eu-west-1", "environments.idleTimeoutSeconds=30", "environments.imagePullPolicy=Always",
        "registry.caConfigMap=trust",
    )
    operator = named(objects, "Deployment", "kubelambda-operator")
    assert arguments(operator) == {
        "--namespace": "$(POD_NAMESPACE)", "--shim-image": "registry.example.com/team/kubelambda/runtime-shim:dev",
        "--idle-timeout": "30", "--region": "eu-west-1", "--image-pull-policy": "Always",
        "--registry-ca-file": "/etc/kubelambda/registry-ca/ca.crt",
    }
    (volume,) = operator["spec"]["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == "trust"
    gateway = named(objects, "Deployment", "kubelambda-gateway")
    assert arguments(gateway) == {
        "--auth": "none", "--region": "eu-west-1", "--default-namespace": "default",
        "--operator": "kubelambda-operator.kubelambda.svc:9710", "--namespace": "$(POD_NAMESPACE)",
    }
    assert gateway["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 1000


def test_spans_go_to_the_collector_and_its_key_stays_a_secret():
    settings = ("endpoint=https://collector.test:4318", "headersSecret=otlp-key", "caConfigMap=trust")
    deployment = named(render(*(f"tracing.otlp.{one}" for one in settings)), "Deployment", "kubelambda-gateway")
    given = arguments(deployment)
    assert given["--otlp-endpoint"] == "https://collector.test:4318"
    assert given["--otlp-certificate"] == "/etc/kubelambda/otlp-ca/ca.crt"
    pod = deployment["spec"]["template"]["spec"]
    (headers,) = [one for one in pod["containers"][0]["env"] if one["name"] == "OTEL_EXPORTER_OTLP_HEADERS"]
    assert headers["valueFrom"] == {"secretKeyRef": {"name": "otlp-key", "key": "headers"}}
    assert [volume["configMap"]["name"] for volume in pod["volumes"]] == ["trust"]
    assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == "/etc/kubelambda/otlp-ca"


def test_an_upgrade_may_reuse_values_from_before_tracing():
    """`helm upgrade --reuse-values` keeps the earlier release's values; those of one before `tracing` have none."""
    for gone in ("tracing=null", "tracing.otlp=null"):
        given = arguments(named(render(gone), "Deployment", "kubelambda-gateway"))
        assert not [name for name in given if "otlp" in name], gone


def test_services_reach_the_pods(objects):
    headless = named(objects, "Service", "kubelambda-operator")["spec"]
    assert headless["clusterIP"] == "None" and headless["publishNotReadyAddresses"] is True
    assert {port["name"]: port["port"] for port in headless["ports"]} == {"link": 9710, "metrics": 9090}
    api = named(objects, "Service", "kubelambda-gateway")["spec"]
    assert api["type"] == "ClusterIP"
    assert {port["name"]: port["port"] for port in api["ports"]} == {"api": 9000, "metrics": 9090}
    for service in of_kind(objects, "Service"):
        template = named(objects, "Deployment", service["metadata"]["name"])["spec"]["template"]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_functions_reach_neither_metadata_service_nor_api_server():
    objects = render(*COMBINATIONS["everything on"])
    policies = [one for one in of_kind(objects, "NetworkPolicy") if one["metadata"]["name"] == "kubelambda-environments"]
    assert [one["metadata"]["namespace"] for one in policies] == ["a", "b"]
    for policy in policies:
        spec = policy["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert spec["podSelector"]["matchLabels"] == {
            "app.kubernetes.io/component": "environment", "app.kubernetes.io/managed-by": "kubelambda",
        }
        assert [[port["port"] for port in rule["ports"]] for rule in spec["ingress"]] == [[9700]]
        blocks = {
            peer["ipBlock"]["cidr"]: peer["ipBlock"]["except"]
            for rule in spec["egress"] for peer in rule.get("to", []) if "ipBlock" in peer
        }
        assert blocks == {"0.0.0.0/0": ["169.254.169.254/32", "10.96.0.1/32"], "::/0": ["fd00:ec2::254/128"]}
        assert {"ports": [{"port": 5432}]} in spec["egress"]


@pytest.mark.parametrize("apis", [(), (RUNTIME_API,)])
def test_runtimes_are_kept_and_complete(apis):
    found = {one["metadata"]["name"]: one for one in of_kind(render(*COMBINATIONS["everything on"], apis=apis), "Runtime")}
    names = """python3.11 python3.12 python3.13 python3.14 nodejs20.x nodejs22.x nodejs24.x java11 java17 java21 java25
               ruby3.3 ruby3.4 dotnet8 dotnet10 provided.al2023"""
    assert found.keys() == set(names.split())
    for runtime in found.values():
        assert runtime["spec"]["entryPoint"] == ["/lambda-entrypoint.sh"]
        assert runtime["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert found["provided.al2023"]["spec"]["image"] == "public.ecr.aws/lambda/provided:al2023"
    own = found["python3.13"]["spec"]
    assert (own["image"], own["version"]) == ("own/python:1", "python:3.13.v45")


def test_runtimes_have_a_version():
    """Guide, runtime-management-identify: "The runtime version number and ARN are logged in the INIT_START log line". """
    for runtime in of_kind(render(), "Runtime"):
        language, release = re.fullmatch(r"([a-z]+)\.?(.+?)(?:\.x)?", runtime["metadata"]["name"]).groups()
        assert re.fullmatch(rf"{language}:{re.escape(release)}\.v[1-9]\d*", runtime["spec"]["version"]), runtime


def test_runtimes_come_after_their_definition():
    """Helm cannot map an object to an API that the same release brings, so it must be a hook then, and only then."""
    first, later = helm().stdout, helm(apis=(RUNTIME_API,)).stdout
    hooks = [one for one in yaml.safe_load_all(first) if one and one["kind"] == "List"]
    assert [one["metadata"]["annotations"] for one in hooks] == [{"helm.sh/hook": "post-install"}]
    for runtime in hooks[0]["items"]:
        assert runtime["metadata"]["annotations"].items() >= {
            "meta.helm.sh/release-name": "kubelambda", "meta.helm.sh/release-namespace": "kubelambda",
        }.items()
    assert "helm.sh/hook" not in later


def test_monitor_is_made_where_it_is_known():
    assert not of_kind(render(), "ServiceMonitor")
    (monitor,) = of_kind(render(apis=(MONITOR_API,)), "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["honorLabels"] is True
    assert of_kind(render("monitoring.serviceMonitor.force=true"), "ServiceMonitor")


def test_dashboard_shows_every_metric():
    board = named(render(), "ConfigMap", "kubelambda-dashboard")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    panels = [panel for panel in json.loads(board["data"]["kubelambda.json"])["panels"] if panel["type"] != "row"]
    queries = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    assert all(f"kubelambda_{metric}" in queries for metric in METRICS)
    taken = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in panels for dx in range(p["gridPos"]["w"]) for dy in range(p["gridPos"]["h"])]
    assert len(taken) == len(set(taken)), "panels overlap"
