"""Sheets that come in: once, whole, or not at all."""

from typing import Any

import pytest

from services.core.imports import service as imports
from services.core.kit.clock import Clock
from tests.support.api import IN_TIME, XINMI, Door, a_submission
from tests.support.batches import sent as batch_sent
from tests.support.imports import (
    HEADINGS,
    IMPORTS,
    checked,
    confirmed,
    csv_of,
    faults_of,
    places,
    row_of,
    seen,
    sent,
    values,
    work,
    xlsx_of,
)
from tests.support.reported import a_period


@pytest.mark.parametrize("make", [xlsx_of, csv_of])
async def test_a_sheet_gives_what_the_json_gives(door: Door, make: Any) -> None:
    at = places(3)
    said = ["40.65", "99.5", "0.01"]
    rows = [row_of(*place, value, 单位="市城管局") for place, value in zip(at, said, strict=True)]
    if make is xlsx_of:
        rows = [[float(one) if one in said else one for one in row] for row in rows]
    found = await checked(door, make(*rows))
    assert (found["state"], found["rows"], found["faults"]) == ("checked", 3, 0)
    assert (found["created"], found["updated"], found["unchanged"]) == (3, 0, 0)
    assert found["first_row"]["本期值"] == "40.65"
    assert await values(door, *at) == [None, None, None]
    done = await confirmed(door, found["id"])
    assert (done["state"], done["result"]["created"]) == ("succeeded", 3)
    assert await values(door, *at) == said
    items = [
        a_submission(indicator_code=code, period=period, value=value)
        for (code, period), value in zip(at, said, strict=True)
    ]
    again = await batch_sent(door, items)
    assert again.json()["unchanged"] == 3
    async with await door.as_("office") as office:
        history = await office.get(f"/submissions/{again.json()['items'][0]['id']}/history")
    (change,) = history.json()["items"]
    assert change["actor"]["channel"] == "import"
    assert change["actor"]["organization_code"] == "UN15"


async def test_the_same_sheet_again_writes_nothing(door: Door) -> None:
    (at,) = places(1)
    content = csv_of(row_of(*at, "40.65"))
    await confirmed(door, (await checked(door, content))["id"])
    found = await checked(door, content)
    assert (found["created"], found["unchanged"]) == (0, 1)
    done = await confirmed(door, found["id"])
    assert done["result"]["unchanged"] == 1


async def test_checks_4_and_5_every_fault_is_told_and_nothing_is_written(door: Door) -> None:
    (good, wide, same), closed = places(3), a_period()
    async with await door.as_("office") as office:
        assert (
            await office.post(f"/plans/{XINMI}/periods/{closed}/open", json=IN_TIME)
        ).status_code == 200
        assert (await office.post(f"/plans/{XINMI}/periods/{closed}/close")).status_code == 200
    found = await checked(
        door,
        csv_of(
            row_of("U99", good[1], "40.65"),
            row_of("U08", closed, "40.65"),
            row_of(*wide, "４０.65"),
            row_of("U08", a_period(), "40.65", 单位="UN10"),
            row_of("U08", "2025-13", "1"),
            row_of(*same, "1"),
            row_of(*same, "2"),
            row_of("U08", a_period(), None, 本期分子="1", 本期分母="0"),
            row_of("合计", "", "123"),
            row_of(*good, "40.65"),
        ),
    )
    assert (found["rows"], found["ignored"]) == (9, 1)
    told = await faults_of(door, found["id"])
    assert told == [
        (2, "A2", "unknown-indicator"),
        (3, "D3", "period-closed"),
        (4, "E4", "decimal"),
        (5, "C5", "not-your-organization"),
        (6, "D6", "invalid-period"),
        (7, "A7", "duplicate-row"),
        (8, "A8", "duplicate-row"),
        (9, "G9", "division-by-zero"),
    ]
    assert found["allowed_actions"] == ["discard"]
    async with await door.as_("reporter", "UN15") as unit:
        refused = await unit.post(f"/imports/{found['id']}/confirm")
        assert (refused.status_code, refused.json()["code"]) == (409, "import-has-faults")
        gone = await unit.post(f"/imports/{found['id']}/discard")
        assert (gone.status_code, gone.json()["state"]) == (200, "discarded")
        again = await unit.post(f"/imports/{found['id']}/discard")
        assert (again.status_code, again.json()["allowed_actions"]) == (409, [])
    assert await values(door, good) == [None]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("gbk"),
        lambda text: text.replace(",", "\t").encode("utf-16"),
    ],
)
async def test_a_mark_and_a_national_encoding_are_read(door: Door, encode: Any) -> None:
    (at,) = places(1)
    found = await checked(door, encode(csv_of(row_of(*at, "1.5", 备注="两行\n说明")).decode()))
    assert (found["faults"], found["first_row"]["备注"]) == (0, "两行\n说明")
    await confirmed(door, found["id"])
    assert await values(door, at) == ["1.5"]


