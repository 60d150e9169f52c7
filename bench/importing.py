"""A hundred thousand rows that come in as a workbook and as CSV, beside the bare reader.

The ceiling reads the rows of the same file and does nothing with them. The figure is from sending
the file to its report: every row judged by the rules of a batch, and looked up in the database.
"""

import asyncio
import io
import time
from collections.abc import Sequence
from typing import Any

import httpx
import xlsxwriter

from bench.exporting import most_held
from bench.places import place
from bench.report import Measure
from bench.system import PLAN, System
from services.core.sheets.sheet_file import SheetFile

ROWS = 100_000
_MOST_GROWN_MIB = 100.0
_HEADINGS = ("indicator_code", "organization_code", "period", "value", "source", "note")
_IMPORTS = f"/v1/plans/{PLAN}/imports"


async def importing(system: System) -> list[str]:
    """Measure how fast a file is judged and written, and how much the worker grows."""
    rows = [(*place(number), 94.78, "年度报表", "") for number in range(ROWS)]
    files = {"XLSX": await asyncio.to_thread(_book, rows), "CSV": _lines(rows)}
    lines, grown = [], []
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}",
        headers={"Authorization": f"Bearer {system.office}", "Accept-Language": "en"},
        timeout=600,
    ) as client:
        for name, content in files.items():
            bare = await asyncio.to_thread(_read, content)
            before = most_held(system.worker_pid, forget=True)
            started = time.perf_counter()
            begun = await client.post(_IMPORTS, content=content)
            assert begun.status_code == 202, begun.text
            judged = await _over(client, begun.headers["Location"])
            rate = ROWS / (time.perf_counter() - started)
            assert judged["progress"]["rows"] == ROWS, judged
            assert judged["progress"]["faults"] == 0, judged
            grown.append(most_held(system.worker_pid) - before)
            what = f"{ROWS:,} rows of {name} judged"
            lines.append(Measure(what, [rate], "the reader alone", [bare], 0.5).line())
        before = most_held(system.worker_pid, forget=True)
        started = time.perf_counter()
        path = f"/v1/imports/{begun.json()['request']['import_id']}/confirm"
        written = await _over(client, (await client.post(path)).headers["Location"])
        taken = time.perf_counter() - started
        assert written["result"]["created"] == ROWS, written
        grown.append(most_held(system.worker_pid) - before)
    limit = [_MOST_GROWN_MIB] * len(grown)
    return [
        *lines,
        f"{'the same written, in one transaction':<46}{ROWS / taken:>10,.1f} /s",
        Measure(
            "growth of the worker, at most", [max(grown)], "what it may", limit[:1], 1.0, "MiB"
        ).line(),
    ]


async def _over(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    """Wait for the end of an operation and return it."""
    while True:
        operation: dict[str, Any] = (await client.get(location)).json()
        if operation["state"] not in {"waiting", "running"}:
            assert operation["state"] == "succeeded", operation
            return operation
        await asyncio.sleep(0.05)


def _read(content: bytes) -> float:
    """Return how many rows a second the reader alone takes."""
    started = time.perf_counter()
    file = SheetFile(content)
    told = sum(1 for _ in file.table(file.chosen(None, "")).rows())
    assert told == ROWS + 1
    return ROWS / (time.perf_counter() - started)


def _book(rows: Sequence[Sequence[object]]) -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"constant_memory": True})
    sheet = book.add_worksheet()
    for at, row in enumerate((_HEADINGS, *rows)):
        for column, value in enumerate(row):
            if value:
                sheet.write(at, column, value)
    book.close()
    return made.getvalue()


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in (_HEADINGS, *rows)).encode()
