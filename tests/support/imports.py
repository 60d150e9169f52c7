"""Sheets sent in, and what the worker makes of them."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
import xlsxwriter

from services.worker.importing import Importing
from tests.support.api import XINMI, Door
from tests.support.batches import rows as free_rows
from tests.support.reported import PATH
from tests.worker.running import until

IMPORTS = f"/plans/{XINMI}/imports"

HEADINGS = ("指标编号", "指标名称", "单位", "报告期", "本期值", "本期分子", "本期分母", "备注")


def csv_of(*rows: Iterable[str], headings: Sequence[str] = HEADINGS) -> bytes:
    """Return rows below headings as CSV."""
    lines = [",".join(f'"{one}"' if one else "" for one in row) for row in (headings, *rows)]
    return "\r\n".join(lines).encode()


def xlsx_of(*rows: Iterable[Any], headings: Sequence[str] = HEADINGS) -> bytes:
    """Return rows below headings as a workbook: numbers as numbers, None as nothing."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("数据")
    for at, row in enumerate((headings, *rows)):
        for column, one in enumerate(row):
            if one is not None:
                sheet.write(at, column, one)
    book.close()
    return made.getvalue()


def row_of(code: str, period: str, value: Any, **more: Any) -> list[Any]:
    """Return a row under `HEADINGS`."""
    given = {"指标编号": code, "报告期": period, "本期值": value, **more}
    return [given.get(one) for one in HEADINGS]


async def sent(
    door: Door,
    content: bytes,
    *,
    as_: tuple[str, str | None] = ("reporter", "UN15"),
    **params: Any,
) -> httpx.Response:
    """Return the answer to a file that is sent."""
    async with await door.as_(*as_) as client:
        return await client.post(IMPORTS, content=content, params=params)


async def work(door: Door) -> None:
    """Do what the worker would do."""
    await Importing(door.held.database, door.held.clock, seal=door.held.seal).work_off()


async def checked(
    door: Door,
    content: bytes,
    *,
    as_: tuple[str, str | None] = ("reporter", "UN15"),
    **params: Any,
) -> dict[str, Any]:
    """Send a file, have it judged, and return its import."""
    answer = await sent(door, content, as_=as_, **params)
    assert answer.status_code == 202, answer.text
    await work(door)
    return await seen(door, answer.json()["request"]["import_id"], as_=as_)


async def seen(
    door: Door, import_id: str, *, as_: tuple[str, str | None] = ("reporter", "UN15")
) -> dict[str, Any]:
    """Return an import."""
    async with await door.as_(*as_) as client:
        answer = await client.get(f"/imports/{import_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def faults_of(
    door: Door, import_id: str, *, as_: tuple[str, str | None] = ("reporter", "UN15")
) -> list[tuple[int, str | None, str]]:
    """Return row, cell and code of every fault of an import, page by page."""
    found, token = [], None
    async with await door.as_(*as_) as client:
        while True:
            params = {"page_size": 3} | ({"page_token": token} if token else {})
            answer = await client.get(f"/imports/{import_id}/faults", params=params)
            assert answer.status_code == 200, answer.text
            found += [(one["row"], one["cell"], one["code"]) for one in answer.json()["items"]]
            token = answer.json()["next_page_token"]
            if token is None:
                return found


async def confirmed(
    door: Door, import_id: str, *, as_: tuple[str, str | None] = ("reporter", "UN15")
) -> dict[str, Any]:
    """Confirm an import, have it written, and return the operation."""
    async with await door.as_(*as_) as client:
        answer = await client.post(f"/imports/{import_id}/confirm")
        assert answer.status_code == 202, answer.text
        await work(door)
        done = await client.get(answer.headers["Location"].removeprefix("/v1"))
    operation: dict[str, Any] = done.json()
    return operation


async def an_import(door: Door, client: httpx.AsyncClient, *, marked: bool = False) -> str:
    """Return the id of an import that waits to be confirmed; a `marked` one has a fault."""
    content = csv_of(row_of("U08", "2021", "much" if marked else "40.65", 单位="UN15"))
    begun = await client.post(IMPORTS, content=content)
    assert begun.status_code == 202, begun.text
    await work(door)
    return str(begun.json()["request"]["import_id"])


def places(amount: int) -> list[tuple[str, str]]:
    """Return indicator and period of places that no other test uses."""
    return [(str(one["indicator_code"]), str(one["period"])) for one in free_rows(amount)]


async def values(door: Door, *at: tuple[str, str]) -> list[Any]:
    """Return the values that stand in places."""
    found = []
    async with await door.as_("office") as office:
        for code, period in at:
            asked = {"indicator_code": code, "period": period, "organization_code": "UN15"}
            answer = await office.get(PATH, params=asked)
            found += [one["value"] for one in answer.json()["items"]] or [None]
    return found


async def end_lease(door: Door) -> None:
    """Let the lease of a worker that is no more end now."""
    await door.held.database.pool.execute(
        "UPDATE sheet_import SET lease_until = now() WHERE city_code = '410183'"
        " AND lease_until IS NOT NULL"
    )


async def told(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    """Return an operation."""
    answer = await client.get(location.removeprefix("/v1"))
    found: dict[str, Any] = answer.json()
    return found


async def over(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    """Wait for the end of an operation and return it."""

    async def ended() -> bool:
        return (await told(client, location))["state"] not in {"waiting", "running"}

    await until(ended)
    return await told(client, location)
