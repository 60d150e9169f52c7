"""The receivers that docs/integrators/ hands out, run as their reader runs them."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "integrators"

_PROGRAMS = {"python": "receiver.py", "java": "Receiver.java"}
_BEGUN_WITHIN = 90
_SAID_WITHIN = 30

LANGUAGES = [
    "python",
    pytest.param(
        "java",
        marks=pytest.mark.skipif(
            shutil.which("java") is None,
            reason="there is no java on the PATH: Receiver.java is not run",
        ),
    ),
]
in_each_language = pytest.mark.parametrize("language", LANGUAGES)


def sample() -> Any:
    """Return the receiver in Python as a module."""
    # As where it is started: what stands beside it can be imported.
    if str(PAGES) not in sys.path:
        sys.path.append(str(PAGES))
    # Each sample has its own: what a test changes of one stays with it.
    sys.modules.pop("wufei_messages", None)
    spec = spec_from_file_location("wufei_sample_receiver", PAGES / "receiver.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its dataclasses look for their module there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Program:
    """A receiver's program at work, and the lines that it printed so far."""

    process: Process
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        (line,) = (line for line in self.lines if line.startswith("listening on "))
        return line.removeprefix("listening on ")

    async def says(self, pattern: str, *, times: int = 1, seconds: float = _SAID_WITHIN) -> None:
        """Read on until so many lines are of a pattern."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            while len(self.said(pattern)) < times:
                line = await self.process.stdout.readline()
                assert line, f"it ended: {self.lines}"
                self.lines.append(line.decode().rstrip("\n"))

    def said(self, pattern: str) -> list[str]:
        """Return the lines of a pattern among those read."""
        return [line for line in self.lines if re.fullmatch(pattern, line)]


@asynccontextmanager
async def program(
    language: str, *arguments: str, folder: Path, settings: Mapping[str, str]
) -> AsyncIterator[Program]:
    """Run a receiver's program in a folder of its own, and end it."""
    started = await _started(language, *arguments, folder=folder, settings=settings)
    try:
        yield Program(started)
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@asynccontextmanager
async def serving(
    language: str, folder: Path, settings: Mapping[str, str]
) -> AsyncIterator[Program]:
    """Run a receiver until it listens, and end it."""
    async with program(
        language, "serve", "--port", "0", folder=folder, settings=settings
    ) as started:
        await started.says("listening on .*", seconds=_BEGUN_WITHIN)
        yield started


async def ran(
    language: str,
    *arguments: str,
    folder: Path,
    settings: Mapping[str, str],
    given: bytes = b"",
) -> tuple[int, str]:
    """Run a receiver's program to its end; return its exit code and what it printed."""
    process = await _started(language, *arguments, folder=folder, settings=settings)
    printed, _ = await asyncio.wait_for(process.communicate(given), _BEGUN_WITHIN)
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def _started(
    language: str, *arguments: str, folder: Path, settings: Mapping[str, str]
) -> Process:
    runner = {"python": sys.executable, "java": "java"}[language]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WUFEI_")}
    return await asyncio.create_subprocess_exec(
        *(runner, str(PAGES / _PROGRAMS[language]), *arguments),
        cwd=folder,
        env={**kept, **settings},
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
    )
