"""Nothing is told twice: not by three engines, a second run, a crash or a clock that jumps."""

import asyncio
from collections import Counter
from datetime import timedelta

from services.core.alerts.evaluation import evaluate
from services.core.alerts.following import evaluate_plan, follow_date, ground_of
from services.core.kit.clock import Clock
from services.core.kit.one_connection import unit_of_work
from services.core.plan.queries import plan_state
from tests.integration.alerts.watch import Watch, at
from tests.unit.scoring.builders import CITY, PLAN

SKEWS = (timedelta(), timedelta(seconds=90), timedelta(seconds=-90))


async def counts(watch: Watch) -> tuple[int, ...]:
    """How many rows each table has that an evaluation writes."""
    tables = ("alert", "alert_notice", "alert_history", "alert_digest", "event", "event_pending")
    asked = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    (row,) = await watch.execute(f"SELECT {asked}")
    return tuple(row)


async def test_a_second_run_changes_nothing(watch: Watch) -> None:
    for number in range(20):
        await watch.milestone("2026-10-08", title=f"第{number}项")
        await watch.obligation("2026-10-10", period=f"20{20 + number // 12}-{number % 12 + 1:02}")
    for day in ("2026-09-21", "2026-09-30", "2026-10-12"):
        assert (await watch.look(day)).notified > 0
        before = await counts(watch)
        for _ in range(2):
            again = await watch.look(day)
            assert (again.notified, again.suppressed, again.resolved, again.digests) == (0, 0, 0, 0)
        assert await counts(watch) == before


async def test_three_engines_with_clocks_apart_tell_each_stage_once(watch: Watch) -> None:
    for number in range(30):
        await watch.milestone("2026-10-08", title=f"第{number}项")
    await watch.look("2026-09-01")
    await watch.told()

    async def engine(clock: Clock) -> None:
        async with watch.database.transaction() as session:
            await evaluate_plan(session, CITY, PLAN, clock)

    for day in ("2026-09-21", "2026-09-30", "2026-10-08", "2026-10-12", "2026-10-16"):
        for hour in ("00:00", "08:30", "09:00", "18:00"):
            base = at(day, hour).offset
            await asyncio.gather(*(engine(Clock(base + skew)) for skew in SKEWS * 2))
    told = await watch.told()
    listed = Counter(
        (item["alert_key"], item["stage"], item["level"])
        for each in told
        if each.type == "alert.digest"
        for item in each.data["items"]
    )
    alone = Counter(
        (each.data["alert_key"], *each.short[1:]) for each in told if each.type != "alert.digest"
    )
    assert len(listed) == 30
    assert set(listed.values()) == {1}
    assert [each.type for each in told].count("alert.digest") == 1
    assert Counter(stage for _, stage, _, _ in alone) == {
        "T-1": 30,
        "T0": 30,
        "O+3": 30,
        "O+7": 30,
    }
    assert set(alone.values()) == {1}


async def test_even_without_the_lock_the_keys_let_nothing_through_twice(watch: Watch) -> None:
    for number in range(30):
        await watch.milestone("2026-10-08", title=f"第{number}项")
    await watch.look("2026-09-01")
    await watch.told()
    both_looked = asyncio.Barrier(2)

    async def engine() -> None:
        async with watch.database.transaction() as session:
            plan = await plan_state(session, CITY, PLAN)
            assert plan is not None
            ground = await ground_of(session, plan, at("2026-09-30").now(), first=False)
            await both_looked.wait()
            await evaluate(session, ground)

    await asyncio.gather(engine(), engine())
    told = await watch.told()
    assert Counter(each.data["stage"] for each in told) == {"T-1": 30}
    assert len({each.data["alert_key"] for each in told}) == 30
    assert set(await watch.alerts("seq")) == {(1,)}


async def test_an_engine_killed_before_its_commit_has_told_nothing(watch: Watch) -> None:
    await watch.milestone("2026-10-08")
    await watch.look("2026-09-01")
    async with watch.database.sessions() as session:
        await evaluate_plan(session, CITY, PLAN, at("2026-09-30"))
        await session.rollback()
    assert await watch.alerts() == []
    await watch.look("2026-09-30")
    assert [told.short for told in await watch.told()] == [("raised", "T-1", 0, 1)]


async def test_a_clock_that_jumps_on_and_back_repeats_nothing(watch: Watch) -> None:
    await watch.milestone("2026-10-08")
    await watch.look("2026-09-29")
    await watch.look("2026-09-30")
    await watch.told()
    for day, hour in (("2026-09-29", "10:00"), ("2026-09-30", "09:00"), ("2026-09-30", "17:59")):
        await watch.look(day, hour)
    assert await watch.told() == []
    await watch.look("2026-10-08")
    assert [told.short for told in await watch.told()] == [("raised", "T0", 0, 1)]


async def test_a_plan_is_evaluated_every_ten_minutes_by_one_of_all_engines(watch: Watch) -> None:
    async def follow(clock: Clock) -> int:
        async with watch.database.transaction() as session:
            return await follow_date(session, CITY, clock)

    start = at("2026-09-21", "08:00").offset
    assert sum(await asyncio.gather(*(follow(Clock(start)) for _ in range(4)))) == 1
    assert await follow(Clock(start + timedelta(minutes=9))) == 0
    assert await follow(Clock(start + timedelta(minutes=10, seconds=1))) == 1
    assert await follow(Clock(start - timedelta(hours=1))) == 1, "a clock set back is no silence"
    (row,) = await watch.execute("SELECT evaluated_at, evaluated_for FROM alert_evaluation")
    assert abs(row[0] - Clock.true_now()) < timedelta(minutes=1)
    assert row[1] < row[0]


async def test_a_plan_that_another_engine_evaluates_is_left_to_it(watch: Watch) -> None:
    await watch.look("2026-09-01")
    async with watch.database.transaction() as busy:
        await evaluate_plan(busy, CITY, PLAN, at("2026-09-02"))
        # Another engine is another unit of work, with a connection of its own.
        with unit_of_work():
            assert await _followed(watch) == 0
    assert await _followed(watch) == 1


async def _followed(watch: Watch) -> int:
    async with watch.database.transaction() as session:
        return await follow_date(session, CITY, at("2026-09-03"))
