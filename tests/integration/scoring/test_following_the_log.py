"""Boards follow the numbered log, and only what an event touches is drawn again."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.scoring import queries
from services.core.scoring.counting import ScoreSubject, contributions
from services.core.scoring.judgement import judge
from services.core.scoring.service import FOLLOWER, READER
from services.core.scoring.traces import case_of, result_of
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import (
    CITY,
    PLAN,
    a_baseline,
    a_document,
    a_target,
    an_indicator,
)

TWO = (
    an_indicator("R01", targets=[a_target(value=100)]),
    an_indicator("R02", targets=[a_target(value=100)], selection="optional"),
)


async def events(ledger: Ledger) -> list[dict[str, Any]]:
    rows = await ledger.execute(
        "SELECT e.data FROM event e JOIN event_position p ON p.event_id = e.id"
        " WHERE e.type = 'score.updated' ORDER BY p.position"
    )
    return [row[0] for row in rows]


async def test_an_approval_reaches_the_board(ledger: Ledger) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(80, state="submitted")
    await ledger.follow()
    assert await ledger.snapshot() is None
    assert (await ledger.row(basis="submitted"))["attainment"] == "80"
    await ledger.report(80, state="approved")
    await ledger.follow()
    assert (await ledger.row())["attainment"] == "80"


async def test_the_event_of_a_change_says_what_changed(ledger: Ledger) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(80)
    await ledger.report(60, indicator="R02")
    await ledger.follow(most=2)
    approved = [each for each in await events(ledger) if each["basis"] == "approved"]
    assert [each["indicators"] for each in approved] == [["R01", "R02"], ["R02"]]
    assert approved[-1]["score"] == "73.33333333333333333333"
    assert approved[-1]["display"] == "73.33"


async def test_what_changes_nothing_writes_nothing(ledger: Ledger) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(80)
    await ledger.follow()
    before = await ledger.snapshot()
    await ledger.report(80, state="returned")
    await ledger.report(80, state="approved")
    await ledger.follow()
    after = await ledger.snapshot()
    assert before
    assert after
    assert (before.sequence, before.position) == (after.sequence, after.position)
    assert await ledger.follow() == 0


async def test_an_approved_value_counts_until_its_successor_is_approved(ledger: Ledger) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(80)
    await ledger.follow()
    await ledger.report(80, state="returned")
    await ledger.report(90, state="submitted")
    await ledger.follow()
    assert (await ledger.row())["value"] == "80"
    assert (await ledger.row(basis="submitted"))["value"] == "90"
    await ledger.report(90, state="approved")
    await ledger.follow()
    assert (await ledger.row())["value"] == "90"


@pytest.mark.parametrize("most", [1, 2, 500])
async def test_a_withdrawn_report_leaves_the_provisional_board(ledger: Ledger, most: int) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(80, state="submitted")
    await ledger.report(50, indicator="R02", state="submitted")
    await ledger.report(80, state="withdrawn")
    await ledger.follow(most=most)
    assert (await ledger.row(basis="submitted"))["state"] == "not_opened"
    await ledger.report(70, state="submitted")
    await ledger.follow(most=most)
    assert (await ledger.row(basis="submitted"))["value"] == "70"


async def test_a_falsified_value_gives_the_worst_grade(ledger: Ledger) -> None:
    await ledger.load(a_document(*TWO))
    await ledger.report(100)
    await ledger.report(100, falsified=True)
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    assert found.board["overall"]["grade"] == "fail"


async def test_a_quarter_reaches_the_same_quarter_of_the_next_year(ledger: Ledger) -> None:
    rising = an_indicator(frequency="quarterly", targets=[a_target("rising", None)])
    await ledger.load(a_document(rising))
    await ledger.report(11, period="2025-Q1")
    await ledger.report(40, period="2024-Q4")
    await ledger.follow()
    assert (await ledger.row(period="2025-Q1"))["reason_code"] == "no_previous_period"
    await ledger.report(10, period="2024-Q1")
    await ledger.follow()
    assert (await ledger.row(period="2025-Q1"))["met"] is True
    assert (await ledger.recompute()).changed == 0


async def test_a_quarter_reaches_its_year_and_the_quarter_after_it(ledger: Ledger) -> None:
    rising = an_indicator(
        frequency="quarterly",
        comparison="previous_period",
        targets=[a_target("rising", None)],
        aggregation={"units": "direct", "periods": "sum"},
    )
    await ledger.load(a_document(rising))
    await ledger.report(10, period="2025-Q2")
    await ledger.follow()
    assert (await ledger.row(period="2025-Q2"))["reason_code"] == "no_previous_period"
    assert (await ledger.row(period="2025"))["value"] == "10"
    await ledger.report(4, period="2025-Q1")
    await ledger.follow()
    assert (await ledger.row(period="2025-Q2"))["met"] is True
    assert (await ledger.row(period="2025-H1"))["value"] == "14"
    assert (await ledger.row(period="2025"))["value"] == "14"
    found = await ledger.snapshot("2025")
    assert found is not None
    assert found.traces["R01"]["finer_periods_missing"] == ["2025-Q3", "2025-Q4"]
    assert (await ledger.recompute()).changed == 0


async def test_units_are_added_up_and_the_first_named_speaks_for_the_city(ledger: Ledger) -> None:
    shares = an_indicator(
        "R02",
        owners=["UN01", "UN02"],
        multiplier=100,
        aggregation={"units": "ratio_of_sums", "periods": "last"},
    )
    await ledger.load(a_document(an_indicator(owners=["UN02", "UN01"]), shares))
    await ledger.report(10)
    await ledger.report(20, unit="UN02")
    for unit, top, bottom in (("UN01", "1", "2"), ("UN02", "90", "98")):
        await ledger.report(7, indicator="R02", unit=unit, numerator=top, denominator=bottom)
    await ledger.follow()
    assert (await ledger.row("R01"))["value"] == "20"
    assert (await ledger.row("R02"))["value"] == "91"


async def test_an_assigned_target_makes_every_board_assessable(ledger: Ledger) -> None:
    assigned = an_indicator(targets=[a_target("assigned_by_superior", None)])
    await ledger.load(a_document(assigned))
    await ledger.report(50, period="2024")
    await ledger.report(60, period="2025")
    await ledger.follow()
    assert (await ledger.row(period="2025"))["state"] == "not_assessable"
    await ledger.assign("R01", 55)
    await ledger.follow()
    assert (await ledger.row(period="2024"))["met"] is False
    assert (await ledger.row(period="2025"))["met"] is True


async def test_a_settled_question_gives_the_verdict(ledger: Ledger) -> None:
    question = {
        "id": "T07",
        "subjects": ["indicator:R01"],
        "text": "基准年？",
        "effect": "no_verdict",
    }
    await ledger.load(a_document(an_indicator(), open_questions=[question]))
    await ledger.report(99)
    await ledger.follow()
    assert (await ledger.row())["met"] is None
    await ledger.settle("T07")
    await ledger.follow()
    assert (await ledger.row())["met"] is True


async def test_a_new_version_of_the_plan_makes_new_snapshots(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)
    await ledger.follow()
    await ledger.load(a_document(an_indicator(targets=[a_target(value=80)])))
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    assert (found.plan_version, found.sequence) == (2, 2)
    assert (await ledger.row())["met"] is True


async def test_a_published_period_keeps_its_board(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.follow()
    await ledger.move("2025", "publish")
    await ledger.report(99)
    await ledger.follow()
    assert (await ledger.recompute()).boards == 0
    assert (await ledger.row())["value"] == "90"
    await ledger.move("2025", "reopen", reason="更正")
    await ledger.follow()
    assert (await ledger.row())["value"] == "99"


async def test_killed_before_the_commit_nothing_is_lost(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)

    async with ledger.database.transaction() as session:
        await number_committed(session, CITY)
    async with ledger.database.sessions() as session:
        await follow(session, CITY, FOLLOWER, ledger.clock)
        await session.rollback()
    assert await ledger.snapshot() is None
    await ledger.follow()
    assert (await ledger.row())["value"] == "90"
    assert (await ledger.recompute()).changed == 0


async def test_every_step_moves_the_cursor_and_rings(ledger: Ledger) -> None:
    heard: list[str] = []
    listening = await asyncpg.connect(ledger.database.dsn)
    try:
        await listening.add_listener("wufei_log", lambda *told: heard.append(told[-1]))
        await ledger.load(a_document(an_indicator()))
        await ledger.report(90)
        await ledger.follow()
        await listening.execute("SELECT 1")
    finally:
        await listening.close()
    rows = await ledger.execute("SELECT position FROM reader_cursor WHERE reader = :r", r=READER)
    head = await ledger.execute("SELECT position FROM log_head")
    assert rows == head
    assert heard[-1] == f"{CITY}:{head[0][0]}"


async def test_as_of_and_series_read_what_was_true_then(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator()))
    await ledger.report(90)
    await ledger.follow()
    then = ledger.clock.now()
    ledger.later(hours=1)
    await ledger.report(91)
    await ledger.report(70, period="2024")
    await ledger.follow()
    earlier = await ledger.snapshot(as_of=then)
    assert earlier is not None
    assert earlier.board["indicators"][0]["value"] == "90"
    async with ledger.database.sessions() as session:
        points = await queries.series(
            session, CITY, PLAN, indicator="R01", basis="approved", limit=10
        )
        assert [(point.period, point.row["value"]) for point in points] == [
            ("2024", "70"),
            ("2025", "91"),
        ]
        counted, _ = await contributions(
            session,
            CITY,
            PLAN,
            place=ScoreSubject("R01", "approved", ["2025"]),
            position=earlier.position,
        )
        assert [row.value for row in counted] == [90]
        drawn = await queries.boards_drawn(session, CITY, PLAN)
    assert sorted(period for basis, period in drawn if basis == "approved") == ["2024", "2025"]


async def test_stored_traces_replay_to_the_stored_digits(ledger: Ledger) -> None:
    await ledger.load(
        a_document(an_indicator(baseline=a_baseline("94.78")), an_indicator("R02", multiplier=100))
    )
    await ledger.report("94.9")
    await ledger.report(66, indicator="R02", numerator="2", denominator="3")
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    for trace in found.traces.values():
        assert result_of(judge(case_of(trace))) == trace["result"]
    assert found.traces["R02"]["result"]["value"] == "66.66666666666666666667"
    assert found.local_date == date(2026, 1, 10)
