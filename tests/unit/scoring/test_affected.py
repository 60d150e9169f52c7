"""Which boards an event asks for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.core.events.queries import LogEvent
from services.core.kit.ids import new_id
from services.core.scoring.affected import (
    AffectedScores,
    ChangedInput,
    affected,
    alters_plan,
    boards_to_draw,
)
from tests.support.periods import YEARS
from tests.unit.scoring.builders import PLAN, a_state, a_target, an_indicator

RISING = a_state(an_indicator(targets=[a_target("rising", None)])).indicators
BY_PERIOD = a_state(
    an_indicator(targets=[a_target("rising", None)], comparison="previous_period")
).indicators
STEADY = a_state(an_indicator()).indicators


def an_event(type_: str, **data: Any) -> LogEvent:
    kind = type_.split(".", maxsplit=1)[0]
    return LogEvent(
        7, new_id(), type_, PLAN, kind, "x", None, data, datetime(2025, 6, 2, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("event", "touch"),
    [
        (an_event("plan.published"), AffectedScores(whole_plan=True)),
        (an_event("question.settled"), AffectedScores(whole_plan=True)),
        (an_event("period.opened", period="2025"), AffectedScores(periods={"2025"})),
        (an_event("period.reopened", period="2025"), AffectedScores(periods={"2025"})),
        (an_event("period.rescheduled", period="2025"), AffectedScores(periods={"2025"})),
        (
            an_event("obligation.extended", indicator_code="R01", period="2025-Q4"),
            AffectedScores(extended={("R01", "2025-Q4")}),
        ),
        (
            an_event("period.published", period="2025", publication_number=1),
            AffectedScores(periods={"2025"}, published={"2025": 1}),
        ),
        (an_event("target.assigned", indicator_code="R01"), AffectedScores(indicators={"R01"})),
    ],
)
def test_what_an_event_touches(event: LogEvent, touch: AffectedScores) -> None:
    assert affected([event], []) == {PLAN: touch}


@pytest.mark.parametrize("type_", ["score.updated", "submission.approved"])
def test_what_touches_nothing_by_itself(type_: str) -> None:
    assert affected([an_event(type_, period="2025")], []) == {}


def test_which_events_alter_a_plan() -> None:
    altering = ["plan.published", "period.published", "target.assigned", "question.settled"]
    altering += ["period.rescheduled", "obligation.extended"]
    assert all(alters_plan(an_event(type_)) for type_ in altering)
    assert not any(alters_plan(an_event(t)) for t in ("score.updated", "submission.approved"))


def test_a_value_asks_for_its_period_and_the_wider_ones_of_its_basis() -> None:
    touch = affected([], [ChangedInput(PLAN, "approved", "R01", "2025-03")])[PLAN]
    want = boards_to_draw(touch, STEADY, [], YEARS)
    assert want.boards == {
        ("approved", period): {"R01"} for period in ("2025-03", "2025-Q1", "2025-H1", "2025")
    }
    assert want.if_drawn == set()


def test_more_time_asks_for_the_boards_there_are_of_its_period_and_the_wider_ones() -> None:
    want = boards_to_draw(AffectedScores(extended={("R01", "2025-Q4")}), STEADY, [], YEARS)
    keys = {
        (basis, period)
        for basis in ("approved", "submitted")
        for period in ("2025-Q4", "2025-H2", "2025")
    }
    assert want.boards == {key: {"R01"} for key in keys}
    assert want.if_drawn == keys


def test_a_value_that_others_rise_from_asks_for_the_next_periods_where_they_exist() -> None:
    touch = AffectedScores(inputs={("approved", "R01", "2025-Q4"), ("approved", "R01", "2026-Q1")})
    want = boards_to_draw(touch, BY_PERIOD, [], YEARS)
    assert want.if_drawn == {("approved", period) for period in ("2026-Q2", "2026-H2", "2027")}
    assert ("approved", "2026-Q1") in want.boards


def test_a_value_asks_for_the_same_periods_of_the_next_year_where_they_exist() -> None:
    touch = AffectedScores(inputs={("approved", "R01", "2025-Q4")})
    want = boards_to_draw(touch, RISING, [], YEARS)
    assert want.if_drawn == {("approved", period) for period in ("2026-Q4", "2026-H2", "2026")}


def test_a_whole_board_needs_no_single_indicators() -> None:
    touch = AffectedScores(periods={"2025"}, inputs={("approved", "R01", "2025")})
    assert boards_to_draw(touch, STEADY, [], YEARS).boards == {
        ("approved", "2025"): None,
        ("submitted", "2025"): None,
    }


def test_the_last_year_has_no_next() -> None:
    want = boards_to_draw(AffectedScores(inputs={("approved", "R01", "2100")}), RISING, [], YEARS)
    assert list(want.boards) == [("approved", "2100")]