async def test_progress_is_told_and_a_cancelled_import_keeps_nothing(door: Door) -> None:
    at = places(2)
    content = csv_of(*(row_of(*one, "1") for one in at))
    begun = await sent(door, content, file_name="1月.csv")
    async with await door.as_("reporter", "UN15") as unit:
        cancelled = await unit.post(f"/operations/{begun.json()['id']}/cancel")
        assert cancelled.json()["state"] == "cancelled"
        await work(door)
        found = await unit.get(f"/imports/{begun.json()['request']['import_id']}")
        assert (found.json()["state"], found.json()["file_name"]) == ("discarded", "1月.csv")
    ready = await checked(door, content)
    async with await door.as_("reporter", "UN15") as unit:
        writing = await unit.post(f"/imports/{ready['id']}/confirm")
        assert writing.json()["progress"] == {"rows": 2, "written": 0}
        await unit.post(f"/operations/{writing.json()['id']}/cancel")
        await work(door)
        assert (await seen(door, ready["id"]))["state"] == "checked"
    assert await values(door, *at) == [None, None]
    done = await confirmed(door, ready["id"])
    assert done["progress"] == {"rows": 2, "written": 2}
    async with await door.as_("reporter", "UN15") as unit:
        late = await unit.post(f"/operations/{done['id']}/cancel")
        assert late.status_code == 409
        twice = await unit.post(f"/imports/{ready['id']}/confirm")
        assert (twice.status_code, twice.json()["state"]) == (409, "confirmed")


async def test_a_file_that_is_sent_twice_under_one_key_is_one_import(door: Door) -> None:
    (at,) = places(1)
    async with await door.as_("reporter", "UN15") as unit:
        key = {"Idempotency-Key": f"sheet {at}"}
        first, second = [
            await unit.post(IMPORTS, content=csv_of(row_of(*at, "1")), headers=key)
            for _ in range(2)
        ]
        other = await unit.post(IMPORTS, content=csv_of(row_of(*at, "2")), headers=key)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


async def test_a_preview_of_sending_keeps_nothing(door: Door) -> None:
    (at,) = places(1)
    answer = await sent(door, csv_of(row_of(*at, "1")), validate_only=True)
    assert answer.status_code == 202
    async with await door.as_("reporter", "UN15") as unit:
        gone = await unit.get(f"/imports/{answer.json()['request']['import_id']}")
    assert gone.status_code == 404


async def test_an_import_is_seen_by_whoever_sent_it(door: Door) -> None:
    (at,) = places(1)
    found = await checked(door, csv_of(row_of(*at, "1")))
    for role, unit in (("office", None), ("reporter", "UN10")):
        async with await door.as_(role, unit) as other:
            for path in ("", "/faults", "/marked.xlsx"):
                assert (await other.get(f"/imports/{found['id']}{path}")).status_code == 404
            for verb in ("confirm", "discard"):
                assert (await other.post(f"/imports/{found['id']}/{verb}")).status_code == 404
    async with await door.as_("leader") as leader:
        assert (await leader.post(IMPORTS, content=b"a")).status_code == 403
    office = await checked(
        door, csv_of(row_of(*at, "1", 单位="UN15")), as_=("office", None), on_behalf_of=True
    )
    assert office["faults"] == 0


async def test_what_moved_since_the_check_is_told_and_nothing_is_written(door: Door) -> None:
    first, second = places(2)
    found = await checked(door, csv_of(row_of(*first, "1"), row_of(*second, "2")))
    made = await batch_sent(
        door, [a_submission(indicator_code=second[0], period=second[1], value="3")]
    )
    assert made.json()["created"] == 1
    done = await confirmed(door, found["id"])
    assert done["state"] == "failed"
    (error,) = done["errors"]
    assert (error["row"], error["code"]) == (3, "transition-refused")
    assert await values(door, first, second) == [None, "3"]
    assert (await seen(door, found["id"]))["state"] == "checked"


async def test_what_somebody_wrote_after_the_file_was_sent_is_not_overwritten(door: Door) -> None:
    first, second = places(2)
    one = await checked(door, csv_of(row_of(*first, "1"), row_of(*second, "1")), draft=True)
    other = await checked(door, csv_of(row_of(*second, "2")), draft=True)
    assert (await confirmed(door, other["id"]))["state"] == "succeeded"
    done = await confirmed(door, one["id"])
    assert done["state"] == "failed"
    assert [(error["row"], error["code"]) for error in done["errors"]] == [
        (3, "changed-since-sent")
    ]
    assert await values(door, first, second) == [None, "2"]
    again = await checked(door, csv_of(row_of(*second, "3")), draft=True)
    assert (await confirmed(door, again["id"]))["state"] == "succeeded"
    assert await values(door, second) == ["3"]


