"""Commands of `wufei` as processes, and what they said."""

import asyncio
import os
import sys
from pathlib import Path

from services.console.settings import PROJECT


async def said(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Return how a command ended and what it said."""
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


async def wufei(url: str, *arguments: str | Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", *map(str, arguments)),
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "WUFEI_SECRET_KEY": "", "LC_ALL": "C"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, said.decode()
