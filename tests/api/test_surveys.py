"""Surveys come in as counts: a share with its interval is proposed, and nobody who was asked."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, xinmi
from tests.support.doors import with_2025_open as ledger
from tests.support.observed import conflicts_of

__all__ = ["ledger"]  # fixtures

PLAN = f"/plans/{XINMI}"
SURVEY = f"{PLAN}/registers/SURVEY"
KEEPER = "UN23"


def counts(**changes: Any) -> dict[str, Any]:
    """Return what is said of a group: of 400 of the public 320 are satisfied."""
    values = {
        "closed_on": "2025-10-31",
        "question": "satisfied",
        "group": "public",
        "organizer": "statistics",
        "method": "telephone",
        "answers": 400,
        "positive": 320,
        **changes,
    }
    said = {name: value for name, value in values.items() if value is not None}
    return {"organization_code": KEEPER, "values": said}


async def confirmed(ledger: Door, **changes: Any) -> str:
    """Write the counts of a group, have them confirmed and followed, and return the row's id."""
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        made = await unit.post(f"{SURVEY}/rows", json=counts(**changes))
        assert made.status_code == 201, made.text
        row_id = str(made.json()["id"])
        answer = await office.post(f"/register-rows/{row_id}/confirm")
        assert answer.status_code == 200, answer.text
    await ledger.react()
    return row_id


async def figure(client: httpx.AsyncClient, measure: str) -> dict[str, Any]:
    answer = await client.get(f"{SURVEY}/measures", params={"period": "2025"})
    assert answer.status_code == 200, answer.text
    (found,) = (one for one in answer.json()["items"] if one["measure_code"] == measure)
    return dict(found)


async def submission_of(client: httpx.AsyncClient, indicator: str) -> dict[str, Any] | None:
    asked = {"indicator_code": indicator, "period": "2025"}
    items = (await client.get(f"{PLAN}/submissions", params=asked)).json()["items"]
    return items[0] if items else None


async def test_a_share_is_proposed_with_its_interval_and_what_it_rests_on(ledger: Door) -> None:
    row_id = await confirmed(ledger)
    async with await ledger.as_("office") as office:
        shown = await figure(office, "satisfied")
        draft = await submission_of(office, "P03")
    assert draft is not None
    assert (draft["state"], draft["value"], draft["organization_code"]) == ("draft", "80", "UN04")
    assert (draft["numerator"], draft["denominator"]) == ("320", "400")
    assert "有效样本 400 份，95% 置信区间 75.80%～83.63%（Wilson）" in draft["source"]
    survey = shown["survey"]
    assert (survey["answers"], survey["least"], survey["confidence"]) == ("400", 385, 95)
    assert (survey["weighted"], survey["refused"]) == (False, None)
    lower, upper = Decimal(survey["lower"]), Decimal(survey["upper"])
    assert (round(lower, 4), round(upper, 4)) == (Decimal("0.7580"), Decimal("0.8363"))
    assert [one["id"] for one in shown["proposed"]["rows"]] == [row_id]


async def test_too_few_answers_give_no_share_and_a_draft_that_loses_them_is_emptied(
    ledger: Door,
) -> None:
    await confirmed(ledger, answers=384, positive=300)
    async with await ledger.as_("office") as office:
        shown = await figure(office, "satisfied")
        assert await submission_of(office, "P03") is None
        assert (shown["value"], shown["proposed"]) == (None, None)
        assert shown["survey"]["refused"] == "too-few-answers"
        second = await confirmed(ledger, closed_on="2025-06-30", answers=16, positive=10)
        draft = await submission_of(office, "P03")
        assert draft is not None
        assert (draft["numerator"], draft["denominator"]) == ("310", "400")
        gone = {"reason": "问卷无效", "ended_on": "2025-07-01"}
        answer = await office.post(f"/register-rows/{second}/revoke", json=gone)
        assert answer.status_code == 200, answer.text
        await ledger.react()
        emptied = await submission_of(office, "P03")
    assert emptied is not None
    assert (emptied["state"], emptied["value"], emptied["numerator"]) == ("draft", None, None)
    assert "有效样本 384 份，不足以给出占比（too-few-answers）" in emptied["source"]


