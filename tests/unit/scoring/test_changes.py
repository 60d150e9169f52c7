"""Why a score changed: whatever happened, the parts add up to the difference to the last digit."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import plain, total
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.changes import ScoreDifference, Stand, ValueStep, explain_difference
from services.core.scoring.figures import difference
from services.core.scoring.traces import case_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_baseline,
    a_ratio,
    a_state,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
)

CODES = ("R01", "R02", "R03")
NUMBERS = st.decimals("0.1", 150, places=2)
REPORTS = st.one_of(
    st.none(),
    NUMBERS.map(a_value),
    st.builds(a_ratio, st.integers(1, 99), st.integers(1, 300)),
    st.just(Operands("2025", 1, not_applicable=1, not_applicable_reason="无")),
)
DAYS = st.dates(date(2025, 6, 1), date(2026, 12, 31))


@st.composite
def stands(draw: st.DrawFn) -> Stand:
    """A board of some of three indicators with weights, targets, values and a day."""
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True))
    indicators = [
        an_indicator(
            code,
            group=draw(st.sampled_from(["R", "U"])),
            weight=str(draw(st.integers(1, 7))),
            multiplier=100,
            baseline=draw(st.sampled_from([None, a_baseline(30)])),
            targets=[
                draw(
                    st.sampled_from(
                        [
                            a_target(),
                            a_target("at_most", 40),
                            a_target("assigned_by_superior", None),
                        ]
                    )
                )
            ],
        )
        for code in sorted(codes)
    ]
    groups = [
        {"code": code, "name": code, **({"weight": str(weight)} if weight else {})}
        for code, weight in (("R", draw(st.sampled_from([0, 3]))), ("U", draw(st.integers(0, 2))))
    ]
    state = a_state(
        *indicators,
        groups=groups,
        opened=draw(st.sampled_from([None, {"2025": date(2026, 1, 31)}])),
        assigned=[an_assignment(code, "at_least", draw(NUMBERS)) for code in codes],
    )
    reported = {(code, "2025"): each for code in codes if (each := draw(REPORTS)) is not None}
    drawn = draw_board(ScoringContext.of(state, draw(DAYS)), a_period("2025"), reported)
    return Stand(state.document, drawn.board, drawn.traces)


def _points(changes: ScoreDifference) -> Decimal:
    causes = [*changes.whole, *(cause for one in changes.indicators for cause in one.causes)]
    return total([cause.points for cause in causes])


def _score(stand: Stand) -> Decimal:
    return Decimal(stand.board["overall"]["score"] or 0)


def _no_steps(_code: str) -> Sequence[ValueStep]:
    return ()


@given(stands(), stands(), stands(), st.booleans(), st.lists(REPORTS, max_size=3))
def test_the_parts_add_up_to_the_difference_exactly(
    before: Stand, after: Stand, blank: Stand, dated: bool, between: list[Operands | None]
) -> None:
    steps = [ValueStep(number, each, (), ()) for number, each in enumerate(between)]
    changes = explain_difference(
        before,
        after,
        steps=lambda _: steps,
        dated=dated,
        arrivals={code: case_of(trace) for code, trace in blank.traces.items()},
    )
    assert changes.difference == difference(_score(after), _score(before))
    assert _points(changes) == changes.difference


@given(stands())
def test_a_board_is_no_other_than_itself(stand: Stand) -> None:
    changes = explain_difference(stand, stand, steps=_no_steps, dated=False)
    assert changes == ScoreDifference(Decimal(0), (), ())


def _stand(
    indicator: Mapping[str, Any], *reported: Operands, today: date = date(2026, 1, 10), **plan: Any
) -> Stand:
    state = a_state(indicator, **plan)
    operated = {("R01", each.period): each for each in reported}
    drawn = draw_board(ScoringContext.of(state, today), a_period("2025"), operated)
    return Stand(state.document, drawn.board, drawn.traces)


def _kinds(before: Stand, after: Stand, *, dated: bool = False) -> list[tuple[str, str]]:
    changes = explain_difference(before, after, steps=_no_steps, dated=dated)
    return [(each.kind, plain(each.points)) for one in changes.indicators for each in one.causes]


OPENED = {"2025": date(2026, 1, 31)}


def test_a_corrected_value_is_the_cause() -> None:
    before, after = (_stand(an_indicator(), a_value(value)) for value in ("47.5", "95"))
    assert _kinds(before, after) == [("value", "50")]


def test_a_target_assigned_is_told_from_the_value_that_came_with_it() -> None:
    one = an_indicator(targets=[a_target("assigned_by_superior", None)])
    before = _stand(one, a_value(40), assigned=[an_assignment("R01", "at_least", 80)])
    after = _stand(one, a_value(60), assigned=[an_assignment("R01", "at_least", 100)])
    assert _kinds(before, after) == [("target", "-10"), ("value", "20")]


def test_a_day_that_passed_makes_a_value_missing() -> None:
    reported = an_indicator("R01", group="R")
    due = {"2025": date(2026, 1, 31)}
    before = _stand(reported, opened=due)
    after = _stand(reported, opened=due, today=date(2026, 2, 1))
    assert [kind for kind, _ in _kinds(before, after, dated=True)] == ["day"]


def test_what_a_version_added_comes_by_the_rule_and_its_value_by_itself() -> None:
    def of(*codes: str, value: Operands | None = None) -> Stand:
        listed = [an_indicator(code, weight="1") for code in codes]
        state = a_state(*listed, opened=OPENED)
        operated = {("R01", "2025"): a_value(95), **({("R02", "2025"): value} if value else {})}
        drawn = draw_board(ScoringContext.of(state, date(2026, 2, 1)), a_period("2025"), operated)
        return Stand(state.document, drawn.board, drawn.traces)

    value = a_value("47.5")
    before, after = of("R01"), of("R01", "R02", value=value)
    changes = explain_difference(
        before,
        after,
        steps=lambda _: [ValueStep("approved", value, (), ())],
        dated=False,
        arrivals={"R02": case_of(of("R01", "R02").traces["R02"])},
    )
    (one,) = changes.indicators
    told = [(each.kind, plain(each.points), each.reference) for each in one.causes]
    assert told == [("rule", "-50", None), ("value", "25", "approved")]
    assert (plain(changes.difference), plain(_points(changes))) == ("-25", "-25")


@pytest.mark.parametrize(
    ("printed", "assigned", "then_printed", "then_assigned", "said"),
    [
        (80, [], 100, [], "plan"),
        (80, [], 80, [("R01", 100, 1)], "assigned"),
        (80, [("R01", 80, 1)], 90, [("R01", 80, 1), ("R01", 100, 2)], "assigned"),
        (80, [], 100, [("R01", 100, 1)], "assigned"),
    ],
)
def test_a_target_is_told_with_who_set_it(
    printed: int,
    assigned: list[tuple[str, int, int]],
    then_printed: int,
    then_assigned: list[tuple[str, int, int]],
    said: str,
) -> None:
    def of(value: int, given: list[tuple[str, int, int]]) -> Stand:
        rows = [an_assignment(code, "at_least", to, sequence=at) for code, to, at in given]
        # What is assigned counts where the plan leaves the year open, and prints nothing for it.
        printed = a_target("at_least", value)
        left_open = a_target("assigned_by_superior", None, text="完成下达任务")
        one = an_indicator(targets=[left_open if rows else printed])
        return _stand(one, a_value(40), assigned=rows)

    before, after = of(printed, assigned), of(then_printed, then_assigned)
    changes = explain_difference(before, after, steps=_no_steps, dated=False)
    ((cause,),) = [one.causes for one in changes.indicators]
    assert (cause.kind, cause.reference, plain(cause.points)) == ("target", said, "-10")


def test_a_weight_is_a_rule() -> None:
    def both(weight: str) -> Stand:
        state = a_state(
            an_indicator("R01", weight=weight), an_indicator("R02", weight="1"), opened=OPENED
        )
        operated = {("R01", "2025"): a_value(95)}
        bench = ScoringContext.of(state, date(2026, 2, 1))
        drawn = draw_board(bench, a_period("2025"), operated)
        return Stand(state.document, drawn.board, drawn.traces)

    assert _kinds(both("1"), both("3")) == [("rule", "25")]
