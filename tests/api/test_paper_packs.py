"""The self-assessment of a year: a report, its tables and the evidence, in one call."""

import csv
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from services.core.kit.clock import Clock
from services.core.kit.file_store import FileStore
from services.worker import packing
from services.worker.papering import Papering
from tests.support.api import Door, a_submission
from tests.support.evidence import PDF, UNIT, Later, added, files_below, filing
from tests.support.milestones import a_milestone_in
from tests.support.papers import (
    PATH,
    a_paper,
    a_year_with_evidence,
    content,
    got,
    made,
    papering,
    words_of,
)
from tests.support.registers import KEEPER, added_row
from tests.support.scores import PLAN


async def test_the_pack_of_a_year_holds_report_tables_evidence_and_their_digests(
    door: Door,
) -> None:
    year = await a_year_with_evidence(door)
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        row = str((await added_row(unit, named_on=f"{year}-01-01"))["id"])
        await added(unit, f"register-rows/{row}", PDF, "公布文件.pdf")
        assert (await office.post(f"/register-rows/{row}/confirm")).status_code == 200
    paper = await made(door, kind="self_assessment", period=year)
    assert [one["format"] for one in paper["files"]] == ["docx", "pdf", "xlsx", "zip"]
    said = words_of(await content(door, paper))
    for words in ("自评报告", "一、自评结论", "组织实施", "指标自评表", "佐证材料"):
        assert words in said
    archive = zipfile.ZipFile(io.BytesIO(await content(door, paper, "zip")))
    assert archive.testzip() is None
    listed = list(csv.DictReader(io.StringIO(archive.read("清单.csv").decode("utf-8-sig"))))
    assert {one["路径"] for one in listed} == set(archive.namelist()) - {"清单.csv"}
    for one in listed:
        packed = archive.read(one["路径"])
        assert hashlib.sha256(packed).hexdigest() == one["SHA-256"]
        assert (len(packed), len(one["SM3"])) == (int(one["字节数"]), 64)
    for form in ("docx", "pdf", "xlsx"):
        assert archive.read(f"{paper['title']}.{form}") == await content(door, paper, form)
    evidence = [one for one in listed if one["编号"]]
    assert len(evidence) >= 3
    assert [one["文件名"] for one in evidence if one["事项编号"] == row] == ["公布文件.pdf"]
    assert f"{len(evidence)}件" in said
    again = await made(door, kind="self_assessment", period=year, position=paper["position"])
    assert await content(door, again, "zip") == await content(door, paper, "zip")
    assert (await got(door, f"/papers/{paper['id']}/moved"))["items"] == []
    # What a paper names is kept by the sweep.
    before = {one.name for one in files_below(door)}
    await filing(door, Later()).sweep()
    assert {one.name for one in files_below(door)} <= before
    await content(door, paper, "zip")
    assert Clock.true_now() < Later.true_now()


async def test_a_pack_holds_what_was_decided_on_and_nothing_of_the_work_since(door: Door) -> None:
    """The superior reads it: it sees no draft, no correction, and no promise that is open."""
    year = await a_year_with_evidence(door)
    first = await made(door, kind="self_assessment", period=year)
    async with await door.as_(*UNIT) as unit, await door.as_("office") as office:
        body = a_submission(period=f"{year}-H1", draft=True)
        draft = (await unit.post(f"{PLAN}/submissions", json=body)).json()["id"]
        assert (await added(unit, f"submissions/{draft}", PDF, "草稿.pdf")).status_code == 201
        listed = (await unit.get(f"{PLAN}/submissions", params={"period": year})).json()["items"]
        corrected = listed[0]["id"]
        assert listed[0]["state"] == "approved"
        again = await office.post(f"/submissions/{corrected}/reopen", json={"reason": "更正"})
        assert again.status_code == 200, again.text
        await added(unit, f"submissions/{corrected}", PDF, "更正.pdf")
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        row = str((await added_row(unit, named_on=f"{year}-01-01"))["id"])
        assert (await office.post(f"/register-rows/{row}/confirm")).status_code == 200
        await added(unit, f"register-rows/{row}", PDF, "换证.pdf")
    milestone = (await a_milestone_in(door, "accepted")).json()
    async with await door.as_("reporter", milestone["organization_code"]) as unit:
        assert (
            await added(unit, f"milestones/{milestone['id']}", PDF, "进展.pdf")
        ).status_code == 201
    await door.react()
    second = await made(door, kind="self_assessment", period=year)
    assert await packed_names(door, second) == await packed_names(door, first) != []
    async with await door.as_("office") as office, await door.as_(*UNIT) as unit:
        assert (await unit.post(f"/submissions/{corrected}/submit")).status_code == 200
        assert (await office.post(f"/submissions/{corrected}/approve")).status_code == 200
        assert (await office.post(f"/register-rows/{row}/confirm")).status_code == 200
    await door.react()
    third = await packed_names(door, await made(door, kind="self_assessment", period=year))
    assert sorted(third) == sorted([*(await packed_names(door, first)), "更正.pdf", "换证.pdf"])
    moved = (await got(door, f"/papers/{first['id']}/moved"))["items"]
    assert [one["facts_now"] for one in moved if one["key"] == "evidence/files"] == [
        {"files": str(len(third))}
    ]


