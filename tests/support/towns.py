"""A plan of towns with two indicators or three, walked through the door: opened, reported, read."""

import re
import zipfile
from io import BytesIO
from typing import Any

import httpx

from tests.support.api import Door
from tests.support.papers import papering
from tests.unit.scoring.builders import a_document

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
YEAR = "2031"
TOWNS = ["ZW01", "ZW02", "ZW03"]
UNITS = [{"code": code, "name": f"镇{code[-1]}", "kind": "town"} for code in TOWNS]


async def load(door: Door, *indicators: dict[str, Any], **changes: Any) -> None:
    """Load a version of the plan and let the worker follow."""
    document = a_document(*indicators, **{"code": CODE, "organizations": UNITS, **changes})
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", json=document.model_dump(mode="json"))
    assert loaded.status_code in {200, 201}, loaded.text
    await door.sweep()


async def move(door: Door, verb: str, period: str = YEAR, **body: Any) -> None:
    """Open, close, publish, reopen or cancel a period."""
    async with await door.as_("office") as office:
        moved = await office.post(f"{PLAN}/periods/{period}/{verb}", json=body or None)
    assert moved.status_code == 200, moved.text
    await door.sweep()


async def hand_in(door: Door, indicator: str, unit: str, period: str = YEAR, **said: Any) -> str:
    """Report a value of a unit; return the submission's id."""
    body = {"indicator_code": indicator, "organization_code": unit, "period": period, **said}
    async with await door.as_("reporter", unit) as clerk:
        made = await clerk.post(f"{PLAN}/submissions", json=body)
    assert made.status_code == 201, made.text
    await door.sweep()
    return str(made.json()["id"])


async def decide(door: Door, submission: str, verb: str, **body: Any) -> None:
    """Let the office decide on a submission."""
    async with await door.as_("office") as office:
        done = await office.post(f"/submissions/{submission}/{verb}", json=body)
    assert done.status_code == 200, done.text
    await door.sweep()


async def approve(door: Door, indicator: str, unit: str, period: str = YEAR, **said: Any) -> str:
    """Report a value and have it approved."""
    found = await hand_in(door, indicator, unit, period, **said)
    await decide(door, found, "approve")
    return found


async def assign(door: Door, indicator: str, year: int, **said: Any) -> None:
    """Assign a target as the superior does."""
    document = {"document_number": "1号", "document_date": "2032-01-02"}
    async with await door.as_("superior") as superior:
        path = f"{PLAN}/indicators/{indicator}/targets/{year}"
        done = await superior.put(path, json={**document, **said})
    assert done.status_code == 200, done.text
    await door.sweep()


async def answered(
    door: Door, path: str, role: str = "office", unit: str | None = None, **query: Any
) -> httpx.Response:
    """Return what a caller is answered; a path without a slash is of the plan."""
    async with await door.as_(role, unit) as caller:
        return await caller.get(path if path[0] == "/" else f"{PLAN}/{path}", params=query)


async def read(door: Door, path: str, **query: Any) -> dict[str, Any]:
    """Return what the office reads."""
    answer = await answered(door, path, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def board(door: Door, period: str = YEAR, **query: Any) -> dict[str, Any]:
    """Return the scoreboard of a period."""
    return await read(door, "scoreboard", period=period, **query)


async def row_of(door: Door, code: str, period: str = YEAR) -> dict[str, Any]:
    """Return the row of an indicator."""
    rows: list[dict[str, Any]] = (await board(door, period))["indicators"]
    return next(row for row in rows if row["code"] == code)


async def paper_of(door: Door, kind: str = "bulletin", **wish: Any) -> str:
    """Have a paper made; return its id."""
    async with await door.as_("office") as office:
        begun = await office.post(f"{PLAN}/papers", json={"kind": kind, "period": YEAR, **wish})
        assert begun.status_code == 202, begun.text
        await papering(door).work_off()
        ended = (await office.get(begun.headers["Location"].removeprefix("/v1"))).json()
    assert ended["state"] == "succeeded", ended
    return str(ended["result"]["paper_id"])


async def paper(door: Door, kind: str = "bulletin", **wish: Any) -> list[str]:
    """Have a paper made; return what its paragraphs and cells say."""
    made = await paper_of(door, kind, **wish)
    packed = await answered(door, f"/papers/{made}/content/docx")
    with zipfile.ZipFile(BytesIO(packed.content)) as parts:
        text = parts.read("word/document.xml").decode()
    found = re.findall(r"<w:p[ >].*?</w:p>", text, re.DOTALL)
    return ["".join(re.findall(r"<w:t(?: [^>]*)?>([^<]*)", each)) for each in found]