async def test_a_file_that_is_no_sheet_is_refused_at_once(door: Door) -> None:
    for content, code in (
        (b"", "empty-file"),
        (b"%PDF-1.7", "not-a-sheet"),
        (csv_of(["x"], headings=["a"]), "headings-not-found"),
        (csv_of(row_of("U08", "2025", "1"), headings=[*HEADINGS[:-1], "数值"]), "heading-twice"),
    ):
        answer = await sent(door, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "sheet-refused")
        assert answer.json()["errors"][0]["code"] == code


async def test_what_is_said_beside_a_file_is_judged_once_and_not_row_by_row(door: Door) -> None:
    content = csv_of(*(row_of(*at, "1") for at in places(2)))
    async with await door.as_("reporter", "UN15") as unit:
        asked = {"period": "2025-13", "organization_code": "UN1500", "draft": "maybe"}
        wrong = await unit.post(IMPORTS, params=asked, content=content)
        named = {name: asked[name] for name in ("period", "organization_code")}
        unknown = await unit.post(IMPORTS, params=named, content=content)
    assert [one["pointer"] for one in wrong.json()["errors"]] == ["/query/draft"]
    assert unknown.status_code == 422, unknown.text
    assert [(one["pointer"], one["code"]) for one in unknown.json()["errors"]] == [
        ("/query/period", "invalid-period"),
        ("/query/organization_code", "unknown-organization"),
    ]


async def test_one_import_too_many_is_told_which_others_are_under_way(door: Door) -> None:
    content = csv_of(*(row_of(*at, "1") for at in places(1)))
    async with await door.as_("reporter", "UN20") as unit:
        begun = [await unit.post(IMPORTS, content=content) for _ in range(imports.MOST_UNDER_WAY)]
        refused = await unit.post(IMPORTS, content=content)
        ids = [one.json()["request"]["import_id"] for one in begun]
        told = [one["value"] for one in refused.json()["errors"]]
        freed = [await unit.post(f"/imports/{one}/discard") for one in told]
        taken = await unit.post(IMPORTS, content=content)
        await unit.post(f"/imports/{taken.json()['request']['import_id']}/discard")
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-imports")
    assert told == ids
    assert {one.status_code for one in freed} == {200}
    assert taken.status_code == 202, taken.text


async def test_files_with_faults_are_not_under_way_and_the_last_of_them_are_kept(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_UNDER_WAY", 2)
    (at,), sender = places(1), ("reporter", "UN09")
    faulty = [await checked(door, csv_of(row_of(*at, "much")), as_=sender) for _ in range(4)]
    sound = await sent(door, csv_of(row_of(*at, "1", 单位="UN09")), as_=sender)
    assert sound.status_code == 202, sound.text
    async with await door.as_(*sender) as unit:
        copies = [await unit.get(f"/imports/{one['id']}/marked.xlsx") for one in faulty]
        told = await unit.get(f"/imports/{faulty[0]['id']}/faults")
    assert [one.status_code for one in copies] == [404, 404, 200, 200]
    assert told.json()["items"], "what was found is told as long as ever"


async def test_a_file_that_nobody_confirms_is_given_up_with_its_bytes(door: Door) -> None:
    (at,), sender = places(1), ("reporter", "UN08")
    found = await checked(door, csv_of(row_of(*at, "1", 单位="UN08")), as_=sender)
    later = Clock(door.held.clock.offset + imports._FILES_KEPT * 1.1)
    async with door.held.database.transaction() as session:
        await imports.follow_date(session, "410183", later)
    given_up = await seen(door, found["id"], as_=sender)
    assert (given_up["state"], given_up["allowed_actions"]) == ("discarded", [])


async def test_old_files_are_dropped_and_later_all_that_was_found(door: Door) -> None:
    (at,) = places(1)
    found = await checked(door, csv_of(row_of(*at, "much")))
    later = Clock(door.held.clock.offset + imports._FILES_KEPT * 1.1)
    async with door.held.database.transaction() as session:
        await imports.follow_date(session, "410183", later)
    async with await door.as_("reporter", "UN15") as unit:
        assert (await unit.get(f"/imports/{found['id']}/marked.xlsx")).status_code == 404
        assert (await unit.get(f"/imports/{found['id']}/faults")).json()["items"]
    much_later = Clock(door.held.clock.offset + imports._FILES_KEPT * 5)
    async with door.held.database.transaction() as session:
        await imports.follow_date(session, "410183", much_later)
    async with await door.as_("reporter", "UN15") as unit:
        assert (await unit.get(f"/imports/{found['id']}")).status_code == 404
