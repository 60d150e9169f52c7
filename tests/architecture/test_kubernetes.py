"""deploy/kubernetes: valid by Kubernetes' own schemas, and at one with the code it runs."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from services.api.metrics import DRAIN_LAG, WEBHOOK_QUEUED
from services.console.main import main
from services.console.settings import PROJECT, Settings, variables
from services.worker.settings import WorkerSettings
from tests.support.deployed import contract_paths, longest_end

KUBERNETES = PROJECT / "deploy" / "kubernetes"
SCHEMAS = PROJECT / "tests" / "support" / "kubernetes" / "schemas-1.34.json"
Document = dict[str, Any]


def _documents(folder: Path = KUBERNETES) -> Iterator[Document]:
    for file in sorted(folder.rglob("*.yaml")):
        if file.name not in {"kustomization.yaml", "external-metrics.yaml"}:
            yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


def _of_kind(kind: str) -> dict[str, Document]:
    return {one["metadata"]["name"]: one for one in _documents() if one["kind"] == kind}


WORKLOADS = _of_kind("Deployment") | _of_kind("Job")


@pytest.fixture(scope="module")
def schemas() -> Document:
    """The published schemas, strict: a word that Kubernetes does not know is a fault."""
    read: Document = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    return read


def _faults(schemas: Document, document: Document) -> list[str]:
    group, _, version = document["apiVersion"].rpartition("/")
    slice_ = group.removesuffix(".k8s.io") or "core"
    name = f"io.k8s.api.{slice_}.{version}.{document['kind']}"
    schema = {**schemas, "$ref": f"#/$defs/{name}"}
    return [
        f"{fault.json_path}: {fault.message}"
        for fault in Draft202012Validator(schema).iter_errors(document)
    ]


@pytest.mark.parametrize(
    "document", list(_documents()), ids=lambda one: f"{one['kind']} {one['metadata']['name']}"
)
def test_each_document_is_one_that_kubernetes_takes(schemas: Document, document: Document) -> None:
    assert _faults(schemas, document) == []


def test_the_schemas_find_a_word_that_kubernetes_does_not_know(schemas: Document) -> None:
    broken = json.loads(json.dumps(WORKLOADS["wufei-api"]))
    broken["spec"]["template"]["spec"]["containers"][0]["livenessProbes"] = {}
    assert any("livenessProbes" in fault for fault in _faults(schemas, broken))


@pytest.mark.parametrize("overlay", ["overlays/site", "overlays/site/before"])
def test_an_overlay_is_whole_where_kustomize_is_at_hand(
    schemas: Document, overlay: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("kustomization.yaml", *_resources(KUBERNETES / overlay)):
        assert (KUBERNETES / overlay / file).exists()
    if shutil.which("kubectl") is None:
        with capsys.disabled():
            print("\nno kubectl is at hand: overlays not put together")  # noqa: T201
        return
    done = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / overlay)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    built = list(yaml.safe_load_all(done.stdout))
    assert built
    for document in built:
        assert _faults(schemas, document) == []
        if document["kind"] in {"Deployment", "Job"}:
            labels = document["spec"]["template"]["metadata"]["labels"]
            assert labels["app.kubernetes.io/part-of"] == "wufei"
            assert ":" in document["spec"]["template"]["spec"]["containers"][0]["image"]


COMPONENTS = ("drops-folder", "drops-sftp", "sign-in-apps")


def _with(component: str, folder: Path) -> list[Document] | None:
    """Return a site put together with a component; None: kustomize is not at hand."""
    if shutil.which("kubectl") is None:
        return None
    site = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "wufei",
        "resources": [os.path.relpath(KUBERNETES / "overlays" / "site", folder)],
        "components": [os.path.relpath(KUBERNETES / "components" / component, folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return list(yaml.safe_load_all(done.stdout))


def test_the_components_are_those_that_a_site_is_told_of() -> None:
    assert {one.name for one in (KUBERNETES / "components").iterdir()} == set(COMPONENTS)
    site = (KUBERNETES / "overlays/site/kustomization.yaml").read_text(encoding="utf-8")
    told = re.findall(r"^#   - \.\./\.\./components/(\S+)$", site, re.MULTILINE)
    assert sorted(told) == sorted(COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_site_takes_a_component_where_kustomize_is_at_hand(
    schemas: Document, component: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = _with(component, tmp_path)
    if built is None:
        with capsys.disabled():
            print("\nno kubectl is at hand: components not put together")  # noqa: T201
        return
    for document in built:
        assert _faults(schemas, document) == []
    (worker,) = [
        one
        for one in built
        if one["metadata"]["name"] == "wufei-worker"
        and "spec" in one
        and one["kind"] == "Deployment"
    ]
    (api,) = [one for one in built if one["kind"] == "Deployment" and one is not worker]
    assert "drops" not in json.dumps(api), "the API drops nothing, and needs no key"
    if component != "sign-in-apps":
        _drops(worker["spec"]["template"]["spec"], built)


def _drops(pod: Document, built: list[Document]) -> None:
    """See that the worker is told where it drops files, and that it has all of that there."""
    (container,) = pod["containers"]
    (settings,) = [
        one for one in built if one["kind"] == "ConfigMap" and "WUFEI_DROPS" in one["data"]
    ]
    assert {"configMapRef": {"name": settings["metadata"]["name"]}} in container["envFrom"]
    place = settings["data"]["WUFEI_DROPS"]
    named = re.findall(r"=(/[^&]+)/", place) if place.startswith("sftp://") else [place]
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert named
    assert set(named) <= set(mounts)
    assert {mounts[one] for one in named} <= {one["name"] for one in pod["volumes"]}
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    if place.startswith("sftp://"):
        assert "wufei-worker-to-sftp" in {one["metadata"]["name"] for one in built}


def _resources(folder: Path) -> list[str]:
    said: Document = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return list(said["resources"])


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_is_confined(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = re.findall(r"^USER (\d+):(\d+)$", _containerfile(), re.MULTILINE)
    context = pod["securityContext"]
    assert user == [(str(context["runAsUser"]), str(context["runAsGroup"]))]
    assert set(container["resources"]) == {"requests", "limits"}


def _containerfile() -> str:
    return (PROJECT / "deploy" / "Containerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_runs_a_command_that_exists_and_reads_its_secrets_by_name(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (container,) = WORKLOADS[name]["spec"]["template"]["spec"]["containers"]
    with pytest.raises(SystemExit) as ended:
        main([*container["args"], "--help"])
    assert ended.value.code == 0
    assert container["args"][0] in capsys.readouterr().out
    assert {"secretRef": {"name": "wufei-servers"}} in container["envFrom"]
    secret = {one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one}
    assert ("wufei-owner" in secret) == (name == "wufei-migrate")
    assert "env" not in container


def test_no_file_holds_a_secret() -> None:
    assert _of_kind("Secret") == {}


def _settings() -> dict[str, str]:
    base = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    (settings,) = base["configMapGenerator"]
    return dict(one.split("=", 1) for one in settings["literals"])


def test_each_setting_that_is_given_exists() -> None:
    given = _settings()
    assert set(given) <= {variable for variable, _ in variables()}
    assert float(given["WUFEI_STOP_WITHIN"]) == Settings.model_fields["stop_within"].default


def test_probes_ask_for_paths_and_the_port_that_are_served() -> None:
    (container,) = WORKLOADS["wufei-api"]["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert f"WUFEI_PORT={port['containerPort']}" in _containerfile()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in contract_paths()
        assert asked["port"] == port["name"]


def test_the_worker_serves_its_metrics_where_they_are_read() -> None:
    template = WORKLOADS["wufei-worker"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    served = str(WorkerSettings.model_fields["worker_metrics"].validation_alias)
    address = f"0.0.0.0:{port['containerPort']}"
    assert _settings()[served] == address
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    compose = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["worker"]["environment"][served] == address


def test_what_the_ingress_shows_is_served_and_figures_are_not_shown() -> None:
    ingress = _of_kind("Ingress")["wufei"]
    (rule,) = ingress["spec"]["rules"]
    shown = {path["path"] for path in rule["http"]["paths"]}
    outside = set(contract_paths()) - {"/healthz", "/readyz", "/metrics"}
    assert not {path for path in outside if not path.startswith(tuple(shown))}
    assert not shown & {"/", "/metrics", "/readyz"}
    assert {one["backend"]["service"]["name"] for one in rule["http"]["paths"]} <= set(
        _of_kind("Service")
    )


@pytest.mark.parametrize("name", ["wufei-api", "wufei-worker"])
def test_a_pod_is_killed_only_after_it_had_its_time_to_end(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    before = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", "00")
    needed = float(before[1]) + longest_end(name.removeprefix("wufei-")) + 2
    assert pod["terminationGracePeriodSeconds"] >= needed


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "HorizontalPodAutoscaler"])
def test_both_doors_have_a_budget_and_a_scale_that_leaves_it_room(kind: str) -> None:
    deployments = _of_kind("Deployment")
    found = _of_kind(kind)
    assert set(found) == set(deployments)
    for name, one in found.items():
        if kind == "PodDisruptionBudget":
            assert one["spec"]["selector"] == deployments[name]["spec"]["selector"]
        else:
            budget = _of_kind("PodDisruptionBudget")[name]["spec"]["minAvailable"]
            assert one["spec"]["minReplicas"] > budget
            assert one["spec"]["scaleTargetRef"]["name"] == name


def test_the_worker_is_scaled_by_metrics_that_are_told() -> None:
    scaler = _of_kind("HorizontalPodAutoscaler")["wufei-worker"]
    asked = {one["external"]["metric"]["name"] for one in scaler["spec"]["metrics"]}
    text = (KUBERNETES / "external-metrics.yaml").read_text(encoding="utf-8")
    rules = yaml.safe_load(text)["externalRules"]
    assert asked == {rule["name"]["as"] for rule in rules}
    told = set(re.findall(r"\bwufei_\w+", (PROJECT / "services/api/metrics.py").read_text()))
    assert {rule["seriesQuery"] for rule in rules} == {WEBHOOK_QUEUED._name, DRAIN_LAG._name}
    for rule in rules:
        assert set(re.findall(r"\bwufei_\w+", rule["metricsQuery"])) <= told


def test_traffic_is_refused_but_for_what_is_named() -> None:
    policies = {name: one["spec"] for name, one in _of_kind("NetworkPolicy").items()}
    nothing = policies.pop("wufei-nothing-else")
    assert "ingress" not in nothing
    assert "egress" not in nothing
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    for name, one in policies.items():
        if "ingress" in one:
            door = one["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            (container,) = WORKLOADS[door]["spec"]["template"]["spec"]["containers"]
            assert [each["ports"] for each in one["ingress"]] == [
                [{"protocol": "TCP", "port": container["ports"][0]["containerPort"]}]
            ], name
            assert all(
                source["namespaceSelector"]["matchLabels"] for source in one["ingress"][0]["from"]
            )
    outside = {name for name, one in policies.items() if "ipBlock" in json.dumps(one.get("egress"))}
    assert outside == set(_OUT)
    for name, (door, port) in _OUT.items():
        one = policies[name]
        assert one["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": door}}
        assert [each["ports"] for each in one["egress"]] == [[{"protocol": "TCP", "port": port}]]


_OUT = {
    "wufei-worker-to-receivers": ("wufei-worker", 443),
    "wufei-worker-to-sftp": ("wufei-worker", 22),
    "wufei-api-to-sign-in-apps": ("wufei-api", 443),
}
"""Who may call out of the cluster, and where."""
