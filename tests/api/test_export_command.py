"""`wufei export` against the API as it is served: all of a file, or none of it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGINT

import pytest

from tests.support.api import ROOT, XINMI, Door, a_submission
from tests.support.commands import said
from tests.support.reported import PATH, a_period
from tests.support.serving import served


async def started(port: int, key: str, *arguments: str) -> asyncio.subprocess.Process:
    """Return `wufei export` at work against a port of this machine."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "export", *arguments, "--language", "en"),
        cwd=ROOT,
        env={**os.environ, "WUFEI_URL": f"http://127.0.0.1:{port}", "WUFEI_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


def names_in(folder: Path) -> list[str]:
    """Return what stands in a folder, hidden files too."""
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
async def test_a_list_comes_as_the_api_gives_it_with_its_rows_counted(
    door: Door, tmp_path: Path, suffix: str
) -> None:
    period, target = a_period(), tmp_path / f"values{suffix}"
    key = await door.new_key("office")
    async with door.client(key) as office:
        for unit in ("UN15", "UN10"):
            body = a_submission(organization_code=unit, period=period, note='两行\n"说明"')
            assert (await office.post(PATH, json=body)).status_code == 201
        english = {"Accept-Language": "en"}
        given = await office.get(f"{PATH}{suffix}", params={"period": period}, headers=english)
    assert given.status_code == 200, given.text
    asked = ("submissions", str(target), "--plan", XINMI, "--where", f"period={period}")
    async with served(door.app) as port:
        process = await started(port, key, *asked)
        code, output = await said(process)
        assert code == 0, output
        assert target.read_bytes() == given.content
        assert f"{target}: 3 rows, {len(given.content)} bytes" in output
        again = await started(port, key, *asked)
        code, output = await said(again)
    assert (code, "--force" in output) == (1, True), output


async def test_a_form_is_had_too_and_a_refusal_leaves_nothing(door: Door, tmp_path: Path) -> None:
    form, list_ = tmp_path / "02.xlsx", tmp_path / "alerts.csv"
    list_.write_text("old")
    key = await door.new_key("reporter", "UN15")
    async with served(door.app) as port:
        process = await started(port, key, "templates/tasks", str(form), "--plan", XINMI)
        code, output = await said(process)
        assert (code, form.read_bytes()[:2]) == (0, b"PK"), output
        wrong = ("alerts", str(list_), "--plan", XINMI, "--force", "--where", "colour=red")
        code, output = await said(await started(port, key, *wrong))
    assert (code, "colour" in output or "parameter" in output) == (1, True), output
    assert list_.read_text() == "old"
    assert names_in(tmp_path) == ["02.xlsx", "alerts.csv"]


@asynccontextmanager
async def half_a_file(*, ends: bool) -> AsyncIterator[int]:
    """Yield a port at which half of a file is sent, and then nothing, or the end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(f"{head}6\r\na,b\r\n1\r\n".encode())
        await writer.drain()
        if not ends:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def test_a_file_that_breaks_off_or_is_cancelled_is_not_kept(tmp_path: Path) -> None:
    target = tmp_path / "values.csv"
    asked = ("submissions", str(target), "--plan", XINMI)
    async with half_a_file(ends=True) as port:
        code, output = await said(await started(port, "key", *asked))
    assert (code, "did not come whole" in output) == (1, True), output
    async with half_a_file(ends=False) as port:
        process = await started(port, "key", *asked)
        assert process.stdout is not None
        begun = await asyncio.wait_for(process.stdout.readline(), 60)
        assert b"Ctrl-C" in begun
        process.send_signal(SIGINT)
        code, output = await said(process)
    assert (code, "nothing was kept" in output) == (1, True), output
    assert names_in(tmp_path) == []
