"""`wufei import` against the API as it is served: what is shown, and what a cancel keeps."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGINT

from services.worker.importing import Importing
from tests.support.api import ROOT, XINMI, Door
from tests.support.commands import said
from tests.support.imports import csv_of, places, row_of, values
from tests.support.serving import served


@asynccontextmanager
async def command(door: Door, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield `wufei import` at work, for a unit that calls an API of its own."""
    key = await door.new_key("reporter", "UN15")
    async with served(door.app) as port:
        yield await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.console", "import", *arguments),
            *("--plan", XINMI, "--language", "en"),
            cwd=ROOT,
            env={**os.environ, "WUFEI_URL": f"http://127.0.0.1:{port}", "WUFEI_KEY": key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


@asynccontextmanager
async def worker(door: Door) -> AsyncIterator[None]:
    """Import beside the test."""
    importing = Importing(door.held.database, door.held.clock, seal=door.held.seal)
    running = asyncio.create_task(importing.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_sheet_is_judged_and_with_yes_written(door: Door, tmp_path: Path) -> None:
    at = places(2)
    file = tmp_path / "values.csv"
    file.write_bytes(csv_of(*(row_of(*one, "40.65") for one in at)))
    async with worker(door):
        async with command(door, str(file)) as process:
            code, output = await said(process)
        assert (code, "2 rows: 2 new" in output, "--yes" in output) == (0, True, True), output
        assert await values(door, *at) == [None, None]
        async with command(door, str(file), "--yes") as process:
            code, output = await said(process)
        assert (code, "All of it is written" in output) == (0, True), output
    assert await values(door, *at) == ["40.65", "40.65"]


async def test_what_is_only_looked_at_leaves_nothing_that_waits(door: Door, tmp_path: Path) -> None:
    (at,) = places(1)
    file = tmp_path / "values.csv"
    file.write_bytes(csv_of(row_of(*at, "40.65")))
    waiting = (
        "SELECT count(*) FROM sheet_import WHERE city_code = '410183' AND state = 'checked'"
        " AND file_name = 'values.csv'"
    )
    before = await door.held.database.pool.fetchval(waiting)
    async with worker(door), command(door, str(file)) as process:
        code, output = await said(process)
    assert (code, "nothing was kept" in output) == (0, True), output
    assert await door.held.database.pool.fetchval(waiting) == before
    async with worker(door), command(door, str(file), "--score-sheet", "NONE") as process:
        code, output = await said(process)
    assert (code, output.count("no such score sheet")) == (1, 1), output


async def test_faults_are_told_and_the_marked_copy_is_kept(door: Door, tmp_path: Path) -> None:
    (at,) = places(1)
    file, marked = tmp_path / "values.csv", tmp_path / "marked.xlsx"
    file.write_bytes(csv_of(row_of(*at, "much")))
    async with worker(door), command(door, str(file), "--marked", str(marked)) as process:
        code, output = await said(process)
    assert (code, "E2  decimal" in output, "1 faults" in output) == (1, True, True), output
    assert marked.read_bytes().startswith(b"PK")
    file.write_bytes(b"%PDF")
    async with command(door, str(file)) as process:
        code, output = await said(process)
    assert (code, "neither an XLSX workbook" in output) == (1, True), output


async def test_a_cancelled_command_says_what_was_kept(door: Door, tmp_path: Path) -> None:
    (at,) = places(1)
    file = tmp_path / "values.csv"
    file.write_bytes(csv_of(row_of(*at, "40.65")))
    # Nobody works: it waits until it is told to stop.
    async with command(door, str(file), "--yes") as process:
        pool = door.held.database.pool
        waiting = "SELECT count(*) FROM sheet_import WHERE city_code = '410183' AND state = $1"
        assert process.stdout is not None
        begun = await asyncio.wait_for(process.stdout.readline(), 60)
        assert b"Ctrl-C" in begun
        process.send_signal(SIGINT)
        code, output = await said(process)
    assert (code, "nothing was kept" in output) == (1, True), output
    async with worker(door), asyncio.timeout(60):
        while await pool.fetchval(waiting, "checking"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await values(door, at) == [None]
