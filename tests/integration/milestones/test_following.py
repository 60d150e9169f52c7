"""What follows from a published plan and from a changed calendar, however often it is followed."""

import asyncio
from datetime import date
from decimal import Decimal

from services.core.milestones import service
from services.core.milestones.extending import ask_for_milestone
from services.core.milestones.service import Report
from services.core.plan.document import PlanDocument
from tests.integration.milestones.city import City, an_actor
from tests.support.api import xinmi

SEEDS = "SELECT measure_code, organization_code, state FROM milestone WHERE from_plan ORDER BY id"


def without_measure(document: PlanDocument, code: str) -> PlanDocument:
    tasks = tuple(
        task.model_copy(
            update={"measures": tuple(one for one in task.measures if one.code != code)}
        )
        for task in document.tasks
    )
    return document.model_copy(update={"tasks": tuple(task for task in tasks if task.measures)})


def led_by(document: PlanDocument, code: str, unit: str) -> PlanDocument:
    tasks = tuple(
        task.model_copy(
            update={
                "measures": tuple(
                    one.model_copy(update={"lead_units": (unit,)}) if one.code == code else one
                    for one in task.measures
                )
            }
        )
        for task in document.tasks
    )
    return document.model_copy(update={"tasks": tasks})


async def test_every_measure_gets_one_and_following_twice_gives_no_other(city: City) -> None:
    assert await city.follow() > 0
    seeds = await city.execute(
        "SELECT count(*), min(due_date), max(due_date), count(sign_by) FROM milestone"
        " WHERE state = 'assigned' AND from_plan"
    )
    assert seeds == [(27, date(2025, 12, 31), date(2025, 12, 31), 0)]
    told = await city.execute(
        "SELECT type, count(*) FROM event WHERE subject_kind = 'milestone' GROUP BY type"
    )
    assert told == [("milestone.created", 27)]
    kept = await city.execute("SELECT count(*), min(version), max(version) FROM milestone_history")
    assert kept == [(27, 1, 1)]
    before = await city.everything()
    assert await city.follow() == 0
    await city.execute("UPDATE reader_cursor SET position = 0 WHERE reader = 'milestones'")
    assert await city.follow() == 1
    assert await city.everything() == before


async def test_a_collective_lead_gives_each_of_its_members_one_to_sign(city: City) -> None:
    members = next(unit.members for unit in xinmi().organizations if unit.code == "UN41")
    await city.load(led_by(xinmi(), "14.1", "UN41"))
    await city.follow()
    found = await city.execute(
        "SELECT organization_code FROM milestone WHERE from_plan AND measure_code = '14.1'"
        " AND state = 'assigned' ORDER BY id"
    )
    assert [unit for (unit,) in found] == list(members)
    scope = await city.execute(
        "SELECT count(*) FROM measure_unit WHERE measure_code = '14.1' AND part = 'lead'"
    )
    assert scope == [(13,)]
    await city.load()
    await city.follow()
    found = await city.execute(
        "SELECT organization_code FROM milestone WHERE from_plan AND measure_code = '14.1'"
    )
    assert found == [("UN10",)]


async def test_two_followers_at_once_make_each_but_once(city: City) -> None:
    for _ in range(3):
        await asyncio.gather(*(city.follow() for _ in range(3)))
    assert await city.execute("SELECT count(*) FROM milestone") == [(27,)]


async def test_a_new_version_takes_away_what_nobody_touched_and_adds_what_is_new(
    city: City,
) -> None:
    await city.load(without_measure(xinmi(), "14.1"))
    await city.follow()
    assert len(await city.execute(SEEDS)) == 26
    await city.load()
    await city.follow()
    assert ("14.1", "UN10", "assigned") in await city.execute(SEEDS)
    await city.load(without_measure(xinmi(), "14.1"))
    await city.follow()
    gone = await city.execute(
        "SELECT state, from_plan, version, epoch FROM milestone WHERE measure_code = '14.1'"
    )
    assert gone == [("cancelled", False, 2, 1)]
    await city.load()
    await city.follow()
    both = await city.execute("SELECT state FROM milestone WHERE measure_code = '14.1' ORDER BY id")
    assert both == [("cancelled",), ("assigned",)]


