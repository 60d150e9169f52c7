"""What is owed: raised with a period, kept in step with the plan, given more time."""

import asyncio
from datetime import date
from typing import Any

import pytest

from services.core.kit.errors import InvalidInput
from services.core.obligations.errors import ObligationNotExtendable
from services.core.plan.errors import PeriodRefused
from tests.integration.obligations.duties import Duties
from tests.support.owner import as_owner
from tests.unit.scoring.builders import a_document, an_indicator

SUM = {"units": "sum", "periods": "sum"}
INDICATORS = (
    an_indicator("R01"),
    an_indicator("R02", owners=["UN01", "UN02", "UN03"], aggregation=SUM),
    an_indicator("R03", frequency="quarterly"),
)
DOCUMENT = a_document(*INDICATORS)


def owned_by(*owners: str) -> Any:
    """The plan with other owners of its second indicator."""
    return a_document(INDICATORS[0], {**INDICATORS[1], "owners": list(owners)}, INDICATORS[2])


def places(found: list[Any]) -> list[tuple[str, str]]:
    return sorted((one.indicator_code, one.organization_code) for one in found)


async def test_opening_a_period_raises_what_is_owed_for_it(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    row = await duties.move("2025", "open")
    found = await duties.listed()
    assert places(found) == [("R01", "UN01"), ("R02", "UN01"), ("R02", "UN02"), ("R02", "UN03")]
    assert {(one.due_date, one.original_due_date, one.epoch, one.extensions) for one in found} == {
        (row.due_date, row.due_date, 1, 0)
    }
    assert await duties.actions() == ["raised"]
    await duties.move("2025-Q4", "open")
    assert places(await duties.listed(period="2025-Q4")) == [("R03", "UN01")]


async def test_two_who_open_at_once_raise_it_once(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    done = await asyncio.gather(
        *(duties.move("2025", "open") for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["PeriodRefused", "PlanPeriod"]
    assert len(await duties.listed()) == 4
    assert await duties.actions() == ["raised"]


async def test_a_period_opened_by_an_old_version_asks_by_the_new_one(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    known = await duties.plan()
    await duties.load(owned_by("UN04"))
    await duties.move("2025", "open", plan=known)
    assert places(await duties.listed()) == [("R01", "UN01"), ("R02", "UN04")]


async def test_a_new_version_raises_for_new_owners_and_waives_for_former_ones(
    duties: Duties,
) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.follow()
    await duties.load(owned_by("UN02", "UN04"))
    await duties.follow()
    assert places(await duties.listed()) == [("R01", "UN01"), ("R02", "UN02"), ("R02", "UN04")]
    assert places(await duties.listed(status="waived")) == [("R02", "UN01"), ("R02", "UN03")]
    assert await duties.actions("R02", "UN01") == ["raised", "waived"]
    assert await duties.actions("R02", "UN02") == ["raised"]
    assert await duties.actions("R02", "UN04") == ["raised"]


@pytest.mark.parametrize("opened", ["before", "after"])
async def test_the_new_owner_is_not_asked_for_what_the_former_one_reported(
    duties: Duties, opened: str
) -> None:
    await duties.load(a_document(an_indicator("R01", owners=["UN04"])))
    if opened == "before":
        await duties.move("2025", "open")
    await duties.hand_in("R01", "UN04", state="approved")
    await duties.execute("UPDATE submission SET approved_revision = revision")
    await duties.follow()
    await duties.load(a_document(an_indicator("R01", owners=["UN02"])))
    if opened == "after":
        await duties.move("2025", "open")
    await duties.follow()
    assert places(await duties.listed()) == [("R01", "UN04")]
    assert places(await duties.listed(status="met")) == [("R01", "UN04")]
    assert await duties.actions("R01", "UN04") == ["raised"]


async def test_the_new_owner_is_asked_for_what_was_handed_in_and_not_approved(
    duties: Duties,
) -> None:
    await duties.load(a_document(an_indicator("R01", owners=["UN04"])))
    await duties.move("2025", "open")
    await duties.hand_in("R01", "UN04")
    await duties.follow()
    await duties.load(a_document(an_indicator("R01", owners=["UN02"])))
    await duties.follow()
    assert places(await duties.listed()) == [("R01", "UN02")]


async def test_what_a_former_owner_handed_in_is_its_own_once_it_is_approved(
    duties: Duties,
) -> None:
    await duties.load(a_document(an_indicator("R01", owners=["UN04"])))
    await duties.move("2025", "open")
    handed_in = await duties.hand_in("R01", "UN04")
    await duties.load(a_document(an_indicator("R01", owners=["UN02"])))
    await duties.follow()
    assert places(await duties.listed(status="expected")) == [("R01", "UN02")]
    await duties.approve(handed_in, "R01", "UN04")
    await duties.follow()
    assert places(await duties.listed()) == [("R01", "UN04")]
    assert places(await duties.listed(status="met")) == [("R01", "UN04")]
    assert [(each.code, each.reported, each.missing) for each in await duties.rates()] == [
        ("UN04", 1, 0)
    ]
    # The new owner's own value makes it the one who owes it again.
    await duties.approve(await duties.hand_in("R01", "UN02"), "R01", "UN02")
    await duties.follow()
    assert places(await duties.listed(status="met")) == [("R01", "UN02")]


async def test_an_approval_moves_nothing_where_nothing_changed_hands(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.follow()
    before = await duties.execute("SELECT o::text FROM obligation o ORDER BY o.id")
    await duties.approve(await duties.hand_in("R01", "UN05"), "R01", "UN05")
    await duties.follow()
    assert await duties.execute("SELECT o::text FROM obligation o ORDER BY o.id") == before


async def test_reconciling_again_from_the_start_of_the_log_changes_nothing(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.load(owned_by("UN04"))
    await duties.follow(most=1)
    written = "SELECT (SELECT array_agg(o ORDER BY o.id) FROM obligation o)::text,"
    written += " (SELECT count(*) FROM obligation_history), (SELECT count(*) FROM event)"
    before = await duties.execute(written)
    for most in (500, 1):
        await duties.forget_what_was_read()
        await duties.follow(most=most)
    assert await duties.execute(written) == before


async def test_who_comes_back_owes_the_same_value_in_a_new_epoch(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    first = await duties.one("R02", "UN03")
    await duties.load(owned_by("UN01"))
    await duties.follow()
    await duties.load(DOCUMENT)
    await duties.follow()
    again = await duties.one("R02", "UN03")
    assert (again.id, again.epoch, again.due_date) == (first.id, 2, first.due_date)
    assert await duties.actions("R02", "UN03") == ["raised", "waived", "restored"]


async def test_what_is_closed_is_not_reconciled_until_it_is_reopened(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.move("2025", "close")
    await duties.load(owned_by("UN04"))
    await duties.follow()
    assert ("R02", "UN04") not in places(await duties.listed())
    await duties.move("2025", "reopen")
    assert places(await duties.listed()) == [("R01", "UN01"), ("R02", "UN04")]


async def test_a_period_that_was_open_before_there_were_obligations_gets_them(
    duties: Duties,
) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await as_owner(duties.database.dsn, "DELETE FROM obligation_history")
    await duties.execute("DELETE FROM obligation")
    await duties.follow()
    assert len(await duties.listed()) == 4


async def test_reopening_begins_a_new_epoch_of_what_was_not_handed_in(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.hand_in("R02", "UN01")
    await duties.hand_in("R02", "UN02", state="draft")
    due = (await duties.one()).due_date
    await duties.move("2025", "close")
    await duties.move("2025", "reopen")
    epochs = {
        place: (one.epoch, one.due_date) for one in await duties.listed() for place in places([one])
    }
    assert epochs == {
        ("R01", "UN01"): (2, due),
        ("R02", "UN01"): (1, due),
        ("R02", "UN02"): (2, due),
        ("R02", "UN03"): (2, due),
    }
    assert await duties.actions() == ["raised", "reopened"]


async def test_reopening_may_give_more_time_but_takes_none_from_an_extension(
    duties: Duties,
) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.hand_in("R02", "UN01")
    await duties.extend("2026-04-30", "R02", "UN02")
    await duties.move("2025", "publish")
    row = await duties.move("2025", "reopen", due_date=date(2026, 3, 13), reason="更正")
    assert row.due_date == date(2026, 3, 13)
    assert (await duties.one()).due_date == date(2026, 3, 13)
    assert (await duties.one()).original_due_date == date(2026, 1, 31)
    handed_in = await duties.one("R02", "UN01")
    assert (handed_in.due_date, handed_in.status) == (date(2026, 3, 13), "met")
    assert (await duties.one("R02", "UN02")).due_date == date(2026, 4, 30)
    with pytest.raises(InvalidInput):
        await duties.move("2025", "reopen", due_date=date(2025, 12, 30))
    with pytest.raises(PeriodRefused):
        await duties.move("2025", "reopen")


async def test_more_time_moves_one_date_and_tells_of_it(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    await duties.extend("2026-02-10", "R02", "UN02")
    found = await duties.one("R02", "UN02")
    assert (found.due_date, found.original_due_date) == (date(2026, 2, 10), date(2026, 1, 31))
    assert (found.epoch, found.extensions) == (2, 1)
    assert (await duties.one("R02", "UN01")).due_date == date(2026, 1, 31)
    told = await duties.execute(
        "SELECT subject_id, organization_code, data FROM event WHERE type = 'obligation.extended'"
    )
    assert told[0][:2] == (str(found.id), "UN02")
    data = told[0][2]
    assert data.pop("extension_id")
    assert data == {
        "indicator_code": "R02",
        "organization_code": "UN02",
        "period": "2025",
        "due_date": "2026-02-10",
        "previous_due_date": "2026-01-31",
        "original_due_date": "2026-01-31",
        "epoch": 2,
        "extensions": 1,
        "version": 2,
    }
    kept = await duties.execute(
        "SELECT after, reason FROM obligation_history"
        " WHERE obligation_id = :id AND action = 'extended'",
        id=found.id,
    )
    assert (kept[0][0]["due_date"], kept[0][1]) == ("2026-02-10", "年度核算未完成")
    await duties.extend("2026-03-10", "R02", "UN02")
    again = await duties.one("R02", "UN02")
    assert (again.epoch, again.extensions, again.original_due_date) == (3, 2, date(2026, 1, 31))


async def test_no_date_moves_that_need_not_or_cannot(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    with pytest.raises(InvalidInput):
        await duties.extend("2026-01-31")
    await duties.hand_in("R02", "UN01")
    with pytest.raises(ObligationNotExtendable):
        await duties.extend("2026-02-10", "R02", "UN01")
    await duties.hand_in("R02", "UN02", state="draft")
    await duties.extend("2026-02-10", "R02", "UN02")
    await duties.move("2025", "close")
    with pytest.raises(ObligationNotExtendable):
        await duties.extend("2026-02-10")
    assert (await duties.one()).due_date == date(2026, 1, 31)


async def test_two_open_periods_both_follow_a_new_version(duties: Duties) -> None:
    await duties.load(a_document(an_indicator(owners=["UN01"])))
    await duties.move("2024", "open", due_date=date(2026, 3, 31))
    await duties.move("2025", "open")
    await duties.follow()
    await duties.load(a_document(an_indicator(owners=["UN02"])))
    await duties.follow()
    owed = {(each.period, each.organization_code) for each in await duties.listed()}
    assert owed == {("2024", "UN02"), ("2025", "UN02")}
