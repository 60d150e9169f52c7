"""The tour: its steps as its pages show them, typed in one shell."""

import asyncio
import os
import re
import shlex
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.console.settings import PROJECT
from tests.support.servers import chosen_programs

TOURS = {
    "English": ("README.md", "docs/tour.md"),
    "Chinese": ("README.zh-CN.md", "docs/tour.zh-CN.md"),
}
"""By language the pages of the tour: it goes on from one to the next in the same terminal."""

_STEP = re.compile(r"```bash\n(?P<typed>.*?)```\n```text\n(?P<shown>.*?)```", re.DOTALL)
_NEXT = "-- the next step --"
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
