"""What became of it, on the last second of the due date and on the next; and the rates."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from services.core.obligations.queries import ReportingCounts
from tests.integration.obligations.duties import OFFICE, Duties, local
from tests.support.owner import as_owner
from tests.unit.scoring.builders import a_document, an_indicator

SUM = {"units": "sum", "periods": "sum"}
UNITS = [f"UN{number:02}" for number in range(1, 11)]
DOCUMENT = a_document(
    an_indicator("R01"),
    organizations=[{"code": code, "name": code, "kind": "unit"} for code in UNITS],
)
TOGETHER = a_document(
    an_indicator("R01", owners=UNITS, aggregation=SUM),
    organizations=[{"code": code, "name": code, "kind": "unit"} for code in UNITS],
)
REPORTER = replace(OFFICE, role="reporter", organization_code="UN01")
LAST_SECOND = ("2026-01-31", "23:59:59")
MIDNIGHT = ("2026-02-01", "00:00:00")


@pytest.fixture
async def opened(duties: Duties) -> Duties:
    """A city that asked for 2025, due on 31 January 2026."""
    await duties.load(DOCUMENT)
    await duties.move("2025", "open")
    return duties


async def test_on_its_last_day_it_is_due_and_a_second_later_it_is_missing(opened: Duties) -> None:
    opened.at(*LAST_SECOND)
    assert await opened.status() == "expected"
    assert await opened.rates() == [ReportingCounts("UN01", 1, 0, 0, 0)]
    opened.at(*MIDNIGHT)
    assert await opened.status() == "missing"
    assert await opened.rates() == [ReportingCounts("UN01", 1, 0, 0, 1)]


@pytest.mark.parametrize(
    ("instant", "status", "on_time"), [(LAST_SECOND, "met", 1), (MIDNIGHT, "late", 0)]
)
async def test_it_is_met_by_what_comes_before_midnight(
    opened: Duties, instant: tuple[str, str], status: str, on_time: int
) -> None:
    opened.at(*instant)
    submission_id = await opened.hand_in()
    opened.at("2026-02-10")
    found = await opened.one()
    assert (found.status, found.reported_at) == (status, local(*instant))
    assert (found.submission_id, found.submission_state) == (submission_id, "submitted")
    assert await opened.rates() == [ReportingCounts("UN01", 1, 1, on_time, 0)]


async def test_the_first_time_counts_and_a_returned_one_stays_handed_in(opened: Duties) -> None:
    opened.at("2026-01-20")
    await opened.hand_in(state="returned", again_at=local("2026-02-05"))
    opened.at("2026-02-10")
    found = await opened.one()
    assert (found.status, found.submission_state) == ("met", "returned")
    assert found.reported_at == local("2026-01-20")
    assert await opened.rates() == [ReportingCounts("UN01", 1, 1, 1, 0)]


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
async def test_a_draft_or_what_was_withdrawn_is_not_handed_in(opened: Duties, state: str) -> None:
    opened.at("2026-01-20")
    await opened.hand_in(state=state)
    found = await opened.one()
    assert (found.status, found.reported_at) == ("expected", None)
    assert found.submission_state == ("draft" if state == "draft" else None)
    opened.at("2026-02-10")
    assert await opened.status() == "missing"


async def test_another_units_value_meets_nothing(opened: Duties) -> None:
    await opened.hand_in(unit="UN02")
    assert await opened.status() == "expected"


async def test_what_is_unmet_when_the_period_ends_is_missing_for_good(opened: Duties) -> None:
    await opened.move("2025", "close")
    assert await opened.status() == "missing"
    await opened.move("2025", "publish")
    assert await opened.status() == "missing"
    await opened.move("2025", "reopen", reason="更正")
    assert await opened.status() == "expected"


async def test_more_time_makes_the_same_day_in_time(opened: Duties) -> None:
    await opened.extend("2026-02-10")
    opened.at("2026-02-10", "23:59:59")
    assert await opened.status() == "expected"
    await opened.hand_in()
    assert await opened.status() == "met"
    opened.at("2026-02-11", "00:00:00")
    assert await opened.rates() == [ReportingCounts("UN01", 1, 1, 1, 0)]


async def test_a_list_is_narrowed_by_what_became_of_it(duties: Duties) -> None:
    await duties.load(TOGETHER)
    await duties.move("2025", "open")
    await duties.extend("2026-02-20", unit="UN09")
    await duties.hand_in(unit="UN01")
    duties.at("2026-02-05")
    await duties.hand_in(unit="UN02")

    async def units(**filters: Any) -> list[str]:
        return [one.organization_code for one in await duties.listed(**filters)]

    assert await units(status="met") == ["UN01"]
    assert await units(status="late") == ["UN02"]
    assert await units(status="expected") == ["UN09"]
    assert sorted(await units(status="missing")) == sorted({*UNITS} - {"UN01", "UN02", "UN09"})
    assert (await units())[-1] == "UN09", "soonest due first"
    assert await units(due_before=local("2026-01-31").date()) == []
    assert len(await units(due_before=local("2026-02-01").date())) == 9
    assert await units(period="2025", organization_code="UN03", indicator_code="R01") == ["UN03"]


async def test_ten_owe_eight_report_six_in_time(duties: Duties) -> None:
    await duties.load(TOGETHER)
    await duties.move("2025", "open")
    for unit in UNITS[:6]:
        await duties.hand_in(unit=unit)
    duties.at("2026-02-05")
    for unit in UNITS[6:8]:
        await duties.hand_in(unit=unit)
    assert await duties.rates(by="indicator") == [ReportingCounts("R01", 10, 8, 6, 2)]
    assert await duties.rates(by="period", period="2025") == [ReportingCounts("2025", 10, 8, 6, 2)]
    assert await duties.rates(by="period", period="2024") == []
    by_unit = await duties.rates()
    assert [one.code for one in by_unit] == UNITS
    assert all(one.on_time <= one.reported <= one.expected == 1 for one in by_unit)


async def test_who_ceased_leaves_both_sides(duties: Duties) -> None:
    await duties.load(TOGETHER)
    await duties.move("2025", "open")
    await duties.hand_in(unit="UN01")
    await duties.execute(
        "UPDATE organization SET ended_at = :at WHERE code = 'UN01'",
        at=local("2026-01-30", "23:59:59"),
    )
    await duties.execute(
        "UPDATE organization SET ended_at = :at WHERE code = 'UN02'",
        at=local("2026-01-31", "00:00:00"),
    )
    duties.at("2026-02-05")
    assert await duties.rates(by="indicator") == [ReportingCounts("R01", 9, 0, 0, 9)]


async def test_who_owes_it_no_more_or_left_the_plan_leaves_both_sides(duties: Duties) -> None:
    await duties.load(TOGETHER)
    await duties.move("2025", "open")
    await duties.hand_in(unit="UN10")
    fewer = a_document(
        an_indicator("R01", owners=UNITS[:8], aggregation=SUM),
        organizations=[{"code": code, "name": code, "kind": "unit"} for code in UNITS[:9]],
    )
    await duties.load(fewer)
    # As the list of obligations has it, until they follow the new version.
    assert await duties.rates(by="indicator") == [ReportingCounts("R01", 10, 1, 1, 0)]
    await duties.follow()
    assert await duties.rates(by="indicator") == [ReportingCounts("R01", 8, 0, 0, 0)]


_PLENTY = """
INSERT INTO obligation SELECT :city, gen_random_uuid(), CASE plan WHEN 0 THEN :plan ELSE 'P' || plan
    END, 'R' || i, 'UN01', '2025-' || lpad(p::text, 2, '0'), 'owed', date '2026-01-01' + (i % 300),
    '2026-01-31', 1, 0, 1, now(), now()
FROM generate_series(1, 200) i, generate_series(1, 12) p, generate_series(0, 9) plan
"""


async def test_lists_and_rates_of_many_are_read_by_index(duties: Duties) -> None:
    await duties.load(DOCUMENT)
    await duties.execute(_PLENTY)
    await as_owner(duties.database.dsn, "ANALYZE obligation")
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def note(*arguments: Any) -> None:
        if "FROM obligation AS o" in arguments[2]:
            asked.append((arguments[2], arguments[3]))

    event.listen(duties.database.engine.sync_engine, "before_cursor_execute", note)
    await duties.listed()
    await duties.listed(REPORTER)
    await duties.rates(period="2025-03")
    assert len(asked) == 3
    for statement, parameters in asked:
        rows = await duties.database.pool.fetch(f"EXPLAIN {statement}", *parameters)
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan on obligation" not in plan, plan
        assert "on obligation " in plan
