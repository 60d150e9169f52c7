"""The tour, in both languages: typed line by line into a shell, on a running system."""

import asyncio
import os
import re
import shlex
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.console.ports import free_port
from services.console.settings import PROJECT
from tests.support.servers import chosen_programs

TOURS = {
    "English": ("README.md", "docs/tour.md"),
    "Chinese": ("README.zh-CN.md", "docs/tour.zh-CN.md"),
}
"""By language the pages of the tour: it goes on from one to the next in the same terminal."""

_STEP = re.compile(r"```bash\n(?P<typed>.*?)```\n```text\n(?P<shown>.*?)```", re.DOTALL)
_NEXT = "-- the next step --"
_READY_WITHIN = 120
_TOUR_WITHIN = 300


@dataclass(frozen=True, slots=True)
class Step:
    """What the reader types, and what the page says that the screen shows then."""

    typed: str
    shown: str

    def pattern(self) -> str:
        """Return `shown` as a pattern: `…` is any text, on a line of its own any lines."""
        lines = [
            r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"[ ]*\n"
            for line in self.shown.splitlines()
        ]
        return "".join(lines)


def steps_of(language: str) -> list[Step]:
    """Return the steps of the tour in a language."""
    pages = [(PROJECT / page).read_text(encoding="utf-8") for page in TOURS[language]]
    found = _STEP.finditer("\n".join(pages))
    return [Step(step["typed"], step["shown"]) for step in found]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user can enter, with a space in its name."""
    with TemporaryDirectory(prefix="wufei tour ") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def environment(folder: Path, port: int) -> Mapping[str, str]:
    """Return what the reader's two terminals have set: nothing of ours but place and port."""
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {
        **kept,
        "WUFEI_PG_BIN": str(chosen_programs()),
        "WUFEI_DATA_DIR": str(folder / "var"),
        "WUFEI_PORT": str(port),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def put_programs(folder: Path) -> None:
    """Put the tour's curl and python3 first on the path, so that no machine's own matter."""
    (folder / "bin").mkdir()
    curl = [sys.executable, str(Path(__file__).with_name("curl_stand_in.py"))]
    for name, command in (("curl", curl), ("python3", [sys.executable])):
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        program.chmod(0o755)


@asynccontextmanager
async def running(settings: Mapping[str, str]) -> AsyncIterator[None]:
    """Keep `wufei up` running, as the reader's first terminal does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "up"),
        cwd=PROJECT,
        env=settings,
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_WITHIN):
            line = b"-"
            while line and b"Ctrl-C" not in line:
                line = await process.stdout.readline()
        assert line, "the system ended before it was ready"
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 60)


async def typed(steps: list[Step], settings: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run all steps in one shell; return its exit code and what each step printed."""
    lines = ["set -euo pipefail", """trap 'echo "line $LINENO failed: $BASH_COMMAND"' ERR"""]
    for step in steps:
        lines += [step.typed.rstrip(), f"echo {shlex.quote(_NEXT)}"]
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-c", "\n".join(lines)), cwd=PROJECT, env=settings, stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await asyncio.wait_for(shell.communicate(), _TOUR_WITHIN)
    assert shell.returncode is not None
    return shell.returncode, printed.decode().split(f"{_NEXT}\n")


def test_both_languages_have_the_same_tour() -> None:
    english, chinese = (steps_of(language) for language in TOURS)
    assert len(english) == 9
    assert [step.typed for step in english] == [step.typed for step in chinese]
    for pages in TOURS.values():
        texts = [(PROJECT / page).read_text(encoding="utf-8") for page in pages]
        typed = sum(text.count("```bash\n") for text in texts)
        assert typed == len(english), "a block of the tour shows nothing"


@pytest.mark.parametrize("language", TOURS)
async def test_the_tour_shows_what_it_promises(language: str, folder: Path) -> None:
    steps = steps_of(language)
    put_programs(folder)
    settings = environment(folder, free_port())
    async with running(settings):
        code, printed = await typed(steps, settings)
    assert code == 0, printed[-1]
    assert len(printed) == len(steps) + 1
    for step, seen in zip(steps, printed, strict=False):
        assert re.fullmatch(step.pattern(), seen), f"{step.shown}\n--- but ---\n{seen}"