def before_surveys(**columns: dict[str, Any]) -> PlanDocument:
    """Return Xinmi's plan as it was before its survey was measured and its rows were checked.

    `columns` are what columns of it were then.
    """
    document = xinmi().model_dump(mode="json", exclude_none=True)
    (register,) = (one for one in document["registers"] if one["code"] == "SURVEY")
    register |= {"checks": [], "measures": [], "aggregates": False}
    register["columns"] = [{**one, **columns.get(one["code"], {})} for one in register["columns"]]
    return read_document(document)


_WORDS = {"type": "text", "minimum": None, "maximum": None}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, {"positive": 401}),
        ({}, {"answers": 0, "positive": 1}),
        ({"frame": {"minimum": 0}}, {"frame": 0}),
        ({"answers": {"minimum": -9}}, {"answers": -9}),
        ({"answers": {"required": False}}, {"answers": None}),
        ({"positive": {"required": False}}, {"positive": None}),
        ({"positive": _WORDS}, {"positive": "三百二十"}),
    ],
)
async def test_a_row_of_an_earlier_plan_that_contradicts_itself_stops_nobody(
    ledger: Door, columns: dict[str, dict[str, Any]], said: dict[str, Any]
) -> None:
    await ledger.load(before_surveys(**columns))
    row_id = await confirmed(ledger, **said)
    await ledger.load(xinmi())
    await ledger.react()
    await confirmed(ledger, question="took-part")
    async with await ledger.as_("office") as office:
        shown = await figure(office, "satisfied")
        assert (shown["value"], shown["survey"]["refused"]) == (None, "answers-contradict")
        assert shown["row_count"] == 1
        assert await submission_of(office, "P03") is None
        beside = await submission_of(office, "P02")
        assert beside is not None
        assert beside["value"] == "80", "the city's other figures are followed"
        end = {"reason": "录入错误", "ended_on": "2025-11-01"}
        gone = await office.post(f"/register-rows/{row_id}/revoke", json=end)
        assert gone.status_code == 200, gone.text
    await confirmed(ledger, closed_on="2025-11-30")
    async with await ledger.as_("office") as office:
        assert (await figure(office, "satisfied"))["value"] == "80"


async def test_a_row_of_an_earlier_plan_that_says_words_for_a_day_is_of_no_period(
    ledger: Door,
) -> None:
    await ledger.load(before_surveys(closed_on={"type": "text"}))
    await confirmed(ledger, closed_on="去年秋天")
    await ledger.load(xinmi())
    await confirmed(ledger)
    async with await ledger.as_("office") as office:
        shown = await figure(office, "satisfied")
    assert (shown["value"], shown["row_count"]) == ("80", 1)


async def test_groups_weigh_by_their_frame_where_all_of_them_have_one(ledger: Door) -> None:
    said = {"question": "took-part", "answers": 200}
    await confirmed(ledger, **said, group="government", positive=100, frame=1000)
    await confirmed(ledger, **said, group="public", positive=180, frame=9000)
    async with await ledger.as_("office") as office:
        shown = await figure(office, "took-part")
        draft = await submission_of(office, "P02")
        await confirmed(ledger, **said, group="enterprise", positive=180)
        without = await figure(office, "took-part")
    assert draft is not None
    assert (draft["value"], draft["numerator"], draft["denominator"]) == ("86", "8600", "10000")
    assert shown["survey"]["weighted"] is True
    assert round(Decimal(shown["survey"]["effective"]), 6) == Decimal("243.902439")
    assert (without["value"], without["survey"]["refused"]) == (None, "frame-incomplete")


