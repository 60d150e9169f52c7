"""Sums in SQL tell the same light as the rule does, over many milestones of every sort."""

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from services.core.kit.ids import new_id
from services.core.milestones.conditions import light_on
from services.core.milestones.lights import DueDistance, light
from services.core.milestones.models import Milestone
from services.core.milestones.queries import tallies
from services.core.milestones.rules import STATES, Share, merged
from services.core.milestones.views import course_of
from tests.integration.milestones.city import CITY, OFFICE, City, an_actor, at
from tests.support.api import XINMI

TODAY = date(2025, 9, 20)
MEASURES = {"14.1": "UN10", "13.1": "UN10", "16.1": "UN05"}
UNITS = ("UN10", "UN05", "UN14", "410183107")


def some(chance: random.Random) -> dict[str, Any]:
    """A milestone that might be, with dates close around today."""

    def day(least: int, most: int) -> date:
        return TODAY + timedelta(days=chance.randint(least, most))

    state = chance.choice(STATES)
    handed_in = state in {"completed", "closed"}
    due_date = day(-10, 10)
    created = at(day(-20, 0), hour=chance.choice([0, 7, 8, 23]))
    return {
        "city_code": CITY,
        "id": new_id(),
        "plan_code": XINMI,
        "measure_code": chance.choice(list(MEASURES)),
        "organization_code": chance.choice(UNITS),
        "title": "里程碑",
        "evidence_rule": "none",
        "weight": Decimal(chance.randint(1, 999)) / 10,
        "due_date": due_date,
        "original_due_date": due_date,
        "epoch": 1,
        "extensions": 0,
        "sign_by": day(-3, 3) if state == "assigned" and chance.random() > 0.3 else None,
        "answer_by": day(-3, 3) if state == "returned" else None,
        "state": state,
        "percent": Decimal(chance.choice([0, 10, 20, 40, 50, 80, 100])),
        "expected_date": day(-10, 20) if chance.random() > 0.7 else None,
        "evidence": [],
        "grade": chance.choice(["pass", "fail"]) if state == "closed" else None,
        "from_plan": False,
        "assigned_by": {},
        "created_at": created,
        "updated_at": created,
        "completed_at": at(day(-10, 0), hour=23, minute=59) if handed_in else None,
        "version": 1,
    }


async def test_the_light_in_sql_is_the_light_of_the_rule(city: City) -> None:
    chance = random.Random(20251001)  # noqa: S311 (dice of a test)
    async with city.at_desk() as (session, desk):
        await session.execute(insert(Milestone), [some(chance) for _ in range(3000)])
        lights = desk.plan.document.scheme.lights
        told = light_on(TODAY, desk.plan.document.time_zone, lights)
        rows = (await session.execute(select(Milestone, told))).all()
        expected = [
            light(
                course_of(row, desk.plan),
                TODAY,
                lights,
                DueDistance.between(TODAY, row.due_date, desk.calendar),
            ).light
            for row, _ in rows
        ]
    assert [each for _, each in rows] == expected
    assert min(Counter(expected).values()) > 300
    assert len(Counter(expected)) == 4


async def test_a_tally_adds_up_what_the_caller_sees_exactly(city: City) -> None:
    chance = random.Random(7)  # noqa: S311 (dice of a test)
    made = [some(chance) for _ in range(500)]
    async with city.at_desk() as (session, desk):
        await session.execute(insert(Milestone), made)
        document = desk.plan.document
        for actor in (OFFICE, an_actor("lead", "UN10"), an_actor("reporter", "UN14")):
            found = await tallies(
                session,
                actor,
                plan_code=XINMI,
                today=TODAY,
                time_zone=document.time_zone,
                lights=document.scheme.lights,
            )
            seen = [
                one
                for one in made
                if one["state"] != "cancelled"
                and (
                    actor.role == "office"
                    or one["organization_code"] == actor.organization_code
                    or (actor.role == "lead" and MEASURES[one["measure_code"]] == "UN10")
                )
            ]
            assert sum(one.number for one in found) == len(seen)
            assert merged([one.share for one in found]) == merged(
                [Share.of(one["percent"], one["weight"]) for one in seen]
            )
            assert sum(one.overdue for one in found) == sum(
                one["due_date"] < TODAY and one["state"] not in {"closed", "completed"}
                for one in seen
            )