async def packed_names(door: Door, paper: dict[str, Any]) -> list[str]:
    """Return what the files of evidence in a pack are called; the paper counts just those."""
    archive = zipfile.ZipFile(io.BytesIO(await content(door, paper, "zip")))
    listed = csv.DictReader(io.StringIO(archive.read("清单.csv").decode("utf-8-sig")))
    names = [one["文件名"] for one in listed if one["编号"]]
    assert f"佐证材料{len(names)}件" in words_of(await content(door, paper))
    return names


async def test_a_worker_that_dies_between_archive_and_row_leaves_no_paper(
    door: Door, monkeypatch: Any
) -> None:
    year = await a_year_with_evidence(door)
    await filing(door, Later()).sweep()
    before = {one.name for one in files_below(door)}
    async with await door.as_("office") as office:
        begun = await office.post(PATH, json={"kind": "self_assessment", "period": year})
        location = begun.headers["Location"].removeprefix("/v1")
        paper_id = begun.json()["request"]["paper_id"]

        async def dead(*_: object, **__: object) -> None:
            raise SystemError

        with monkeypatch.context() as patched:
            patched.setattr("services.core.papers.service.finish_paper", dead)
            try:
                await papering(door).work_off()
            except SystemError:
                pass
            else:
                raise AssertionError
        assert (await office.get(location)).json()["state"] == "running"
        assert (await office.get(f"/papers/{paper_id}")).status_code == 404
        assert len({one.name for one in files_below(door)} - before) == 1
        # The archive that nobody names goes with the sweep.
        assert (await filing(door, Later()).sweep()).removed == 1
        await door.held.database.pool.execute(
            "UPDATE paper SET lease_until = now() WHERE city_code = '410183'"
        )
        await papering(door).work_off()
        assert (await office.get(location)).json()["state"] == "succeeded"
        assert (await office.get(f"/papers/{paper_id}/content/zip")).status_code == 200


async def test_a_pack_is_of_a_year(door: Door) -> None:
    await a_paper(door)
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json={"kind": "self_assessment", "period": "2021-Q1"})
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/period", "not-a-year")


class _TakesLongerThanALease:
    """A store that gives a file bit by bit; between two bits whoever makes a paper is overdue."""

    def __init__(self, door: Door, store: FileStore) -> None:
        self._door, self._store = door, store
        self.still_held: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        content = b"".join([part async for part in self._store.open(key)])
        yield content[:1]
        for at in range(1, 4):
            await self._pool.execute(
                "UPDATE paper SET lease_until = now() - interval '1 minute'"
                " WHERE city_code = '410183' AND state = 'making'"
            )
            yield content[at : at + 1]
            self.still_held.append(
                await self._pool.fetchval(
                    "SELECT max(lease_until) > now() FROM paper"
                    " WHERE city_code = '410183' AND state = 'making'"
                )
            )
        yield content[4:]

    @property
    def _pool(self) -> Any:
        return self._door.held.database.pool


async def test_a_pack_stays_its_worker_s_while_a_file_takes_longer_than_a_lease(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = await a_year_with_evidence(door)
    monkeypatch.setattr(packing, "_TOLD_EVERY_SECONDS", 0.0)
    held = door.held
    assert held.files is not None
    store = _TakesLongerThanALease(door, held.files)
    async with await door.as_("office") as office:
        wish = {"kind": "self_assessment", "period": year}
        begun = await office.post(f"{PLAN}/papers", json=wish)
        assert begun.status_code == 202, begun.text
        making = Papering(held.database, held.clock, cast("FileStore", store), seal=held.seal)
        await making.work_off()
        told = (await office.get(begun.headers["Location"].removeprefix("/v1"))).json()
    assert told["state"] == "succeeded", told
    assert set(store.still_held) == {True}
    assert len(store.still_held) >= 6, "bit by bit of each file"
