"""Runs podman on images and containers of the trial's own, and keeps the whole log."""

import asyncio
import os
import resource
import shutil
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.console.settings import PROJECT

WORK = PROJECT / "build" / "deploy-test"
COMPOSE_FILE = PROJECT / "deploy" / "compose.yaml"
_SECONDS = 1800
_MOST_FILES = 20_000
_MOST_PROCESSES = 4_096
_HEALTH_EVERY = 1.0


def worker_of(image: str) -> str:
    """Return the name of the worker's image on top of one of ours."""
    return f"{image}-worker"


class Failed(Exception):
    """A command ended otherwise than well, or something was not as it must be."""


@dataclass
class Engine:
    """Podman with storage of its own; each command and what it says goes to the log.

    Nothing here touches images, containers and volumes that others keep on this machine.
    """

    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    compose_files: dict[str, Path] = field(default_factory=dict)
    """The compose file that came with an image, where it is not that of this tree."""

    def prepare(self) -> None:
        """Write podman's own configuration."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        storage, containers = WORK / "storage.conf", WORK / "containers.conf"
        storage.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{WORK / "storage"}"\n'
            f'runroot = "{WORK / "run"}"\n'
        )
        containers.write_text(_containers_conf())
        self.environment = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(storage),
            "CONTAINERS_CONF": str(containers),
        }

    def note(self, line: str) -> None:
        """Say a line on the screen and in the log."""
        print(line, flush=True)
        self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(text)

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Time a step; what its body appends to the list is said with it."""
        self._write(f"\n=== {what}\n")
        told: list[str] = []
        began = time.monotonic()
        try:
            yield told
        except BaseException:
            self.note(f"FAILED  {time.monotonic() - began:7.1f} s  {what}")
            raise
        self.note(f"ok      {time.monotonic() - began:7.1f} s  {what}")
        for line in told:
            self.note(f"                   {line}")

    async def run(self, *command: str, env: Mapping[str, str] | None = None) -> str:
        """Run a command and return what it printed; its errors stand in the log.

        Raises:
            Failed: it ended otherwise than with 0.
        """
        code, printed = await self.attempt(*command, env=env)
        if code != 0:
            last = "\n".join(printed.splitlines()[-15:])
            raise Failed(f"{' '.join(command)} ended with {code}\n{last}")
        return printed

    async def attempt(self, *command: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a command and return its exit code and all that it printed."""
        self._write(f"$ {' '.join(command)}\n")
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=PROJECT,
            env={**self.environment, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        text = printed.decode(errors="replace")
        self._write(text)
        assert process.returncode is not None
        return process.returncode, text

    async def podman(self, *words: str) -> str:
        """Run podman and return what it printed."""
        return await self.run("podman", *words)


@dataclass(frozen=True)
class Stack:
    """One project of the compose file: its own containers, network and volume."""

    engine: Engine
    name: str
    port: int
    images: Mapping[str, str]

    async def compose(self, *words: str, image: str) -> str:
        """Run the compose file's `words` with our image."""
        file = self.engine.compose_files.get(image, COMPOSE_FILE)
        return await self.engine.run(
            *(sys.executable, "-m", "podman_compose", "--in-pod=false"),
            *("--project-name", self.name, "--file", str(file), *words),
            env={
                **self.images,
                "WUFEI_IMAGE": image,
                "WUFEI_WORKER_IMAGE": worker_of(image),
                "WUFEI_PUBLISHED_PORT": str(self.port),
            },
        )

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.name}_{service}_1"

    async def start(self, service: str, *, image: str) -> None:
        """Make a service's container anew if its image is another, and wait until it is well."""
        await self.compose("up", "--detach", "--no-deps", service, image=image)
        await self.well(service)

    async def well(self, service: str, *, within: float = 300) -> None:
        """Wait until the compose file's health check passes, or the container runs if it has none.

        Podman lets systemd run the checks; here they are run as often by ourselves.
        """
        name = self.container(service)
        form = "{{if .Config.Healthcheck}}checked{{end}}"
        checked = bool((await self.engine.podman("inspect", "--format", form, name)).strip())
        try:
            async with asyncio.timeout(within):
                while not await self._passes(name, checked=checked):  # noqa: ASYNC110 (podman's)
                    await asyncio.sleep(_HEALTH_EVERY)
        except TimeoutError:
            raise Failed(f"{service} is not well after {within:.0f} s") from None

    async def _passes(self, name: str, *, checked: bool) -> bool:
        if checked:
            code, _ = await self.engine.attempt("podman", "healthcheck", "run", name)
            return code == 0
        shown = await self.engine.podman("inspect", "--format", "{{.State.Running}}", name)
        return shown.strip() == "true"

    async def up(self, *, image: str) -> None:
        """Start everything in the order that the compose file asks for."""
        for service in ("postgres", "valkey"):
            await self.start(service, image=image)
        await self.compose("run", "--rm", "--no-deps", "migrate", image=image)
        await self.doors(image=image)

    async def doors(self, *, image: str) -> None:
        """Start both APIs, the worker and what stands before them."""
        for service in ("api-1", "api-2", "worker", "front"):
            await self.start(service, image=image)

    async def wufei(self, *words: str, image: str) -> str:
        """Run a command of `wufei` in a container of its own."""
        return await self.compose("run", "--rm", "--no-deps", "migrate", *words, image=image)

    async def down(self, *, image: str) -> None:
        """Remove the containers, the network and the volume; what is not there is no fault."""
        await self.compose("down", "--volumes", "--timeout", "20", image=image)


def _containers_conf() -> str:
    """Return limits that this machine lets a container have, and the runtime that is at hand."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or files > _MOST_FILES:
        files = _MOST_FILES
    most = _MOST_PROCESSES
    lines = [
        "[containers]",
        f'default_ulimits = ["nofile={files}:{files}", "nproc={most}:{most}"]',
        "[engine]",
        'events_logger = "file"',
    ]
    # Where version 1 and 2 of control groups are mixed, crun gives up and runc does not.
    if shutil.which("runc"):
        lines.append('runtime = "runc"')
    if not Path("/run/systemd/system").exists():
        lines.append('cgroup_manager = "cgroupfs"')
    return "\n".join([*lines, ""])
