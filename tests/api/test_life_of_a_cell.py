"""A cell's whole life: applied, reviewed, scored on site, noticed, named, rechecked, revoked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import Door, open_door, xinmi
from tests.support.assessments import FOUND, a_sheet
from tests.support.cells import CELL_KEEPER, CELL_LEAD, added_cell, with_files
from tests.support.clock import stopped_at

LIFE = "410183-2033"
PLAN = f"/plans/{LIFE}"
ROWS = f"{PLAN}/registers/CELL/rows"
SHEET = a_sheet(
    code="CELL",
    name="无废细胞评估细则（示例）",
    subject="row",
    rows_of="CELL",
    name_column="place",
    compared_by="category",
    assessors=[CELL_LEAD],
)
Client = httpx.AsyncClient


@dataclass(frozen=True)
class Cast:
    """Those who have a part in it: the bureau that applies, the branch that leads, the office."""

    door: Door
    unit: Client
    lead: Client
    office: Client

    async def on(self, day: str) -> None:
        """Let it be the morning of a day, and the worker do what is due."""
        self.door.app.state.resources = replace(self.door.held, clock=stopped_at(day, "09:30:00"))
        await self.door.sweep()
        await self.door.react()


@pytest.fixture
async def cast(database_url: str) -> AsyncIterator[Cast]:
    """The API in the September of 2025, with a sheet by which cells are scored."""
    async with open_door(database_url) as door, AsyncExitStack() as clients:
        plan: Any = xinmi().model_dump(mode="json")
        await door.load(read_document({**plan, "code": LIFE, "score_sheets": [SHEET]}))
        unit, lead, office = [
            await clients.enter_async_context(await door.as_(*who))
            for who in (("reporter", CELL_KEEPER), ("lead", CELL_LEAD), ("office",))
        ]
        made = Cast(door, unit, lead, office)
        await made.on("2025-09-01")
        yield made


async def confirmed(cast: Cast, path: str) -> dict[str, Any]:
    answer = await cast.lead.post(f"{path}/confirm")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def goes_on(cast: Cast, path: str, stage: str, **values: Any) -> dict[str, Any]:
    """Have the unit write that a cell is a stage further, and the lead confirm it."""
    said = {"values": {"stage": stage, **values}}
    edited = await cast.unit.patch(path, json=said, headers={"If-Match": "*"})
    assert edited.status_code == 200, edited.text
    return await confirmed(cast, path)


async def figure(cast: Cast) -> dict[str, Any]:
    answer = await cast.office.get(f"{PLAN}/registers/CELL/measures", params={"period": "2025"})
    (found,) = [one for one in answer.json()["items"] if one["indicator_code"] == "G03"]
    return dict(found)


async def official(cast: Cast) -> list[dict[str, Any]]:
    asked = {"indicator_code": "G03", "period": "2025"}
    answer = await cast.office.get(f"{PLAN}/submissions", params=asked)
    return list(answer.json()["items"])


async def conflicts(cast: Cast) -> list[dict[str, Any]]:
    asked = {"kind": "observation", "page_size": "500"}
    answer = await cast.office.get(f"{PLAN}/conflicts", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def site_score(cast: Cast, path: str) -> str:
    """Have the branch score a cell on the spot and the office publish it; return the total."""
    body = {"period": "2025", "row_id": path.rpartition("/")[2], "findings": FOUND}
    made = await cast.lead.post(f"{PLAN}/score-sheets/CELL/assessments", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["subject_name"] == "新密市示例小学"
    at = made.headers["Location"].removeprefix("/v1")
    for client, verb in (
        (cast.lead, "submit"),
        (cast.office, "confirm"),
        (cast.office, "publish"),
    ):
        answer = await client.post(f"{at}/{verb}")
        assert answer.status_code == 200, answer.text
    seen = await cast.unit.get(at)
    assert (seen.status_code, seen.json()["state"]) == (200, "published"), "its unit may appeal"
    return str(seen.json()["total"])


async def applied(cast: Cast) -> str:
    """Have a school apply, which the branch reviews: without its letter it does not pass."""
    path = await added_cell(cast.unit, ROWS, commitment=True, self_score="92")
    early = await cast.lead.post(f"{path}/confirm")
    assert [one["code"] for one in early.json()["errors"]] == ["evidence-missing"]
    await with_files(cast.unit, path, "承诺书.pdf")
    await confirmed(cast, path)
    assert (await goes_on(cast, path, "reviewed"))["state"] == "confirmed"
    return path


async def named(cast: Cast, path: str) -> None:
    """Score a cell, give public notice of it, and name it by a document."""
    await cast.on("2025-10-15")
    total = await site_score(cast, path)
    assert total == "88.5"
    await goes_on(cast, path, "scored", site_score=total, assessors=2)
    await cast.on("2025-11-03")
    await goes_on(cast, path, "noticed", notice_from="2025-11-03", notice_to="2025-11-10")
    await cast.on("2025-11-20")
    said = {
        "values": {"stage": "named", "named_on": "2025-11-20", "document_number": "新环〔2025〕9号"}
    }
    assert (await cast.unit.patch(path, json=said, headers={"If-Match": "*"})).status_code == 200
    early = await cast.lead.post(f"{path}/confirm")
    assert [one["code"] for one in early.json()["errors"]] == ["evidence-missing"]
    await with_files(cast.unit, path, "命名文件.pdf")
    row = await confirmed(cast, path)
    assert (row["valid_from"], row["recheck_by"]) == ("2025-11-20", "2026-11-20")


async def approved(cast: Cast) -> None:
    """Open the year, have the branch hand in what the register proposes, and approve it."""
    await cast.on("2025-12-30")
    opened = await cast.office.post(f"{PLAN}/periods/2025/open")
    assert opened.status_code == 200, opened.text
    await cast.door.react()
    (draft,) = await official(cast)
    assert (draft["state"], draft["value"], draft["organization_code"]) == ("draft", "2", CELL_LEAD)
    path = f"/submissions/{draft['id']}"
    assert (await cast.lead.post(f"{path}/submit")).status_code == 200
    answer = await cast.office.post(f"{path}/approve")
    assert answer.status_code == 200, answer.text
    await cast.door.react()


async def waiting(cast: Cast, path: str) -> list[tuple[str, bool]]:
    items = (await cast.unit.get("/me/todo", params={"page_size": 200})).json()["items"]
    row_id = path.rpartition("/")[2]
    return [(one["kind"], one["overdue"]) for one in items if one["subject"]["id"] == row_id]


async def rechecked(cast: Cast, first: str, second: str) -> None:
    """Let a year pass: one cell is looked at again and passes, the other is late."""
    await cast.on("2026-11-02")
    assert await waiting(cast, first) == [("recheck", False)]
    row = await goes_on(cast, first, "rechecked", rechecked_on="2026-11-02")
    assert row["recheck_by"] == "2027-11-02"
    assert await waiting(cast, first) == []
    await cast.on("2026-11-23")
    assert await waiting(cast, second) == [("recheck", True)]
    late = (await cast.office.get(f"{PLAN}/late", params={"rule": "row_recheck"})).json()["items"]
    assert [one["subject"]["id"] for one in late] == [second.rpartition("/")[2]]


async def decided(cast: Cast) -> None:
    """Have the office take what the register says; nothing is approved by that alone."""
    (conflict,) = await conflicts(cast)
    assert (conflict["state"], conflict["observation"]["value"]) == ("open", "1")
    assert conflict["observation"]["source_name"] == "台账：无废细胞"
    taken = {"take": "observation", "reason": "按台账更正"}
    answer = await cast.office.post(f"/conflicts/{conflict['id']}/decide", json=taken)
    assert answer.status_code == 200, answer.text
    (corrected,) = await official(cast)
    assert (corrected["value"], corrected["approved_revision"]) == ("1", 1)


async def test_a_cell_from_its_application_to_its_end(cast: Cast) -> None:
    first, second = await applied(cast), await applied(cast)
    assert (await figure(cast))["value"] == "0", "who only applied is none yet"
    for path in (first, second):
        await named(cast, path)
    shown = await figure(cast)
    assert (shown["value"], shown["row_count"]) == ("2", 2)
    await approved(cast)
    await rechecked(cast, first, second)
    assert await conflicts(cast) == []
    end = {"reason": "复核发现申报材料不实", "ended_on": "2025-12-01"}
    revoked = await cast.lead.post(f"{second}/revoke", json=end)
    assert revoked.status_code == 200, revoked.text
    await cast.door.react()
    await cast.door.react()

    # The register says another figure now. What was approved stays until somebody decides.
    (kept,) = await official(cast)
    assert (kept["state"], kept["value"]) == ("approved", "2")
    assert (await figure(cast))["value"] == "1"
    await decided(cast)
    assert await waiting(cast, second) == []
    history = (await cast.unit.get(f"{second}/history")).json()["items"]
    stages = [one["after"]["values"]["stage"] for one in history if one["action"] == "confirmed"]
    assert stages == ["applied", "reviewed", "scored", "noticed", "named"]
    assert (history[-1]["action"], history[-1]["reason"]) == ("revoked", "复核发现申报材料不实")