async def test_another_lead_gets_a_milestone_of_its_own(city: City) -> None:
    await city.follow()
    await city.load(led_by(xinmi(), "14.1", "UN14"))
    await city.follow()
    found = await city.execute(
        "SELECT organization_code, state FROM milestone WHERE measure_code = '14.1' ORDER BY id"
    )
    assert found == [("UN10", "cancelled"), ("UN14", "assigned")]


async def test_what_somebody_touched_stays_whatever_a_new_version_says(city: City) -> None:
    await city.follow()
    touched, branched = await city.execute(
        "SELECT id FROM milestone WHERE measure_code IN ('14.1', '13.1') ORDER BY measure_code DESC"
    )
    async with city.at_desk(an_actor("lead", "UN10")) as (session, desk):
        await service.accept(session, await city.locked(session, touched.id), desk=desk)
    await city.assigned("410183107", measure_code="13.1", parent_id=branched.id)
    await city.load(without_measure(without_measure(xinmi(), "14.1"), "13.1"))
    await city.follow()
    states = await city.execute(
        "SELECT state FROM milestone WHERE id = ANY(:ids) ORDER BY measure_code DESC",
        ids=[touched.id, branched.id],
    )
    assert states == [("accepted",), ("assigned",)]


async def test_a_cancelled_one_is_not_planted_again_by_the_next_version(city: City) -> None:
    await city.follow()
    ((seed,),) = await city.execute("SELECT id FROM milestone WHERE measure_code = '14.1'")
    async with city.at_desk() as (session, desk):
        await service.cancel(session, await city.locked(session, seed), desk=desk, reason="并入")
    await city.load(without_measure(xinmi(), "13.1"))
    await city.follow()
    states = await city.execute("SELECT state FROM milestone WHERE measure_code = '14.1'")
    assert states == [("cancelled",)]


async def test_a_changed_calendar_counts_turns_anew_and_begins_no_epoch(city: City) -> None:
    await city.follow()
    unit = an_actor("reporter", "UN10")
    to_sign = await city.assigned()
    working = await city.assigned()
    async with city.at_desk(unit) as (session, desk):
        mine = await city.locked(session, working.id)
        await service.accept(session, mine, desk=desk)
        await service.report_progress(
            session, mine, desk=desk, report=Report(Decimal(40), None, None, None, None)
        )
        asked = await ask_for_milestone(
            session, mine, desk=desk, proposed_date=date(2025, 11, 30), reason="汛期停工"
        )
        await service.complete(session, mine, desk=desk, narrative="已建成", evidence=())
    dates = (
        "SELECT sign_by, answer_by, epoch, due_date FROM milestone WHERE id = ANY(:ids) ORDER BY id"
    )
    ids = [to_sign.id, working.id]
    # 2025-09-01 is a Monday: three working days to sign, five to review and to decide.
    assert await city.execute(dates, ids=ids) == [
        (date(2025, 9, 4), None, 1, date(2025, 10, 31)),
        (None, date(2025, 9, 8), 1, date(2025, 10, 31)),
    ]
    await city.announce(date(2025, 9, 3), date(2025, 9, 4))
    await city.follow()
    assert await city.execute(dates, ids=ids) == [
        (date(2025, 9, 8), None, 1, date(2025, 10, 31)),
        (None, date(2025, 9, 10), 1, date(2025, 10, 31)),
    ]
    decide_by = await city.execute("SELECT decide_by, version FROM extension")
    assert (asked.decide_by, decide_by) == (date(2025, 9, 8), [(date(2025, 9, 10), 2)])
    recounted = await city.execute(
        "SELECT count(*) FROM milestone_history WHERE action = 'days_counted_anew'"
    )
    assert recounted == [(2,)]
    before = (await city.everything())[:-2]
    await city.tell("calendar.changed", code="CN")
    await city.follow()
    assert (await city.everything())[:-2] == before
