"""A full recompute gives the same digits as following the log, in whatever steps."""

import asyncio
import os
import re
import sys
from dataclasses import astuple
from datetime import date
from random import Random
from typing import Any

import asyncpg
import pytest

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.plan.errors import PlanNotFound
from services.core.scoring.counting import Contribution, ScoreSubject, contributions
from services.core.scoring.service import FOLLOWER, recompute_plan
from tests.integration.scoring.ledger import Ledger
from tests.support.owner import as_owner
from tests.unit.scoring.builders import (
    CITY,
    PLAN,
    a_baseline,
    a_document,
    a_target,
    an_indicator,
)

LEVELS = [{"code": "A", "name": "全", "points": 100}, {"code": "B", "name": "半", "points": 50}]
TOWNS = ["UN01", "UN02", "UN03", "UN04"]
MIXED = (
    an_indicator("R01", frequency="quarterly", baseline=a_baseline(80)),
    an_indicator(
        "R02",
        owners=TOWNS,
        aggregation={"units": "ratio_of_sums", "periods": "last"},
        multiplier=100,
    ),
    an_indicator(
        "R03",
        owners=TOWNS,
        frequency="quarterly",
        targets=[a_target("rising", None)],
        aggregation={"units": "sum", "periods": "sum"},
    ),
    an_indicator("U01", group="U", targets=[a_target("at_most", 23)], baseline=a_baseline(30)),
    an_indicator("U02", group="U", targets=[a_target("qualitative", None)], levels=LEVELS),
    an_indicator("U03", group="U", targets=[a_target("assigned_by_superior", None)]),
)
STATES = ("submitted", "approved", "approved", "approved", "returned", "withdrawn", "draft")


async def happen(ledger: Ledger, random: Random) -> None:
    """Let something happen to the ledger."""
    chance = random.random()
    if chance < 0.04:
        await ledger.assign("U03", random.randint(1, 99), random.choice([2024, 2025]))
        return
    if chance < 0.06:
        changed = [dict(entry) for entry in MIXED]
        changed[0]["targets"] = [a_target(value=random.randint(85, 99))]
        # Parts of shared values change hands too.
        changed[2]["owners"] = random.sample(TOWNS, random.randint(1, 4))
        await ledger.load(a_document(*changed))
        return
    indicator = random.choice(MIXED)
    form: dict[str, Any] = {"state": random.choice(STATES)}
    value: int | None = random.randint(0, 120)
    if random.random() < 0.1:
        value, form["not_applicable_reason"] = None, "停产"
    elif indicator["code"] == "U02":
        value, form["level"] = None, random.choice("AB")
    elif indicator["code"] == "R02":
        form |= {"numerator": str(random.randint(1, 9)), "denominator": "7"}
    form["data_status"] = random.choice(["final", "provisional"])
    periods = ["2024", "2025"]
    if "frequency" in indicator:
        periods += ["2024-Q4", "2025-Q1", "2025-Q2"]
    await ledger.report(
        value,
        indicator=indicator["code"],
        unit=random.choice(["UN01", "UN02"]),
        period=random.choice(periods),
        **form,
    )


async def inputs(ledger: Ledger) -> list[tuple[Any, ...]]:
    rows = await ledger.execute(
        "SELECT basis, indicator_code, period, organization_code, submission_id, revision,"
        " value, numerator, denominator, level, not_applicable_reason, provisional, falsified"
        " FROM score_input WHERE until_position IS NULL"
    )
    return sorted((tuple(row) for row in rows), key=str)


@pytest.mark.parametrize("seed", range(4))
async def test_recomputing_after_following_changes_nothing(ledger: Ledger, seed: int) -> None:
    random = Random(seed)  # noqa: S311 (a test that can be repeated)
    await ledger.load(a_document(*MIXED))
    await ledger.move("2025", "open")
    for _ in range(60):
        await happen(ledger, random)
        if random.random() < 0.3:
            await ledger.follow(most=random.randint(1, 9))
        if random.random() < 0.1:
            ledger.on(random.choice([date(2026, 1, 10), date(2026, 2, 10)]))
            await ledger.follow()
            await ledger.follow_date()
    await ledger.follow(most=3)
    done = await ledger.recompute()
    assert done.boards > 8
    assert done.changed == 0
    followed = await inputs(ledger)
    assert await ledger.rebuild() is False
    await ledger.execute("DELETE FROM score_input")
    assert await ledger.rebuild() is True
    assert await inputs(ledger) == followed
    assert (await ledger.recompute()).changed == 0