async def test_a_later_correction_of_what_was_approved_is_a_conflict(ledger: Door) -> None:
    row_id = await confirmed(ledger)
    async with (
        await ledger.as_("reporter", KEEPER) as unit,
        await ledger.as_("reporter", "UN04") as owner,
        await ledger.as_("lead", "UN05") as other,
        await ledger.as_("office") as office,
    ):
        draft = await submission_of(office, "P03")
        assert draft is not None
        path = f"/submissions/{draft['id']}"
        assert (await owner.post(f"{path}/submit")).status_code == 200
        assert (await other.post(f"{path}/approve")).status_code in {403, 404}
        assert (await office.post(f"{path}/approve")).status_code == 200
        fewer = {"values": {"positive": 200}}
        edited = await unit.patch(f"/register-rows/{row_id}", json=fewer, headers={"If-Match": "*"})
        assert edited.status_code == 200, edited.text
        assert (await office.post(f"/register-rows/{row_id}/confirm")).status_code == 200
        await ledger.react()
        await ledger.react()
        (conflict,) = await conflicts_of(office, "2025")
        official = await submission_of(office, "P03")
    assert official is not None
    assert (official["state"], official["value"]) == ("approved", "80")
    assert (conflict["state"], conflict["observation"]["value"]) == ("open", "50")


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({"positive": 401}, {("/values/positive", "check-broken")}),
        ({"answers": "张三"}, {("/values/answers", "counts-only")}),
        ({"answers": "13800138000"}, {("/values/answers", "counts-only")}),
        ({"name": "张三"}, {("/values/name", "unknown-column")}),
        ({"method": "张三"}, {("/values/method", "unknown-choice")}),
    ],
)
async def test_more_than_were_asked_and_whoever_was_asked_are_refused(
    ledger: Door, wrong: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit:
        answer = await unit.post(f"{SURVEY}/rows", json=counts(**wrong))
    assert answer.status_code == 422
    assert {(one["pointer"], one["code"]) for one in answer.json()["errors"]} == faults
    assert "张三" not in answer.text
    assert "13800138000" not in answer.text


async def test_a_reason_holds_no_number_of_a_person_either(ledger: Door) -> None:
    row_id = await confirmed(ledger)
    async with await ledger.as_("office") as office:
        said = {"reason": "受访人 138 0013 8000 否认受访"}
        answer = await office.post(f"/register-rows/{row_id}/revoke", json=said)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/reason", "counts-only")
    assert "8000" not in answer.text


async def approved(ledger: Door, owner: httpx.AsyncClient, office: httpx.AsyncClient) -> None:
    """Have the proposed share of the satisfied handed in and approved."""
    draft = await submission_of(office, "P03")
    assert draft is not None
    path = f"/submissions/{draft['id']}"
    assert (await owner.post(f"{path}/submit")).status_code == 200
    assert (await office.post(f"{path}/approve")).status_code == 200
    await ledger.react()


async def said_of(client: httpx.AsyncClient, indicator: str) -> dict[str, Any]:
    """Return what the register says of an indicator as another source."""
    asked = {"indicator_code": indicator, "period": "2025"}
    answer = await client.get(f"{PLAN}/observations", params=asked)
    (found,) = answer.json()["items"]
    return dict(found)


async def test_a_share_that_is_given_no_more_is_said_no_more_and_can_be_again(
    ledger: Door,
) -> None:
    row_id = await confirmed(ledger)
    async with (
        await ledger.as_("reporter", KEEPER) as unit,
        await ledger.as_("reporter", "UN04") as owner,
        await ledger.as_("office") as office,
    ):

        async def corrected(**values: int) -> None:
            path, said = f"/register-rows/{row_id}", {"values": values}
            answer = await unit.patch(path, json=said, headers={"If-Match": "*"})
            assert answer.status_code == 200, answer.text
            assert (await office.post(f"{path}/confirm")).status_code == 200
            await ledger.react()
            await ledger.react()

        await approved(ledger, owner, office)
        await corrected(positive=200)
        (conflict,) = await conflicts_of(office, "2025")
        assert conflict["state"] == "open"
        await corrected(answers=300)
        gone = await said_of(office, "P03")
        (closed,) = await conflicts_of(office, "2025")
        await corrected(answers=301)
        still = await said_of(office, "P03")
        history = (await office.get(f"/observations/{gone['id']}/history")).json()["items"]
        await corrected(answers=400, positive=240)
        again = await said_of(office, "P03")
        raised = [one for one in await conflicts_of(office, "2025") if one["state"] == "open"]
    assert (gone["withdrawn"], gone["withdrawal_reason"]) == (True, "台账已不能给出该数值")
    assert (closed["state"], closed["closed_because"]) == ("closed", "observation-withdrawn")
    assert still == gone, "what was taken back is not taken back once more"
    assert [one["action"] for one in history] == ["recorded", "corrected", "withdrawn"]
    assert (again["withdrawn"], again["value"]) == (False, "60")
    assert [one["observation"]["value"] for one in raised] == ["60"]
