"""Plays the pods of deploy/kubernetes on podman, beside the servers of a running stack."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import yaml

from services.console.settings import PROJECT
from tests.deploy.engine import WORK, Failed, Stack, worker_of

_FOLDER = PROJECT / "deploy" / "kubernetes"
_FILES = {"wufei-migrate": "migrate/job.yaml", "wufei-api": "base/api.yaml"} | {
    "wufei-worker": "base/worker.yaml"
}
_HEALTHY = (
    "import urllib.request as web;"
    "print(web.urlopen('http://127.0.0.1:8000/healthz', timeout=5).status)"
)
_WITHIN = 300


async def play(stack: Stack, *, image: str, told: list[str]) -> None:
    """Run the migration to its end, then both doors, confined as the files say.

    Podman plays pods. What it lacks is left out here: probes (it asks with curl, which the image
    has not), secrets (given as settings), replicas, budgets, scaling and network policies.
    """
    settings = {
        "DATABASE_URL": "postgresql://wufei_service:"
        f"{stack.images['SERVICE_PASSWORD']}@postgres/wufei",
        "REDIS_URL": f"redis://:{stack.images['VALKEY_PASSWORD']}@valkey:6379/0",
        "WUFEI_SECRET_KEY": stack.images["WUFEI_SECRET_KEY"],
    }
    owner = f"postgresql://wufei:{stack.images['POSTGRES_PASSWORD']}@postgres/wufei"
    for name in _FILES:
        own = {"DATABASE_OWNER_URL": owner} if name == "wufei-migrate" else {}
        ours = worker_of(image) if name == "wufei-worker" else image
        container = await _play(stack, name, ours, {**settings, **own})
        confined = await _confinement(stack, container)
        if name == "wufei-migrate":
            await _ends_well(stack, container)
        elif name == "wufei-api":
            await _answers(stack, container)
        else:
            await _says(stack, container, "worker started")
        told.append(f"{name}: {confined}")
    for name in _FILES:
        await stack.engine.podman("kube", "down", str(_written(name)))


def _written(name: str) -> Any:
    return WORK / f"{name}.yaml"


async def _play(stack: Stack, name: str, image: str, settings: Mapping[str, str]) -> str:
    """Play one workload and return the name of its container."""
    documents = yaml.safe_load_all((_FOLDER / _FILES[name]).read_text(encoding="utf-8"))
    (workload,) = (one for one in documents if one["kind"] in {"Deployment", "Job"})
    template = workload["spec"]["template"]
    (container,) = template["spec"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe", "lifecycle"):
        container.pop(probe, None)
    container["image"] = image
    container["envFrom"] = [{"configMapRef": {"name": "wufei-servers"}}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": name},
        "spec": template["spec"],
    }
    given = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "wufei-servers"},
        "data": dict(settings),
    }
    _written(name).write_text(yaml.safe_dump_all([given, pod]), encoding="utf-8")
    network = f"{stack.name}_default"
    await stack.engine.podman("kube", "play", "--network", network, str(_written(name)))
    return f"{name}-{container['name']}"


async def _confinement(stack: Stack, container: str) -> str:
    (seen,) = json.loads(await stack.engine.podman("inspect", container))
    user, only_read = seen["Config"]["User"], seen["HostConfig"]["ReadonlyRootfs"]
    capabilities = seen["EffectiveCaps"] or []
    if not user.startswith("10001") or not only_read or capabilities:
        raise Failed(f"{container} runs as {user}, read-only {only_read}, with {capabilities}")
    return f"user {user}, read-only, no capability"


async def _ends_well(stack: Stack, container: str) -> None:
    code = (await stack.engine.podman("wait", container)).strip()
    if code != "0":
        raise Failed(f"{container} ended with {code}")


async def _answers(stack: Stack, container: str) -> None:
    async with asyncio.timeout(_WITHIN):
        while True:
            code, _ = await stack.engine.attempt(
                "podman", "exec", container, "python", "-c", _HEALTHY
            )
            if code == 0:
                return
            await asyncio.sleep(1)


async def _says(stack: Stack, container: str, word: str) -> None:
    async with asyncio.timeout(_WITHIN):
        while word not in await stack.engine.podman("logs", container):  # noqa: ASYNC110
            await asyncio.sleep(1)
