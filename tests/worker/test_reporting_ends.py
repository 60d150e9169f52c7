"""What is reported no more: a period that is opened again, an indicator that the plan drops."""

from datetime import timedelta

import pytest

from services.core.plan.loading import load_plan
from services.core.plan.service import PeriodVerb, move_period
from services.worker.sender import Sender
from tests.support.reports import ACTOR, INDICATORS, MAPPING, Place, Reports
from tests.support.superior import a_superior
from tests.unit.scoring.builders import a_document, an_indicator

ONE: Place = ("R01", "UN01", "2025")
OTHER: Place = ("R02", "UN01", "2025")


async def move(reports: Reports, *verbs: PeriodVerb) -> None:
    """Move the period through its states, and let what follows follow."""
    for verb in verbs:
        plan = await reports.plan()
        now = reports.clock.now()
        due = plan.local_date(now) + timedelta(days=30) if verb in {"open", "reopen"} else None
        async with reports.database.transaction() as session:
            await move_period(
                session,
                plan=plan,
                period=plan.period_calendar.period(ONE[2]),
                verb=verb,
                actor=ACTOR,
                now=now,
                due_date=due,
                reason="数值有误" if verb == "reopen" else None,
            )
        await reports.follow()


async def drop_the_first(reports: Reports) -> None:
    document = a_document(*(an_indicator(code) for code in INDICATORS[1:]))
    async with reports.database.transaction() as session:
        await load_plan(session, document=document, actor=ACTOR, now=reports.clock.now())
    await reports.follow()


async def test_what_is_opened_again_before_it_went_out_goes_when_it_is_published_again(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        await reports.connector(superior.address, basis="published")
        await move(reports, "open", "close", "publish")
        assert await reports.states() == {"pending": 1}
        await move(reports, "reopen")
        await reports.turn(sender)
        assert await reports.states() == {"superseded": 1}
        assert superior.requests == []
        await move(reports, "close", "publish")
        await reports.turn(sender)
    assert await reports.states() == {"superseded": 1, "accepted": 1}


@pytest.mark.parametrize("end", ["reopen", "drop"])
async def test_what_comes_back_to_the_queue_when_it_is_reported_no_more_stays_here(
    reports: Reports, sender: Sender, end: str
) -> None:
    await reports.approve(ONE, OTHER)
    with a_superior("broken,good") as superior:
        await reports.connector(superior.address, basis="published")
        await move(reports, "open", "close", "publish")
        await reports.turn(sender)
        assert await reports.states() == {"unknown": 2}, "they may have it"
        if end == "reopen":
            await move(reports, "reopen")
        else:
            await drop_the_first(reports)
        assert await reports.states() == {"unknown": 2}
        superior.receipts.clear()
        await reports.turn(sender, times=3)
    kinds = [kind for kind, _ in superior.requests]
    states = await reports.states()
    if end == "reopen":
        assert kinds == ["report", "receipts"]
        assert states == {"superseded": 2}
    else:
        assert kinds == ["report", "receipts", "report"]
        assert [one["indicator"] for one in superior.requests[-1][1]["items"]] == ["ZB-R02"]
        assert states == {"superseded": 1, "accepted": 1}


async def test_what_was_refused_is_sent_again_only_while_it_is_reported(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(ONE)
    with a_superior("refuses,good") as superior:
        connector_id = await reports.connector(superior.address, basis="published")
        await move(reports, "open", "close", "publish")
        await reports.turn(sender)
        (item,) = await reports.items()
        assert item.state == "refused"
        await move(reports, "reopen")
        done = await reports.again(connector_id, item.id)
        assert (done.item_id, done.state, done.code) == (None, "refused", "not-reported")
        await move(reports, "close", "publish")
        done = await reports.again(connector_id, item.id)
        assert (done.state, done.code) == ("pending", None)
        await reports.turn(sender)
    assert await reports.states() == {"superseded": 1, "accepted": 1}


@pytest.mark.parametrize("units", [None, MAPPING["units"]])
async def test_of_an_indicator_that_the_plan_dropped_nothing_leaves(
    reports: Reports, sender: Sender, units: object
) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        await reports.connector(superior.address, mapping={**MAPPING, "units": units})
        await drop_the_first(reports)
        assert await reports.states() == {"superseded": 1}
        await reports.approve(ONE, value="40")
        await reports.turn(sender)
        assert superior.requests == []
        await reports.load()
        await reports.follow()
        await reports.turn(sender)
    assert await reports.states() == {"superseded": 1, "accepted": 1}, "it came back"
