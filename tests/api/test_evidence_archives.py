"""The office's archive of evidence: whole, with its digests, however often it was broken off."""

import csv
import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from services.core.kit.clock import Clock
from services.worker.archiving import Archiving
from tests.support.api import Door
from tests.support.evidence import PDF, TEXT, UNIT, Later, a_draft, added, files_below, filing
from tests.support.evidence_archives import PATH, begun, told
from tests.support.registers import KEEPER, REGISTER, added_row


def archiving(door: Door) -> Archiving:
    store = door.held.files
    assert store is not None
    return Archiving(door.held.database, store, door.held.clock)


def lines(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("清单.csv").decode("utf-8-sig"))))


async def test_an_archive_holds_each_file_with_its_digests(door: Door) -> None:
    drafts = [await a_draft(door), await a_draft(door)]
    async with await door.as_(*UNIT) as unit:
        period = (await unit.get(f"/submissions/{drafts[0]}")).json()["period"]
        await added(unit, f"submissions/{drafts[0]}", PDF, "=报告?.pdf")
        await added(unit, f"submissions/{drafts[1]}", TEXT, "说明.txt")
        gone = (await added(unit, f"submissions/{drafts[1]}", TEXT, "误传.txt")).json()
        await unit.delete(f"/evidence/{gone['id']}")
    _, location = await begun(door)
    async with await door.as_("office") as office:
        await archiving(door).work_off()
        done = await told(door, location)
        assert (done["state"], done["progress"]["done"]) == ("succeeded", len(PDF) + len(TEXT))
        assert done["progress"]["total"] == done["progress"]["done"]
        answer = await office.get(done["result"]["path"].removeprefix("/v1"))
        assert hashlib.sha256(answer.content).hexdigest() == done["result"]["sha256"]
        assert len(answer.content) == done["result"]["size"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    listed = lines(archive)
    assert len(listed) == done["result"]["files"] == 2
    for one in listed:
        content = archive.read(one["路径"])
        assert hashlib.sha256(content).hexdigest() == one["SHA-256"]
        assert (len(content), len(one["SM3"])) == (int(one["字节数"]), 64)
    assert listed[0]["文件名"] == "'=报告?.pdf"  # no formula
    assert not any(set('\\:*?"<>|') & set(name) or ".." in name for name in archive.namelist())
    _, location = await begun(door, period=period)
    await archiving(door).work_off()
    assert (await told(door, location))["result"]["files"] == 1


async def test_the_archive_of_a_period_holds_what_its_rows_rest_upon(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        held, draft, later, revoked = [
            await added_row(unit, named_on=day, valid_until=end)
            for day, end in (
                ("2022-03-20", "2023-03-19"),
                ("2022-03-20", None),
                ("2023-06-01", None),
                ("2021-01-01", None),
            )
        ]
        named: dict[str, str] = {}
        for name, row in (("有效", held), ("草稿", draft), ("以后", later), ("已撤销", revoked)):
            await added(unit, f"register-rows/{row['id']}", PDF, f"{name}.pdf")
            named[str(row["id"])] = name
        for row in (held, later, revoked):
            answer = await office.post(f"/register-rows/{row['id']}/confirm")
            assert answer.status_code == 200, answer.text
        said = {"reason": "不再符合", "ended_on": "2022-05-01"}
        answer = await office.post(f"/register-rows/{revoked['id']}/revoke", json=said)
        assert answer.status_code == 200, answer.text
    found = {}
    for period in ("2021", "2022", "2023-Q1", "2024"):
        _, location = await begun(door, period=period)
        await archiving(door).work_off()
        done = await told(door, location)
        assert done["progress"]["done"] == done["progress"]["total"]
        async with await door.as_("office") as office:
            answer = await office.get(done["result"]["path"].removeprefix("/v1"))
        listed = lines(zipfile.ZipFile(io.BytesIO(answer.content)))
        of_rows = [one for one in listed if one["事项编号"] in named]
        assert {one["指标或措施"] for one in of_rows} <= {REGISTER}
        found[period] = {named[one["事项编号"]] for one in of_rows}
    assert found == {
        "2021": {"已撤销"},
        "2022": {"有效", "已撤销"},
        "2023-Q1": {"有效"},
        "2024": {"以后"},
    }


async def test_an_archive_is_its_makers_and_one_at_a_time(door: Door) -> None:
    async with await door.as_(*UNIT) as unit:
        assert (await unit.post(PATH, json={})).status_code == 403
    archive_id, _ = await begun(door)
    path = f"/evidence-archives/{archive_id}/content"
    async with await door.as_("office") as office:
        early = await office.get(path)
        assert (early.status_code, early.json()["code"]) == (404, "evidence-archive-not-found")
        second = await office.post(PATH, json={})
        assert (second.status_code, second.json()["code"]) == (409, "evidence-archive-under-way")
        await archiving(door).work_off()
        assert (await office.get(path)).status_code == 200
    async with door.client(await door.new_key("office")) as another:
        assert (await another.get(path)).status_code == 404


async def test_a_worker_that_dies_leaves_an_archive_that_another_makes_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filing(door, Later()).sweep()
    before = {one.name for one in files_below(door)}
    archive_id, location = await begun(door)
    dying: Any = archiving(door)

    async def dead(*_: object) -> None:
        raise SystemError

    with monkeypatch.context() as patched:
        patched.setattr(dying, "_finish", dead)  # between the file and the row
        with pytest.raises(SystemError):
            await dying.work_off()
    assert (await told(door, location))["state"] == "running"
    await archiving(door).work_off()
    assert (await told(door, location))["state"] == "running"  # the dead one's lease still holds
    await door.held.database.pool.execute(
        "UPDATE evidence_archive SET lease_until = now() WHERE city_code = '410183'"
    )
    await archiving(door).work_off()
    done = await told(door, location)
    assert done["state"] == "succeeded"
    left = {one.name for one in files_below(door)} - before
    assert len(left) == 2
    # The one that nobody names goes with the sweep, the other is kept while its row is.
    assert (await filing(door, Later()).sweep()).removed == 1
    async with await door.as_("office") as office:
        path = f"/evidence-archives/{archive_id}/content"
        assert (await office.get(path)).status_code == 200
        await door.held.database.pool.execute(
            "UPDATE evidence_archive SET updated_at = updated_at - interval '8 days'"
            " WHERE city_code = '410183'"
        )
        await door.sweep()
        assert (await office.get(path)).status_code == 404
    assert (await filing(door, Later()).sweep()).removed >= 1
    assert {one.name for one in files_below(door)} <= before


async def test_one_that_is_cancelled_leaves_nothing(door: Door) -> None:
    before = {one.name for one in files_below(door)}
    _, location = await begun(door)
    async with await door.as_("office") as office:
        assert (await office.post(f"{location}/cancel")).status_code == 200
    await archiving(door).work_off()
    assert (await told(door, location))["state"] == "cancelled"
    assert {one.name for one in files_below(door)} == before
    assert Clock.true_now() < Later.true_now() < Clock.true_now() + timedelta(days=1)


async def test_a_wish_for_what_is_not_there_is_told_at_once(door: Door) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json={"period": "2025-13", "organization_code": "UN99"})
    assert answer.status_code == 422
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/period", "/organization_code"}