async def test_rebuilding_finds_what_was_tampered_with(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(80)
    await ledger.report(80, state="returned")
    await ledger.report(90)
    await ledger.follow()
    assert await ledger.rebuild() is False
    await ledger.execute("UPDATE score_input SET value = 99 WHERE until_position IS NULL")
    assert await ledger.rebuild() is True
    assert await ledger.rebuild() is False
    assert (await ledger.row())["value"] == "90"
    await ledger.recompute()
    assert (await ledger.row())["value"] == "90"


async def test_rebuilt_inputs_know_every_position(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(80, state="submitted")  # position 2
    await ledger.report(80)  # 3
    await ledger.report(80, state="returned")  # 4
    await ledger.report(90)  # 5
    await ledger.follow()
    await ledger.execute("DELETE FROM score_input")
    await ledger.rebuild()
    found: list[list[Contribution]] = []
    async with ledger.database.sessions() as session:
        for basis in ("approved", "submitted"):
            place = ScoreSubject("R01", basis, ["2025"])
            for position in range(1, 6):
                rows, _ = await contributions(session, CITY, PLAN, place=place, position=position)
                found.append(rows)
    values = [[int(row.value or 0) for row in rows] for rows in found]
    assert values == [[], [], [80], [80], [90], [], [80], [80], [80], [90]]


async def test_a_later_version_never_counts_from_an_earlier_number(ledger: Ledger) -> None:
    # Two hosts with different clocks: the approval got the lower number.
    await ledger.load(a_document(an_indicator()))
    await ledger.report(80, state="submitted")
    await ledger.report(80)
    async with ledger.database.transaction() as session:
        await number_committed(session, CITY)
    await as_owner(
        ledger.database.dsn, "UPDATE event_position SET position = -position WHERE position > 1"
    )
    await as_owner(
        ledger.database.dsn, "UPDATE event_position SET position = 5 + position WHERE position < 0"
    )
    async with ledger.database.transaction() as session:
        assert await follow(session, CITY, FOLLOWER, ledger.clock)
    assert (await ledger.row())["value"] == "80"
    assert [row[0] for row in await inputs(ledger)] == ["approved", "submitted"]
    assert await ledger.rebuild() is False


async def test_many_followers_and_recomputers_at_once_write_each_board_once(
    ledger: Ledger,
) -> None:
    await ledger.load(a_document(*MIXED))
    for unit in range(1, 5):
        await ledger.report(unit, indicator="R03", unit=f"UN0{unit}")
    async with ledger.database.transaction() as session:
        await number_committed(session, CITY)

    async def step() -> bool:
        async with ledger.database.transaction() as session:
            return await follow(session, CITY, FOLLOWER, ledger.clock, most=2) is not None

    async def recompute() -> tuple[int, int]:
        async with ledger.database.transaction() as session:
            return astuple(await recompute_plan(session, CITY, PLAN, clock=ledger.clock))

    await asyncio.gather(*(step() for _ in range(6)), *(recompute() for _ in range(3)))
    await ledger.follow()
    assert (await ledger.row("R03"))["value"] == "10"
    assert (await ledger.recompute()).changed == 0


async def test_a_plan_that_does_not_exist_is_not_recomputed(ledger: Ledger) -> None:
    with pytest.raises(PlanNotFound):
        await ledger.recompute()


async def test_a_recompute_tells_how_many_boards_are_done_of_how_many(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.core.scoring.drawing._BOARDS_AT_ONCE", 2)
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)
    await ledger.follow()
    told: list[tuple[int, int]] = []
    async with ledger.database.transaction() as session:
        done = await recompute_plan(
            session, CITY, PLAN, clock=ledger.clock, tell=lambda *at: told.append(at)
        )
    assert told[0] == (0, done.boards)
    assert told[-1] == (done.boards, done.boards)
    assert [at for at, _ in told] == sorted({at for at, _ in told})
    assert len(told) == 1 + -(-done.boards // 2)


async def test_the_command_shows_what_was_recomputed_and_exits_by_it(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)
    await ledger.follow()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "score", "recompute", "--plan", PLAN),
        env={**os.environ, "DATABASE_URL": ledger.database.dsn, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, shown = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, shown.decode()
    boards = re.search(rb": (\d+) scoreboards, 0 changed, inputs as they were", output)
    assert boards is not None, output
    assert b"%s/%s" % (boards[1], boards[1]) in shown


async def test_a_recompute_announces_what_it_changed_and_nothing_else(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)
    await ledger.follow()
    heard: list[str] = []
    listening = await asyncpg.connect(ledger.database.dsn)
    try:
        await listening.add_listener("wufei_log", lambda *told: heard.append(told[-1]))
        assert (await ledger.recompute()).changed == 0
        await listening.execute("SELECT 1")
        assert heard == []
        await ledger.execute("UPDATE score_input SET value = 91 WHERE until_position IS NULL")
        assert (await ledger.recompute()).changed == 2
        await listening.execute("SELECT 1")
    finally:
        await listening.close()
    position = await ledger.execute("SELECT position FROM reader_cursor WHERE reader = 'scoring'")
    assert f"{CITY}:{position[0][0]}" in heard
