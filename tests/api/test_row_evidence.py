"""Rows of registers rest upon evidence: added, asked for, kept once confirmed, taken home."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, xinmi
from tests.support.cells import CELL_KEEPER, CELL_LEAD, CELL_ROWS, added_cell, with_files
from tests.support.evidence import PDF, TEXT, added, an_archive
from tests.support.owner import as_owner
from tests.support.registers import added_row

STRICT = "410183-2032"
ROWS = f"/plans/{STRICT}/registers/CELL/rows"


@pytest.fixture(scope="module")
async def strict(door: Door) -> Door:
    """The plan of Xinmi under another code: a revocation rests upon a document, too."""
    plan: Any = xinmi().model_dump(mode="json")
    cells = next(one for one in plan["registers"] if one["code"] == "CELL")
    cells["evidence"] = [
        {"name": "承诺书", "types": ["pdf"]},
        {
            "name": "命名文件",
            "min_files": 2,
            "where": [
                {"column": "site_score", "minimum": "80"},
                {"column": "commitment", "yes": True},
            ],
        },
        {"name": "摘牌文件", "state": "revoked", "min_files": 2},
    ]
    plan["evidence"] = {"max_files": 3, "types": ["pdf", "txt"]}
    await door.load(read_document({**plan, "code": STRICT}))
    return door


@pytest.fixture
async def unit(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("reporter", CELL_KEEPER) as client:
        yield client


@pytest.fixture
async def lead(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("lead", CELL_LEAD) as client:
        yield client


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def edited(client: httpx.AsyncClient, path: str, **values: Any) -> dict[str, Any]:
    answer = await client.patch(path, json={"values": values}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_row_is_not_confirmed_before_its_evidence_is_there(
    unit: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    path = await added_cell(unit)
    assert (await unit.get(path)).json()["evidence_missing"] == 1
    for params in ({}, {"validate_only": "true"}):
        early = await lead.post(f"{path}/confirm", params=params)
        assert (early.status_code, told(early)) == (422, [("/evidence", "evidence-missing")])
    english = await lead.post(f"{path}/confirm", headers={"Accept-Language": "en"})
    assert "at least 1 files" in english.json()["errors"][0]["detail"]
    assert "承诺书" in early.json()["errors"][0]["detail"]

    (letter,) = await with_files(unit, path, "承诺书.pdf")
    confirmed = await lead.post(f"{path}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    assert (confirmed.json()["evidence_count"], confirmed.json()["evidence_missing"]) == (1, 0)

    # What it says now asks for more.
    named = await edited(unit, path, stage="named", named_on="2026-03-01")
    assert (named["state"], named["evidence_missing"]) == ("draft", 1)
    early = await lead.post(f"{path}/confirm")
    assert told(early) == [("/evidence", "evidence-missing")]
    listed = (await unit.get(f"{path}/evidence")).json()
    assert [one["id"] for one in listed["items"]] == [letter]
    assert [(one["name"], one["min_files"], one["there"]) for one in listed["rules"]] == [
        ("承诺书", 1, 1),
        ("承诺书与命名文件", 2, 1),
    ]
    await with_files(unit, path, "命名文件.pdf")
    assert (await lead.post(f"{path}/confirm")).json()["state"] == "confirmed"


async def test_a_file_is_part_of_the_row_and_stays_once_it_was_confirmed_with_it(
    door: Door, unit: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    path = await added_cell(unit)
    letter, slip = await with_files(unit, path, "承诺书.pdf", "误传.pdf")
    gone = await unit.delete(f"/evidence/{slip}")
    assert (gone.status_code, gone.json()["register_code"]) == (200, "CELL")
    twice = await unit.delete(f"/evidence/{slip}")
    assert (twice.status_code, twice.json()["code"]) == (410, "evidence-removed")
    assert (await lead.post(f"{path}/confirm")).status_code == 200
    kept = await unit.delete(f"/evidence/{letter}")
    assert (kept.status_code, kept.json()["code"]) == (409, "evidence-rested-upon")

    # One more makes a correction, which another has to confirm; taken back, what counted stands.
    (photo,) = await with_files(unit, path, "照片.pdf")
    after = (await unit.get(path)).json()
    assert (after["state"], after["evidence_count"]) == ("draft", 2)
    assert after["counted_values"] == after["values"]
    async with await door.as_("superior") as superior:
        during = (await superior.get(path)).json()
        assert (during["state"], during["evidence_count"]) == ("confirmed", 1), "as it counts"
    assert (await unit.post(f"{path}/withdraw")).json()["state"] == "confirmed"
    async with await door.as_("superior") as superior:
        seen = (await superior.get(f"{path}/evidence")).json()["items"]
        assert [one["id"] for one in seen] == [letter]
        assert (await superior.get(f"/evidence/{photo}/content")).status_code == 404
        assert (await superior.get(f"/evidence/{letter}/content")).status_code == 200
    again = await unit.delete(f"/evidence/{photo}")
    assert (again.status_code, again.json()["code"]) == (410, "evidence-removed")


async def test_a_correction_that_is_withdrawn_takes_its_files_with_it(
    door: Door, unit: httpx.AsyncClient
) -> None:
    path = await added_cell(unit)
    row_id = path.rpartition("/")[2]
    (letter,) = await with_files(unit, path, "承诺书.pdf")
    async with await door.as_("office") as office, await door.as_("superior") as superior:
        assert (await office.post(f"{path}/confirm")).status_code == 200
        own, other = await with_files(office, path, "自加.pdf", "另加.pdf")
        await door.react()
        position = (await unit.get("/events?after=0&limit=1000")).json()["last_position"]
        tried = await office.post(f"{path}/withdraw", params={"validate_only": "true"})
        assert (tried.status_code, tried.json()["evidence_count"]) == (200, 1)
        assert (await office.get(f"/evidence/{own}/content")).status_code == 200
        taken = await office.post(f"{path}/withdraw")
        assert (taken.json()["state"], taken.json()["evidence_count"]) == ("confirmed", 1)

        # Nobody confirms them with what another writes, the office that added them least of all.
        await edited(unit, path, batch="第二批")
        assert (await office.post(f"{path}/confirm")).json()["evidence_count"] == 1
        listed = (await office.get(f"{path}/evidence")).json()["items"]
        assert [one["id"] for one in listed] == [letter]
        for gone in (own, other):
            known = (await office.get(f"/evidence/{gone}")).json()
            assert known["removed_at"] is not None
            assert (await office.get(f"/evidence/{gone}/content")).status_code == 410
            assert (await superior.get(f"/evidence/{gone}")).status_code == 404
        history = (await superior.get(f"{path}/history")).json()["items"]
        assert [one["action"] for one in history] == ["confirmed", "withdrawn", "confirmed"]
        for change in history:
            assert [one["id"] for one in change["after"]["files"]] == [letter]
    await door.react()
    heard = (await unit.get(f"/events?after={position}&limit=1000")).json()["items"]
    mine = [one for one in heard if one["subject"]["id"] == row_id]
    assert [(one["type"], one["data"].get("evidence_id")) for one in mine] == [
        ("register_row.withdrawn", None),
        ("evidence.removed", own),
        ("evidence.removed", other),
        ("register_row.changed", None),
        ("register_row.confirmed", None),
    ]


async def test_who_sees_what_was_confirmed_sees_no_file_that_was_not(
    door: Door, unit: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    """Rows from before files left with a withdrawn correction rest upon such still."""
    path = await added_cell(unit)
    letter, late = await with_files(unit, path, "承诺书.pdf", "后加.pdf")
    assert (await lead.post(f"{path}/confirm")).status_code == 200
    row_id = UUID(path.rpartition("/")[2])
    for table, column, id_column, place in (
        ("register_row", "files", "id", "{1,kept}"),
        ("register_row_history", "after", "row_id", "{files,1,kept}"),
    ):
        # The first that is written of it says no files, and stays as it is.
        statement = (
            f"UPDATE {table} SET {column} = jsonb_set({column}, '{place}', 'false', FALSE)"
            f" WHERE {id_column} = $1"
        )
        await as_owner(door.held.database.dsn, statement, row_id)
    assert (await unit.get(path)).json()["evidence_count"] == 2
    async with await door.as_("superior") as superior:
        assert (await superior.get(path)).json()["evidence_count"] == 1
        (change,) = (await superior.get(f"{path}/history")).json()["items"]
        assert [one["id"] for one in change["after"]["files"]] == [letter]
    seen = (await unit.get(f"{path}/history")).json()["items"]
    assert [one["id"] for one in seen[-1]["after"]["files"]] == [letter, late]


async def test_history_log_and_delta_tell_of_files(
    door: Door, unit: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    path = await added_cell(unit)
    row_id = path.rpartition("/")[2]
    await door.react()
    position = (await unit.get("/events?after=0&limit=1000")).json()["last_position"]
    letter, slip = await with_files(unit, path, "承诺书.pdf", "误传.pdf")
    assert (await unit.delete(f"/evidence/{slip}")).status_code == 200
    assert (await lead.post(f"{path}/confirm")).status_code == 200
    history = (await unit.get(f"{path}/history")).json()["items"]
    assert [one["action"] for one in history] == [
        *("created", "evidence_added", "evidence_added", "evidence_removed", "confirmed"),
    ]
    assert [one["id"] for one in history[4]["after"]["files"]] == [letter]
    await door.react()
    heard = (
        await unit.get(f"/events?after={position}&limit=1000&types=evidence.added,evidence.removed")
    ).json()["items"]
    mine = [one for one in heard if one["subject"]["id"] == row_id]
    assert [one["data"]["evidence_id"] for one in mine] == [letter, slip, slip]
    assert {one["data"]["register_code"] for one in mine} == {"CELL"}
    # A file moves the row in the delta, as anything that is written into it.
    delta = await unit.get(CELL_ROWS, params={"changed_after": position, "page_size": 200})
    assert row_id in {one["id"] for one in delta.json()["items"]}


async def test_whoever_adds_a_file_wrote_part_of_the_row(
    unit: httpx.AsyncClient, door: Door
) -> None:
    path = await added_cell(unit)
    async with (
        await door.as_("office") as office,
        door.client(await door.new_key("office")) as another,
    ):
        await with_files(office, path, "承诺书.pdf")
        own = await office.post(f"{path}/confirm")
        assert (own.status_code, own.json()["code"]) == (403, "own-row")
        assert (await another.post(f"{path}/confirm")).status_code == 200


async def test_nobody_else_sees_or_adds_it_and_a_row_that_ended_takes_none(
    unit: httpx.AsyncClient, lead: httpx.AsyncClient, door: Door
) -> None:
    path = await added_cell(unit)
    (letter,) = await with_files(unit, path, "承诺书.pdf")
    async with await door.as_("reporter", "UN10") as other:
        for asked in (f"{path}/evidence", f"/evidence/{letter}", f"/evidence/{letter}/content"):
            assert (await other.get(asked)).status_code == 404
        assert (await other.delete(f"/evidence/{letter}")).status_code == 404
        assert (await added(other, path.lstrip("/"))).status_code == 404
    assert (await lead.get(f"/evidence/{letter}/content")).content.startswith(PDF)
    assert (await added(lead, path.lstrip("/"))).status_code == 403, "it leads and keeps nothing"
    link = await lead.post(f"/evidence/{letter}/link")
    anonymous = await door.client("").get(link.json()["path"].removeprefix("/v1"))
    assert anonymous.status_code == 200
    assert (await lead.post(f"{path}/confirm")).status_code == 200
    ended = await lead.post(f"{path}/revoke", json={"reason": "复核不合格"})
    assert ended.status_code == 200, ended.text
    late = await added(unit, path.lstrip("/"))
    assert (late.status_code, late.json()["code"]) == (409, "transition-refused")


async def test_rules_look_at_what_a_row_says_and_what_it_is_to_become(strict: Door) -> None:
    keeper = await strict.as_("reporter", CELL_KEEPER)
    async with keeper as unit, await strict.as_("office") as office:
        path = await added_cell(unit, ROWS, site_score="79.99", commitment=True)
        text = await added(unit, path.lstrip("/"), TEXT, "承诺书.txt")
        assert text.status_code == 201
        wrong = await office.post(f"{path}/confirm")
        assert told(wrong) == [("/evidence", "evidence-missing")], "a text is none of its kinds"
        assert "pdf" in wrong.json()["errors"][0]["detail"]
        await with_files(unit, path, "承诺书.pdf")
        assert (await edited(unit, path, site_score="80"))["evidence_missing"] == 0
        assert (await unit.delete(f"/evidence/{text.json()['id']}")).status_code == 200
        assert (await unit.get(path)).json()["evidence_missing"] == 1
        assert (await edited(unit, path, commitment=False))["evidence_missing"] == 0
        assert (await office.post(f"{path}/confirm")).status_code == 200
        early = await office.post(f"{path}/revoke", json={"reason": "复核不合格"})
        assert (early.status_code, told(early)) == (422, [("/evidence", "evidence-missing")])
        await with_files(unit, path, "摘牌文件.pdf")
        # The correction that the file began is no bar: what counts ends.
        revoked = await office.post(f"{path}/revoke", json={"reason": "复核不合格"})
        assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
        other = await added_cell(unit, ROWS)
        await with_files(unit, other, "1.pdf", "2.pdf", "3.pdf")
        full = await added(unit, other.lstrip("/"))
        assert (full.status_code, full.json()["code"]) == (409, "too-many-files")


async def test_the_archive_of_the_office_holds_it(door: Door, unit: httpx.AsyncClient) -> None:
    path = await added_cell(unit)
    (letter,) = await with_files(unit, path, "承诺书.pdf")
    async with await door.as_("office") as office:
        made = await an_archive(door, office)
        content = (await office.get(f"/evidence-archives/{made}/content")).content
    archive = zipfile.ZipFile(io.BytesIO(content))
    lines = archive.read("清单.csv").decode("utf-8-sig").splitlines()
    (line,) = [one for one in lines if letter in one]
    assert "/CELL/register_row/" in line
    assert archive.read(line.split(",")[0]) == PDF + "承诺书.pdf".encode()


async def test_registers_say_what_they_ask_for(door: Door, unit: httpx.AsyncClient) -> None:
    items = (await unit.get(f"/plans/{XINMI}/registers")).json()["items"]
    rules = {one["code"]: one["evidence"] for one in items}
    assert [(one["name"], one["state"], one["min_files"]) for one in rules["CELL"]] == [
        ("承诺书", "confirmed", 1),
        ("承诺书与命名文件", "confirmed", 2),
    ]
    async with await door.as_("reporter", "UN22") as industry:
        row = await added_row(industry)
        assert (row["evidence_count"], row["evidence_missing"]) == (0, 0)
        free = await added(industry, f"register-rows/{row['id']}")
        assert free.status_code == 201, "evidence may be added where none is asked for"
