"""The laws that every score obeys, whatever the numbers."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import plain, times, total
from services.core.plan.document import TargetKind
from services.core.scoring.attainment import SchemeName, meets, numeric
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.figures import Figure, fraction
from services.core.scoring.judgement import ScoreState, judge
from services.core.scoring.rollup import Part, roll_up
from services.core.scoring.traces import case_of, result_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_baseline,
    a_ratio,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
)

NUMBERS = st.decimals(-1000, 1000, places=4)
POSITIVE = st.decimals("0.0001", 1000, places=4)
KINDS = st.sampled_from(["at_least", "more_than", "at_most", "full_coverage"])
SCHEMES = st.sampled_from(["completion-rate", "distance-to-target"])
FIGURES = st.builds(fraction, NUMBERS, POSITIVE)


@given(FIGURES, KINDS, NUMBERS, st.none() | NUMBERS, SCHEMES)
def test_an_attainment_is_within_0_and_100_and_100_where_met(
    figure: Figure,
    kind: TargetKind,
    bound: Decimal,
    baseline: Decimal | None,
    scheme: SchemeName,
) -> None:
    found = numeric(figure, kind, bound, baseline, scheme)
    assert 0 <= found.value <= 100
    if found.met:
        assert found.value == 100
    elif found.value == 100:
        assert kind == "more_than"
        assert not meets(figure, "more_than", bound)


@given(FIGURES, FIGURES, KINDS, NUMBERS, st.none() | NUMBERS, SCHEMES)
def test_a_better_value_never_has_a_lower_attainment(
    left: Figure,
    right: Figure,
    kind: TargetKind,
    bound: Decimal,
    baseline: Decimal | None,
    scheme: SchemeName,
) -> None:
    worse, better = sorted([left, right], key=lambda figure: figure.value)
    if kind == "at_most":
        worse, better = better, worse
    low = numeric(worse, kind, bound, baseline, scheme)
    high = numeric(better, kind, bound, baseline, scheme)
    assert low.value <= high.value


STATES: list[ScoreState] = ["scored", "missing", "not_applicable", "not_assessable", "not_due"]


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        state = draw(st.sampled_from(STATES))
        reached = draw(st.decimals(0, 100, places=3)) if state == "scored" else None
        if state == "missing":
            reached = Decimal(0)
        group = draw(st.sampled_from(["G1", "G2", "G3"]))
        found.append(Part(group, state, Decimal(draw(st.integers(1, 5))), reached))
    return found


GROUPS: dict[str, Decimal | None] = {"G1": None, "G2": Decimal("16.5"), "G3": Decimal("9.2")}
NEARLY = Decimal("1E-17")


@given(parts(), st.randoms())
def test_the_order_of_indicators_and_groups_changes_no_digit(
    given_parts: list[Part], random: Any
) -> None:
    shuffled = random.sample(given_parts, len(given_parts))
    groups = dict(reversed(GROUPS.items()))
    here, there = roll_up(GROUPS, given_parts), roll_up(groups, shuffled)
    assert (here.score, here.coverage) == (there.score, there.coverage)


@given(parts())
def test_score_and_coverage_keep_within_their_ranges(given_parts: list[Part]) -> None:
    found = roll_up(GROUPS, given_parts)
    assert found.score is None or 0 <= found.score <= 100
    assert found.coverage is None or 0 <= found.coverage <= 1
    reached = [part.attainment for part in given_parts if part.attainment is not None]
    if found.score is not None:
        assert min(reached) - NEARLY <= found.score <= max(reached) + NEARLY


@given(parts())
def test_a_group_keeps_its_weight_when_an_indicator_does_not_apply(
    given_parts: list[Part],
) -> None:
    explicit: dict[str, Decimal | None] = {"G1": Decimal(7), "G2": Decimal(2), "G3": Decimal(3)}
    assessed = [part for part in given_parts if part.state in {"scored", "missing"}]
    spare = [Part(part.group, "not_applicable", Decimal(9), None) for part in assessed]
    without, beside = roll_up(explicit, assessed), roll_up(explicit, [*assessed, *spare])
    assert (without.score, without.coverage) == (beside.score, beside.coverage)
    present = {part.group for part in assessed}
    if present:
        found = {group.code: group for group in beside.groups}
        weighted = total([times(explicit[code] or Decimal(0), found[code].score or Decimal(0))
                          for code in sorted(present)])  # fmt: skip
        whole = total([explicit[code] or Decimal(0) for code in sorted(present)])
        assert abs(weighted / whole - (beside.score or Decimal(0))) < NEARLY


REPORTED = st.one_of(
    st.builds(a_value, NUMBERS),
    st.builds(a_ratio, NUMBERS, POSITIVE),
    st.builds(a_ratio, NUMBERS, POSITIVE.map(lambda number: -number)),
)


@given(REPORTED, KINDS, NUMBERS, st.none() | NUMBERS, SCHEMES, st.sampled_from(["2023", "2025"]))
def test_replaying_any_trace_gives_the_same_digits(
    reported: Any,
    kind: TargetKind,
    bound: Decimal,
    baseline: Decimal | None,
    scheme: SchemeName,
    period: str,
) -> None:
    indicator = an_indicator(
        targets=[a_target(kind, plain(bound))],
        baseline=None if baseline is None else a_baseline(plain(baseline)),
        multiplier=100,
    )
    state = a_state(indicator, scheme=a_scheme(name=scheme))
    bench = ScoringContext.of(state, date(2026, 1, 10))
    drawn = draw_board(bench, a_period(period), {("R01", period): reported})
    trace = json.loads(json.dumps(drawn.traces["R01"]))
    assert result_of(judge(case_of(trace))) == trace["result"]
