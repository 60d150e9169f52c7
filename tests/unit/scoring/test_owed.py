"""What is owed and absent never helps, and what is not yet due is a figure so far."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.obligations.queries import Extended
from services.core.plan.models import PlanPeriod
from services.core.scoring.aggregation import Operands, Operators
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.judgement import judge
from services.core.scoring.owed import Absent, Former, OwedParts, owed_details, silence_helps
from services.core.scoring.traces import case_of, result_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    NOW,
    a_baseline,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
    draw,
    judged,
    row_of,
)

TOWNS = ["UN01", "UN02", "UN03"]
DUE = date(2026, 1, 31)
OVERDUE: dict[str, Any] = {"opened": {"2025": DUE}, "today": date(2026, 2, 1)}
NOT_DUE: dict[str, Any] = {"opened": {"2025": DUE}, "today": DUE}


def of_towns(units: str = "sum", kind: str = "at_most", bound: object = 23) -> dict[str, Any]:
    return an_indicator(
        owners=TOWNS,
        aggregation={"units": units, "periods": "sum"},
        targets=[a_target(kind, bound, text=str(bound))],
    )


def from_towns(*towns: str, **changes: Any) -> Operands:
    """What these townships reported: 10 each, or 45 of 100 each."""
    count = len(towns)
    base: dict[str, Any] = {
        "reports": count,
        "values": count,
        "value_sum": Decimal(10 * count),
        "organizations": towns,
    }
    return Operands("2025", **(base | changes))


TWO = from_towns("UN01", "UN02")


def test_a_cap_is_not_met_while_a_township_is_overdue() -> None:
    row = judged(of_towns(), TWO, **OVERDUE)
    assert (row["state"], row["attainment"], row["met"], row["light"]) == (
        "missing", "0", None, "grey",
    )  # fmt: skip
    assert row["value"] == "20"
    assert "2 of 3 reported" in row["reason_en"]
    assert "应报 3 项，已报 2 项" in row["reason"]
    assert "单位3" in row["reason"]
    assert row["reporting"] == {
        "expected": 3,
        "reported": 2,
        "overdue": 1,
        "absent": [
            {"period": "2025", "organization_code": "UN03", "name": "单位3", "overdue": True}
        ],
        "late": [{"organization_code": "UN03", "name": "单位3", "periods": ["2025"]}],
    }


def test_the_scheme_may_leave_out_what_is_incomplete() -> None:
    scheme = a_scheme(incomplete="not_assessable", floor=60)
    row = judged(of_towns(), TWO, **OVERDUE, scheme=scheme)
    assert (row["state"], row["attainment"], row["met"]) == ("not_assessable", None, None)
    assert "2 of 3 reported" in row["reason_en"]
    floored = judged(of_towns(), TWO, **OVERDUE, scheme=a_scheme(floor=60))
    assert (floored["state"], floored["attainment"]) == ("missing", "60")


def test_before_the_due_date_the_figure_is_one_so_far() -> None:
    row = judged(of_towns(), TWO, **NOT_DUE)
    assert (row["state"], row["met"], row["light"]) == ("not_due", None, "yellow")
    assert (row["value"], row["attainment"]) == ("20", None)
    assert "2026-01-31" in row["reason_en"]


def test_a_sum_that_is_not_in_yet_is_not_red_for_what_is_to_come() -> None:
    row = judged(of_towns(kind="at_least", bound=30), TWO, **NOT_DUE)
    assert (row["met"], row["light"]) == (None, "grey")
    over = judged(of_towns(bound=15), TWO, **NOT_DUE)
    assert (over["met"], over["light"]) == (None, "red")


def test_when_all_have_reported_the_target_is_met() -> None:
    row = judged(of_towns(bound=30), from_towns(*TOWNS), **OVERDUE)
    assert (row["met"], row["light"]) == (True, "green")
    assert row["reporting"]["absent"] == []


@pytest.mark.parametrize("units", ["sum", "mean", "ratio_of_sums"])
def test_a_ratio_or_a_mean_is_not_met_without_a_third_either(units: str) -> None:
    parts = from_towns(
        "UN01", "UN02", ratios=2, numerator_sum=Decimal(190), denominator_sum=Decimal(200)
    )
    row = judged(of_towns(units, "at_least", "0.9"), parts, **OVERDUE)
    assert (row["state"], row["met"]) == ("missing", None)


def test_nobody_was_asked_and_a_cap_is_still_not_met_by_silence() -> None:
    row = judged(of_towns(), TWO)
    assert (row["state"], row["met"], row["light"]) == ("not_opened", None, "yellow")
    enough = judged(of_towns(kind="at_least", bound=20), TWO)
    assert (enough["state"], enough["met"]) == ("scored", True)
    over = judged(of_towns(bound=19), TWO)
    assert (over["state"], over["met"], over["light"]) == ("scored", False, "red")


def monthly(kind: str = "at_most", bound: object = 12, periods: str = "sum") -> dict[str, Any]:
    return an_indicator(
        frequency="monthly",
        aggregation={"units": "direct", "periods": periods},
        targets=[a_target(kind, bound, text=str(bound))],
        baseline=a_baseline(10, 2024),
    )


def months(count: int, value: object = "1.05") -> list[Operands]:
    return [a_value(value, f"2025-{number:02}") for number in range(1, count + 1)]


ASKED = {f"2025-{number:02}": a_period(f"2025-{number:02}").due_date(10)
         for number in range(1, 13)}  # fmt: skip
"""Every month of 2025 opened, due 10 days after its end."""


def test_eleven_months_do_not_meet_a_years_cap_once_december_is_overdue() -> None:
    row = judged(monthly(), months(11), opened=ASKED, today=date(2026, 1, 11))
    assert (row["state"], row["met"], row["value"]) == ("missing", None, "11.55")
    assert (row["reporting"]["expected"], row["reporting"]["reported"]) == (12, 11)
    assert row["reporting"]["absent"][0]["period"] == "2025-12"


def test_before_december_is_due_eleven_months_are_a_figure_so_far() -> None:
    row = judged(monthly(), months(11, "0.9"), opened=ASKED, today=date(2026, 1, 10))
    assert (row["state"], row["met"], row["light"]) == ("not_due", None, "yellow")
    assert row["pace"] == "1.11111111111111111111"


def test_a_stock_reported_to_june_is_not_the_years_end() -> None:
    indicator = monthly("at_least", 50, "last")
    june = a_value(52, "2025-06")
    by_months = judged(indicator, [*months(5, 30), june], opened=ASKED, today=date(2026, 1, 11))
    assert (by_months["state"], by_months["met"]) == ("missing", None)
    assert by_months["reporting"]["reported"] == 6
    by_year = judged(indicator, [june], **OVERDUE)
    assert (by_year["state"], by_year["met"]) == ("missing", None)
    assert [each["period"] for each in by_year["reporting"]["absent"]] == [
        f"2025-{number:02}" for number in range(7, 13)
    ]


def test_a_stock_that_nobody_was_asked_for_after_june_is_a_figure_so_far() -> None:
    indicator = monthly("at_least", 50, "last")
    half = {code: due for code, due in ASKED.items() if code <= "2025-06"}
    reported = [*months(5, 30), a_value(52, "2025-06")]
    row = judged(indicator, reported, opened=half, today=date(2026, 1, 11))
    assert (row["state"], row["met"], row["light"]) == ("not_opened", None, "yellow")
    assert row["reason_code"] == "so_far_unasked"
    within = judged(indicator, reported, opened=half, period="2025-H1", today=date(2026, 1, 11))
    assert (within["state"], within["met"]) == ("scored", True)


def test_a_month_to_come_is_held_against_nobody() -> None:
    row = judged(
        monthly("at_least", 50, "last"),
        [a_value(13, "2025-01")],
        opened=ASKED | {"2025": DUE},
        period="2025",
        today=date(2025, 3, 2),
    )
    # February is not due before 10 March.
    assert (row["state"], row["light"]) == ("scored", "yellow")
    counted = {"expected": 1, "reported": 1, "overdue": 0}
    assert row["reporting"] == {**counted, "absent": [], "late": []}


def test_an_overdue_month_counts_against_a_running_year() -> None:
    row = judged(
        monthly("at_least", 12), months(1), opened=ASKED, period="2025", today=date(2025, 3, 11)
    )
    assert (row["state"], row["met"]) == ("missing", None)
    assert row["reporting"]["absent"][0]["period"] == "2025-02"


def test_a_month_left_out_is_not_met_by_silence() -> None:
    reported = [each for each in months(12, "0.9") if each.period != "2025-05"]
    row = judged(monthly(), reported)
    assert (row["state"], row["met"], row["light"]) == ("not_opened", None, "yellow")


def closed(*indicators: dict[str, Any], period: str = "2025", state: str = "closed") -> Any:
    """A plan with a period that takes no more values before they were due."""
    plan = a_state(*indicators, opened={period: DUE})
    plan.periods[period].state = state
    return plan


@pytest.mark.parametrize("state", ["closed", "published"])
def test_a_closed_period_does_not_leave_its_blanks_not_due(state: str) -> None:
    plan = closed(
        an_indicator("A", selection="optional", weight=1, targets=[a_target(value=1)]),
        an_indicator("B", weight=2),
        state=state,
    )
    board = draw(plan, {"A": a_value(1)}, today=date(2026, 1, 10))
    assert board["overall"]["score"] == "33.33333333333333333333"
    assert board["overall"]["coverage"] == "1"
    assert board["overall"]["gate"]["mandatory_not_met"] == ["B"]
    blank = row_of(board, "B")
    assert (blank["state"], blank["reason_code"]) == ("missing", "missing_when_closed")


def test_a_year_closed_before_its_end_is_judged_as_at_its_end() -> None:
    plan = closed(an_indicator("A"), an_indicator("B"))
    board = draw(plan, {"A": a_value(94)}, today=date(2025, 10, 10))
    assert row_of(board, "A")["reason_code"] == "not_met_at_target_date"
    assert board["overall"]["gate"]["mandatory_not_met"] == ["A", "B"]


def test_a_closed_month_leaves_its_blank_overdue_in_its_year() -> None:
    plan = closed(monthly(), period="2025-02")
    board = draw(plan, {"R01": months(1)}, today=date(2025, 3, 2))
    assert row_of(board)["state"] == "missing"


def test_more_time_for_one_unit_is_the_time_that_is_awaited() -> None:
    plan = a_state(of_towns(), opened={"2025": DUE})
    bench = ScoringContext.of(plan, date(2026, 2, 3))
    granted = {("R01", "2025", "UN03"): date(2026, 2, 10)}
    bench.duties.granted.update(granted)  # type: ignore[attr-defined]
    row = row_of(draw_board(bench, a_period("2025"), {("R01", "2025"): TWO}).board)
    assert (row["state"], row["light"]) == ("not_due", "yellow")
    assert "2026-02-10" in row["reason"]


def test_a_closed_period_asks_for_what_was_owed_then() -> None:
    plan = closed(of_towns())
    place, period = ("R01", "2025"), a_period("2025")
    newcomer = Former(excused={place: frozenset({"UN03"})})
    bench = ScoringContext.of(plan, date(2026, 3, 1), former=newcomer)
    assert row_of(draw_board(bench, period, {place: TWO}).board)["met"] is True
    left = Former(owing={place: frozenset({"UN05"})})
    bench = ScoringContext.of(plan, date(2026, 3, 1), former=left)
    row = row_of(draw_board(bench, period, {place: from_towns(*TOWNS)}).board)
    assert [each["organization_code"] for each in row["reporting"]["absent"]] == ["UN05"]


@given(
    st.sampled_from(["sum", "mean"]),
    st.sampled_from(["at_most", "at_least", "more_than"]),
    st.integers(-50, 50),
    st.sets(st.sampled_from(TOWNS), min_size=1, max_size=2),
    st.sampled_from(["open", "closed", "published"]),
    st.integers(-40, 40),
)
def test_what_is_owed_and_absent_is_never_met_or_green(
    units: str, kind: str, bound: int, towns: set[str], state: str, days: int
) -> None:
    plan = a_state(of_towns(units, kind, bound))
    today = DUE.fromordinal(DUE.toordinal() + days)
    opened = PlanPeriod(period="2025", state=state, due_date=DUE, opened_at=NOW, version=1)
    plan.periods["2025"] = opened  # type: ignore[index]
    drawn = draw_board(
        ScoringContext.of(plan, today),
        a_period("2025"),
        {("R01", "2025"): from_towns(*sorted(towns))},
    )
    row = row_of(drawn.board)
    assert row["met"] is None
    assert row["light"] != "green"
    assert (row["state"] == "missing") is (days > 0 or state != "open")
    trace = json.loads(json.dumps(drawn.traces["R01"]))
    assert result_of(judge(case_of(trace))) == trace["result"]
    assert all(step.zh and step.en for step in explain(trace))


def test_a_board_turns_when_the_unit_with_less_time_is_late() -> None:
    indicator = an_indicator(owners=["UN01", "UN02"], aggregation={"units": "sum"})
    state = a_state(indicator, opened={"2025": date(2026, 1, 31)})
    granted = [
        Extended("R01", unit, "2025", date(2026, 2, day))
        for unit, day in (("UN01", 5), ("UN02", 9))
    ]
    bench = ScoringContext.of(state, date(2026, 2, 1), granted)
    assert bench.turned("2025", date(2026, 2, 5), date(2026, 2, 6))
    assert bench.turned("2025", date(2026, 2, 9), date(2026, 2, 10))
    assert not bench.turned("2025", date(2026, 2, 6), date(2026, 2, 9))


@pytest.mark.parametrize(
    ("kinds", "helps"),
    [
        ({"at_least"}, False),
        ({"more_than"}, False),
        ({"full_coverage"}, False),
        ({"rising"}, False),
        ({"at_most"}, True),
        ({"less_than"}, True),
        ({"negative_growth"}, True),
        ({"falling"}, True),
        ({"not_worse"}, True),
        ({"between"}, True),
        ({"at_least", "less_than"}, True),
        ({"at_least", "rising"}, False),
    ],
)
def test_a_part_that_is_absent_helps_every_target_that_less_may_meet(
    kinds: set[Any], helps: bool
) -> None:
    added = Operators(units="sum", periods="sum", multiplier=Decimal(1), by_level=False)
    assert silence_helps(added, kinds) is helps


@pytest.mark.parametrize(
    ("absent", "expected", "reported", "said"),
    [
        (0, 3, 3, "—"),
        (2, 3, 1, "单位0（2025-01）、单位1（2025-01）"),
        (2, 4, 1, "单位0（2025-01）、单位1（2025-01） …"),
        (10, 10, 0, "、".join(f"单位{number}（2025-01）" for number in range(10))),
        (11, 11, 0, "、".join(f"单位{number}（2025-01）" for number in range(10)) + " …"),
    ],
)
def test_ten_of_the_absent_are_named_and_that_there_are_more(
    absent: int, expected: int, reported: int, said: str
) -> None:
    parts = tuple(Absent("2025-01", f"U{n}", f"单位{n}", "overdue") for n in range(absent))
    owed = OwedParts(expected=expected, reported=reported, absent=parts)
    assert owed_details(owed) == {
        "expected": str(expected),
        "reported": str(reported),
        "absent": said,
        "due": "—",
    }
    assert owed_details(replace(owed, due="2025-02-10"))["due"] == "2025-02-10"
