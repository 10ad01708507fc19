"""The chart of `deploy/helm`: linted and rendered by Helm's own library, and held against the schemas of Kubernetes.

No cluster is here: what the pods run is tried in `test_image.py`, and what the objects say is looked at.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.deployed import DEPLOY

from api.settings import Settings

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".foreign" / "deploy" / "bin" / "python"
RENDER = Path(__file__).parent / "deploy" / "render.py"
VALUES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "all of it": {
        "ingress": {"enabled": True, "tlsSecret": "desk-tls"},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "only", "operator": "Exists"}],
        "settings": {"FRONTDESK_LOG_LEVEL": "warning"},
    },
    "little": {
        "autoscaling": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "assistantsConfigMap": "mine",
        "settings": {},
    },
}
Objects = dict[str, dict[str, Any]]


def render(values: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [PYTHON, RENDER], input=json.dumps(values), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(params=VALUES)
def objects(request: pytest.FixtureRequest) -> Objects:
    """The objects that a cluster would be told, by kind; of ConfigMaps the first. Kubernetes knows each field of them."""
    told = render({"existingSecret": "desk-secret", **VALUES[request.param]})
    assert told["lint"]["errors"] == []
    found: Objects = {}
    for one in told["objects"]:
        found.setdefault(one["kind"], one)
    return found


def pod_of(one: dict[str, Any]) -> dict[str, Any]:
    return dict(one["spec"]["template"]["spec"])


def test_each_pod_has_no_rights_no_place_to_write_and_no_token_of_the_cluster(objects: Objects) -> None:
    """G333."""
    for kind in ("Deployment", "Job"):
        pod = pod_of(objects[kind])
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        assert pod["automountServiceAccountToken"] is False
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounts = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert mounts == {"/data", "/tmp"}  # noqa: S108 (of the pod)
        assert {"secretRef": {"name": "desk-secret"}} in container["envFrom"]
        assert "limits" in container["resources"]


def test_a_pod_has_the_time_to_end_that_its_runs_are_given(objects: Objects) -> None:
    pod = pod_of(objects["Deployment"])
    [container] = pod["containers"]
    grace = int(objects["ConfigMap"]["data"]["FRONTDESK_SHUTDOWN_GRACE_S"])
    [_, pause] = container["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] > grace + int(pause)


def test_probes_ask_what_they_are_for(objects: Objects) -> None:
    """A restart helps nobody where the database is away."""
    [container] = pod_of(objects["Deployment"])["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8000, "metrics": int(objects["ConfigMap"]["data"]["FRONTDESK_METRICS_PORT"])}


def test_the_schema_is_brought_up_once_before_any_pod_of_the_new_version(objects: Objects) -> None:
    job = objects["Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"].get("parallelism", 1) == 1
    [container] = pod_of(job)["containers"]
    assert container["args"] == ["migrate"]
    assert container["image"] == pod_of(objects["Deployment"])["containers"][0]["image"]
    selected = objects["Deployment"]["spec"]["selector"]["matchLabels"].items()
    assert not selected <= job["spec"]["template"]["metadata"]["labels"].items(), "it would be sent requests"


def test_pods_are_scaled_by_their_streams_and_never_all_taken_at_once(objects: Objects) -> None:
    assert objects["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert objects["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    if (scaler := objects.get("HorizontalPodAutoscaler")) is None:
        assert objects["Deployment"]["spec"]["replicas"] == 2
        return
    assert "replicas" not in objects["Deployment"]["spec"], "an upgrade would undo what the autoscaler did"
    metrics = [one["pods"]["metric"]["name"] for one in scaler["spec"]["metrics"] if one["type"] == "Pods"]
    assert metrics == ["frontdesk_streams_open"]


def test_only_the_proxy_and_prometheus_reach_a_pod_each_at_its_port(objects: Objects) -> None:
    if (policy := objects.get("NetworkPolicy")) is None:
        return
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    reached = {
        rule["ports"][0]["port"]: rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in policy["spec"]["ingress"]
    }
    assert reached == {"http": "ingress-nginx", "metrics": "monitoring"}


def test_every_variable_is_a_setting_with_a_value_that_it_takes(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = objects["ConfigMap"]["data"]
    for name, value in data.items():
        assert name.removeprefix("FRONTDESK_").lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None).metrics_port == 9464


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"existingSecret": "s", "settings": {"FRONTDESK_JWT_SECRET": "in plain sight"}},
        {"existingSecret": "s", "settings": {"FRONTDESK_MAX_RUNS": 5}},
        {"existingSecret": "s", "replicas": 0},
    ],
    ids=["no secret", "a secret in the values", "a number", "no pod"],
)
def test_values_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    assert render(wrong)["lint"]["errors"]


def test_the_version_is_that_of_the_server() -> None:
    from api import __version__

    chart = yaml.safe_load((DEPLOY / "helm" / "frontdesk" / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
    assert f"frontdesk:{__version__}" in (DEPLOY / "compose.yaml").read_text()
