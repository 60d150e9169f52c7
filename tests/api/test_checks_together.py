"""Checks at entry of many values at once: batches, bulk verbs, devices, files, previews."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import httpx
import pytest

from services.core.kit.ids import new_id
from tests.support.api import Door
from tests.support.checked_plan import CHECKED, a_figure, a_year, load_checked, reports
from tests.support.device import a_write
from tests.support.imports import csv_of, work
from tests.support.plans import TRIAL
from tests.support.statements_counted import fewest

pytestmark = pytest.mark.citus


@pytest.fixture(scope="module", autouse=True)
async def _plan(door: Door) -> None:
    await load_checked(door)


async def batch(client: httpx.AsyncClient, *items: dict[str, Any], **more: Any) -> httpx.Response:
    """Return the answer to a batch."""
    return await client.post(f"{CHECKED}/batch", json={"items": items, **more})


def became(answer: httpx.Response) -> list[tuple[str, list[str]]]:
    """Return what became of each row, and the codes of its faults."""
    return [
        (one["outcome"], [fault["code"] for fault in one["errors"]])
        for one in answer.json()["items"]
    ]


async def test_rows_of_a_batch_are_held_against_each_other(door: Door) -> None:
    first, second = (f"{a_year()}-03" for _ in range(2))
    async with await door.as_("reporter", "UN15") as unit:
        answer = await batch(
            unit,
            a_figure("W1", first, 120),
            a_figure("W2", first, 100),
            a_figure("W1", second, 90),
            a_figure("W2", second, 100),
            a_figure("X1", second, 1),
        )
        # Handed in together they agree, and so does the one that is left when the other is refused.
        refused = answer.json()["items"][0]["errors"][0]
        mended = await batch(unit, a_figure("W1", first, 120), a_figure("W2", first, 130))
        atomic = await batch(
            unit,
            a_figure("W1", f"{first[:4]}-04", 2),
            a_figure("W2", f"{first[:4]}-04", 1),
            atomic=True,
        )
        none = await unit.get(CHECKED, params={"period": f"{first[:4]}-04"})
    broken = ("rejected", ["check-failed"])
    assert became(answer) == [broken, broken, *[("created", [])] * 3]
    assert refused["pointer"] == "/items/0/value"
    assert "left 120, right 100" in refused["detail"]
    assert became(mended) == [("created", [])] * 2
    assert (atomic.status_code, atomic.json()["code"]) == (422, "batch-rejected")
    assert none.json()["items"] == []


async def test_what_was_held_against_a_refused_row_is_judged_without_it(door: Door) -> None:
    period = f"{a_year()}-03"
    async with await door.as_("reporter", "UN15") as unit:
        await reports(unit, a_figure("W2", period, 100))
        answer = await batch(unit, a_figure("X2", period, 50), a_figure("W1", period, 120))
    assert became(answer) == [("created", []), ("rejected", ["check-failed"])]
    # Beside 120 there was nothing to say of 50; beside nothing there is.
    (warned,) = answer.json()["items"][0]["warnings"]
    assert (warned["check"]["rule"], warned["check"]["right"]) == ("K3", "0")


async def test_drafts_of_a_batch_are_kept_with_what_is_wrong_and_handed_in_together(
    door: Door,
) -> None:
    period = f"{a_year()}-03"
    async with await door.as_("reporter", "UN15") as unit:
        kept = await batch(unit, a_figure("W1", period, 5), a_figure("W2", period, 4), draft=True)
        ids = [one["id"] for one in kept.json()["items"]]
        asked = {"items": [{"id": one} for one in ids]}
        refused = await unit.post(f"{CHECKED}/submit", json=asked)
        path = f"/submissions/{ids[1]}"
        await unit.patch(path, json={"value": "6"}, headers={"If-Match": "*"})
        done = await unit.post(f"{CHECKED}/submit", json=asked)
        listed = (await unit.get(CHECKED, params={"period": period})).json()["items"]
    assert became(kept) == [("created", [])] * 2
    problems = [one["problem"] for one in refused.json()["items"]]
    assert [one["errors"][0]["code"] for one in problems] == ["check-failed"] * 2
    assert (done.json()["done"], [one["warnings"] for one in listed]) == (2, [[], []])


async def test_a_batch_asks_as_often_for_one_row_as_for_many(door: Door) -> None:
    years = [a_year(), a_year()]
    async with await door.as_("reporter", "UN15") as unit:

        async def made(year: int, months: Iterable[int]) -> None:
            items = [
                a_figure(code, f"{year}-{month:02}", value)
                for month in months
                for code, value in (("W1", 1), ("W2", 2), ("O1", 3), ("B3", 0))
            ]
            assert {one for one, _ in became(await batch(unit, *items))} == {"created"}

        few = await fewest(door, *(partial(made, year, [1]) for year in years))
        many = await fewest(door, *(partial(made, year, range(2, 13)) for year in years))
    assert few == many


async def test_a_preview_says_what_the_checks_say_and_is_void_when_a_figure_moved(
    door: Door,
) -> None:
    period = f"{a_year()}-03"
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        (whole,) = await reports(unit, a_figure("W2", period, 100))
        asked = {"items": [a_figure("W1", period, 120), a_figure("X1", period, 1)]}
        tried = await unit.post(f"{CHECKED}/batch", params={"validate_only": "true"}, json=asked)
        live = await unit.post(f"{CHECKED}/batch", json=asked)
        fits = {"items": [a_figure("W1", period, 90)]}
        tried_again = await unit.post(
            f"{CHECKED}/batch", params={"validate_only": "true"}, json=fits
        )
        commit = f"{CHECKED}/batch/previews/{tried_again.json()['preview']['preview_id']}/commit"
        await office.post(f"/submissions/{whole['id']}/return", json={"reason": "核对"})
        outdated = await unit.post(commit)
    assert became(tried) == became(live) == [("rejected", ["check-failed"]), ("created", [])]
    assert (outdated.status_code, outdated.json()["code"]) == (409, "preview-outdated")
    assert outdated.json()["moved"]["figures"] == 1
    assert outdated.json()["moved"]["items"] == []


def _creation(figure: dict[str, Any]) -> dict[str, Any]:
    return a_write("submission.create", str(new_id()), data=figure)


async def test_what_a_device_wrote_meets_the_checks_in_the_order_it_was_written(
    door: Door,
) -> None:
    period = f"{a_year()}-03"
    drafted = _creation(a_figure("W1", period, 50, draft=True))
    subject = drafted["submission_id"]
    writes = [
        _creation(a_figure("W2", period, 40)),
        drafted,
        a_write("submission.submit", subject),
        a_write("submission.edit", subject, data={"value": "30"}),
        a_write("submission.submit", subject),
        _creation(a_figure("W1", f"{period[:4]}-04", 1)),
        _creation(a_figure("W2", f"{period[:4]}-04", 0)),
    ]
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post("/sync", json={"plan": TRIAL, "writes": writes})
        read = (await unit.get(f"/submissions/{subject}")).json()
        history = (await unit.get(f"/submissions/{subject}/history")).json()["items"]
    results = answer.json()["results"]
    assert [one["outcome"] for one in results] == [
        *("applied", "applied", "refused", "applied", "applied", "applied", "refused")
    ]
    for refused in (results[2], results[6]):
        assert [one["code"] for one in refused["refusal"]["errors"]] == ["check-failed"]
    assert (read["state"], read["value"], read["warnings"]) == ("submitted", "30", [])
    kept = [[one["check"]["rule"] for one in each["after"]["warnings"]] for each in history]
    assert kept == [["K1"], [], []]


HEADINGS = ("指标编号", "单位", "报告期", "本期值", "变化原因")


async def test_a_row_of_a_file_that_breaks_a_rule_is_marked(door: Door) -> None:
    period = f"{a_year()}-03"
    path = f"/plans/{TRIAL}/imports"
    async with await door.as_("reporter", "UN16") as other:
        figure = a_figure("W4", period, 7, organization_code="UN16")
        await reports(other, figure)
    rows = [
        ("W1", "市城管局", period, "5", ""),
        ("W2", "市城管局", period, "4", ""),
        ("W3", "市城管局", period, "8", ""),
    ]
    mended = [("W1", "市城管局", period, "4", ""), rows[1], (*rows[2][:4], "在途")]
    async with await door.as_("reporter", "UN15") as unit:
        sent = await unit.post(path, content=csv_of(*rows, headings=HEADINGS))
        await work(door)
        import_id = sent.json()["request"]["import_id"]
        found = (await unit.get(f"/imports/{import_id}/faults")).json()["items"]
        marked = await unit.get(f"/imports/{import_id}/marked.xlsx")
        again = await unit.post(path, content=csv_of(*mended, headings=HEADINGS))
        await work(door)
        import_id = again.json()["request"]["import_id"]
        await unit.post(f"/imports/{import_id}/confirm")
        await work(door)
        listed = (await unit.get(CHECKED, params={"period": period})).json()["items"]
    assert [(one["row"], one["code"], one["column"]) for one in found] == [
        (2, "check-failed", "本期值"),
        (3, "check-failed", "本期值"),
        (4, "justification-required", "变化原因"),
    ]
    assert marked.status_code == 200
    (explained,) = [one for one in listed if one["indicator_code"] == "W3"]
    assert explained["justification"] == "在途"
    assert [one["check"]["rule"] for one in explained["warnings"]] == ["K2"]
