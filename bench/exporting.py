"""A list of a hundred thousand rows as a workbook and as CSV, beside a writer that is given them.

The ceiling has the cells at hand, and does nothing but write them with XlsxWriter, which holds no
more than a row; what it costs to find out who may see what, to read and to send is in the figure.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import xlsxwriter

from bench.places import batch_rows
from bench.report import Measure
from bench.system import PLAN, System
from services.api.exports.columns import Table, shape_of
from services.api.submissions.schemas import SubmissionListOut
from services.core.submissions.models import Submission

ROWS = 100_000
_ROUNDS = 2
_FIRST = 400_000
_AT_ONCE = 10_000
_MOST_GROWN_MIB = 100.0
_PATH = f"/v1/plans/{PLAN}/submissions"


async def exporting(system: System, _bare: int) -> list[str]:
    """Measure the export of a list, and how much the process that makes it grows."""
    await _planted(system)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}",
        headers={"Authorization": f"Bearer {system.office}", "Accept-Language": "en"},
        timeout=600,
    ) as client:
        pages = await _read(client)
        amount = sum(len(page) for page in pages)
        books, texts, grown = [], [], []
        for _ in range(_ROUNDS):
            before = most_held(system.api_pid, forget=True)
            books.append(amount / await _fetched(client, ".xlsx"))
            texts.append(amount / await _fetched(client, ".csv"))
            grown.append(most_held(system.api_pid) - before)
        bare = [amount / await asyncio.to_thread(_written, pages) for _ in range(_ROUNDS)]
    limit = [_MOST_GROWN_MIB] * _ROUNDS
    whole = f"{amount:,} rows"
    return [
        Measure(f"{whole} as XLSX", books, "XlsxWriter alone", bare, 0.6).line(),
        Measure(f"{whole} as CSV", texts, "the same as XLSX", books, 1.0).line(),
        Measure("growth of the process meanwhile", grown, "what it may", limit, 1.0, "MiB").line(),
    ]


async def _planted(system: System) -> None:
    """Put the rows into the table, in places that nothing else reports for."""
    columns = [column.name for column in Submission.__table__.columns]
    connection = await asyncpg.connect(system.database_url)
    try:
        for first in range(_FIRST, _FIRST + ROWS, _AT_ONCE):
            rows = await asyncio.to_thread(batch_rows, range(first, first + _AT_ONCE))
            records = [row[: len(columns)] for row in rows]
            await connection.copy_records_to_table("submission", records=records, columns=columns)
        await connection.execute("ANALYZE submission")
    finally:
        await connection.close()


async def _read(client: httpx.AsyncClient) -> list[list[dict[str, Any]]]:
    """Return the pages of the list as JSON."""
    pages, token = [], ""
    while True:
        query = f"&page_token={token}" if token else ""
        answer = await client.get(f"{_PATH}?page_size=500{query}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        pages.append(page["items"])
        token = page["next_page_token"]
        if token is None:
            return pages


async def _fetched(client: httpx.AsyncClient, suffix: str) -> float:
    """Return how many seconds the whole list took as a file."""
    started = time.perf_counter()
    async with client.stream("GET", _PATH + suffix) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_raw():
            pass
    return time.perf_counter() - started


def _written(pages: Sequence[Sequence[dict[str, Any]]]) -> float:
    """Return how many seconds XlsxWriter takes to write the cells of rows, made ready before."""
    shape = shape_of(SubmissionListOut)
    assert shape is not None
    table = shape.tables[0]
    taken = 0.0
    with tempfile.TemporaryDirectory(prefix="wufei-bench-") as folder:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        book = xlsxwriter.Workbook(Path(folder) / "bare.xlsx", options)
        sheet = book.add_worksheet()
        number = 0
        for cells in _cells(table, pages):
            started = time.perf_counter()
            for row in cells:
                for at, value in enumerate(row):
                    sheet.write(number, at, value)
                number += 1
            taken += time.perf_counter() - started
        started = time.perf_counter()
        book.close()
        return taken + time.perf_counter() - started


def _cells(table: Table, pages: Sequence[Sequence[dict[str, Any]]]) -> Iterator[list[list[Any]]]:
    for page in pages:
        yield [table.cells(row) for row in page]


def most_held(pid: int, *, forget: bool = False) -> float:
    """Return the most MiB that a process held; from now on, where it is to forget what was."""
    process = Path(f"/proc/{pid}")
    if forget:
        (process / "clear_refs").write_text("5", encoding="ascii")
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    held = next(line for line in islice(lines, 60) if line.startswith("VmHWM:"))
    return int(held.split()[1]) / 1024
