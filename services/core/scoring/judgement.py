"""The verdict on one indicator in one period. It depends on its `Case` and on nothing else.

`scoring.cases` builds cases; `scoring.traces` stores them, so that a verdict can be replayed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from services.core.kit.decimals import display, display_bound
from services.core.plan.document import Lights
from services.core.scoring import attainment, lights
from services.core.scoring.aggregation import (
    Combined,
    Operands,
    Operators,
    Reading,
    combine,
)
from services.core.scoring.attainment import FALLS, Attainment, Rule, SchemeName
from services.core.scoring.comparables import BaselineValue, Comparable
from services.core.scoring.figures import HUNDRED, ZERO, Figure, beside
from services.core.scoring.kinds import Found, Ground, judge_number
from services.core.scoring.lights import Light, LightContext, Pace
from services.core.scoring.owed import (
    NOTHING_OWED,
    OwedParts,
    in_words,
    owed_details,
    silence_helps,
)
from services.core.scoring.part_of_sum import SpanShare, ToDate, judge_part
from services.core.scoring.targets import NUMERIC_KINDS, Target

ScoreState = Literal[
    "scored", "missing", "not_applicable", "not_assessable", "not_due", "not_opened"
]
Reporting = Literal["not_opened", "not_due", "less_often", "late", "closed"]
"""The state of the period's reporting: never opened, before its due date, reported less often than
this period (in wider ones), past its due date, or closed before that."""

ASSESSED: frozenset[ScoreState] = frozenset({"scored", "missing"})
"""The states whose attainment counts in the score."""


@dataclass(frozen=True, slots=True)
class Method:
    """The parts of the plan's scheme that a verdict depends on."""

    name: SchemeName
    version: str
    floor: Decimal
    places: int
    lights: Lights
    incomplete: Literal["missing", "not_assessable"] = "missing"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a verdict depends on.

    `own` and `parts` are the operands of the period itself and of its finer periods, oldest first;
    `absent` names the finer periods without any. `levels` are (code, name, points), the top first.
    `elapsed_months` and `whole_months` run from the end of the baseline's year to the period's
    progress, and to the target's date. `months_of_sum` are the months behind a value that is a part
    of the sum that the target sets; None: it is not such a part. `beyond_target`: the sum covers
    more than the target's span. `begun` is false until a full month of an unfinished period has
    passed. `target_date_passed`: the gate applies. `owed` are the missing parts of the value.
    `lower_better` is the direction for `not_worse`; `all_or_nothing`: a target that is not met
    scores 0. `pace_question` and `verdict_question` are the open questions that block the baseline
    or the whole verdict.
    """

    indicator: str
    period: str
    operators: Operators
    own: Operands | None
    parts: tuple[Operands, ...]
    absent: tuple[str, ...]
    previous: Comparable | None
    target: Target
    at_target_date: bool
    levels: tuple[tuple[str, str, Decimal], ...]
    growth_is_positive: bool
    baseline: BaselineValue | None
    elapsed_months: int
    whole_months: int
    pace_question: str | None
    verdict_question: str | None
    reporting: Reporting
    due_date: str | None
    method: Method
    months_of_sum: int | None = None
    beyond_target: bool = False
    begun: bool = True
    target_date_passed: bool = True
    lower_better: bool = False
    all_or_nothing: bool = False
    owed: OwedParts = NOTHING_OWED


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a case. `details` fill the words of the reason; None: not determined."""

    state: ScoreState
    reading: Reading
    light: Light
    reason: str
    details: Mapping[str, str] = field(default_factory=dict)
    attainment: Decimal | None = None
    met: bool | None = None
    rule: Rule | None = None
    pace: Pace | None = None
    provisional: bool = False
    falsified: bool = False


def judge(case: Case) -> Verdict:
    """Return the verdict on a case."""
    combined = combine(case.own, case.parts, case.operators)
    reading = combined.reading
    if reading.not_applicable is not None and not case.owed.overdue:
        return _unassessed("not_applicable", "not_applicable", combined, why=reading.not_applicable)
    obstacle = _target_obstacle(case)
    if obstacle is not None:
        details = {
            "text": case.target.name,
            "question": case.verdict_question or "—",
            "date": case.target.end.isoformat(),
        }
        return _unassessed("not_assessable", obstacle, combined, **details)
    if reading.is_nothing:
        return _unreported(case, combined)
    if case.owed.overdue:
        return _incomplete(case, combined)
    if reading.unusable is not None:
        units = in_words(f"{unit}（{period}）" for unit, period in reading.lacking)
        return _unassessed("not_assessable", reading.unusable, combined, units=units)
    return _so_far(case, _assess(case, combined))


def _unassessed(state: ScoreState, reason: str, combined: Combined, **details: str) -> Verdict:
    return Verdict(
        state,
        combined.reading,
        "grey",
        reason,
        details,
        provisional=combined.provisional,
        falsified=combined.falsified,
    )


def _target_obstacle(case: Case) -> str | None:
    """Return why this target allows no verdict, whatever is reported."""
    target = case.target
    if case.verdict_question is not None:
        return "open_question"
    if target.kind == "assigned_by_superior":
        return "target_not_assigned"
    if target.kind == "qualitative" and not case.levels:
        return "target_in_words"
    if target.kind in NUMERIC_KINDS and target.bound is None:
        return "target_in_words"
    return "beyond_target" if case.beyond_target else None


def _unreported(case: Case, combined: Combined) -> Verdict:
    due = case.due_date or "—"
    match case.reporting:
        case "late":
            return _at_the_floor(case, combined, "missing", due=due)
        case "closed":
            return _at_the_floor(case, combined, "missing_when_closed")
        case "not_due":
            return _unassessed("not_due", "not_due", combined, due=due)
        case "less_often":
            return _unassessed("not_due", "less_often", combined)
        case "not_opened":
            if case.owed.overdue:
                return _incomplete(case, combined)
            return _unassessed("not_opened", "not_opened", combined)


def _at_the_floor(case: Case, combined: Combined, reason: str, **details: str) -> Verdict:
    return replace(
        _unassessed("missing", reason, combined, **details),
        attainment=case.method.floor,
        rule="floor",
    )


def _incomplete(case: Case, combined: Combined) -> Verdict:
    """Return the verdict on a value with an overdue part: a missing part never helps."""
    details = owed_details(case.owed)
    if case.method.incomplete == "not_assessable":
        return _unassessed("not_assessable", "incomplete_not_assessable", combined, **details)
    return _at_the_floor(case, combined, "incomplete", **details)


def _so_far(case: Case, verdict: Verdict) -> Verdict:
    """Return a provisional verdict if missing parts are not overdue, else the verdict itself.

    A provisional figure is neither met nor not met, at most yellow, and has no weight. Parts that
    nobody was asked for matter only if the target may be met because they are missing.
    """
    owed = case.owed
    helped = verdict.met is not False and (
        owed.end_unasked or silence_helps(case.operators, case.target.kinds)
    )
    if verdict.state != "scored" or not (owed.pending or (owed.unasked and helped)):
        return verdict
    light: Light = "yellow" if verdict.light == "green" else verdict.light
    if light == "red" and case.target.kind not in FALLS and not verdict.falsified:
        light = "grey"
    return replace(
        verdict,
        state="not_due" if owed.pending else "not_opened",
        light=light,
        reason="so_far" if owed.pending else "so_far_unasked",
        details=owed_details(owed),
        attainment=None,
        met=None,
        rule=None,
    )


def _assess(case: Case, combined: Combined) -> Verdict:
    if case.months_of_sum is not None:
        return _assess_part(case, combined, case.months_of_sum)
    found = _found(case, combined.reading)
    if isinstance(found, str):
        return _uncompared(case, combined, found)
    reached, standing = _graded(case, found.attainment), _standing(case, combined, found)
    colour, reason = lights.light(standing, case.method.lights)
    if reason == "not_met_at_target_date" and case.target.ends is not None:
        reason = "not_met_at_date"
    return Verdict(
        state="scored",
        reading=combined.reading,
        light=colour,
        reason=reason,
        details=_details(case, standing.pace),
        attainment=reached.value,
        met=reached.met,
        rule=reached.rule,
        pace=standing.pace,
        provisional=combined.provisional,
        falsified=combined.falsified,
    )


def _uncompared(case: Case, combined: Combined, why: str) -> Verdict:
    """Return "not assessable"; if the earlier value is incomplete, with its missing parts."""
    base = case.previous
    if why != "no_previous_period" or base is None:
        return _unassessed("not_assessable", why, combined)
    details = {"earlier": base.period, "absent": in_words(base.lacking)}
    return _unassessed("not_assessable", "previous_incomplete", combined, **details)


def part_to_date(case: Case, combined: Combined) -> ToDate | str:
    """Return the standing of a partial sum, or the reason code if it cannot be judged."""
    figure, months = combined.reading.figure, case.months_of_sum
    if figure is None or months is None:
        return "no_number"
    return judge_part(case.target, figure, SpanShare(months, case.target.months))


def _assess_part(case: Case, combined: Combined, months: int) -> Verdict:
    """Return the verdict on a partial sum: it is neither met nor not met."""
    if months == 0 and case.target.sets_number:
        return _unassessed("not_assessable", "no_full_month", combined)
    found = part_to_date(case, combined)
    if isinstance(found, str):
        span = case.target.span
        details = {"target": case.target.name, "span": span.zh, "span_en": span.en}
        return _unassessed("not_assessable", found, combined, **details)
    standing = LightContext(
        met=None,
        falsified=combined.falsified,
        provisional=combined.provisional,
        at_target_date=False,
        hold=False,
        may_have_pace=True,
        baseline_doubted=False,
        has_baseline=False,
        worse_than_baseline=False,
        pace=found.pace,
        enough=found.enough,
    )
    colour, reason = lights.light(standing, case.method.lights)
    return Verdict(
        state="scored",
        reading=combined.reading,
        light=colour,
        reason=reason,
        details=_details(case, found.pace),
        attainment=_of_part(case, found),
        rule="share_of_year",
        pace=found.pace,
        provisional=combined.provisional,
        falsified=combined.falsified,
    )


def _of_part(case: Case, found: ToDate) -> Decimal:
    if case.all_or_nothing:
        return HUNDRED if found.enough else ZERO
    return found.attainment


def _found(case: Case, reading: Reading) -> Found | str:
    """Return the result of the comparison, or the reason code if it cannot be judged."""
    if reading.figure is None or case.operators.by_level:
        level = _attained_level(case, reading.level)
        return level if isinstance(level, str) else Found(level)
    base = case.previous
    return judge_number(
        case.target,
        Ground(
            figure=reading.figure,
            baseline=_usable_baseline(case),
            previous=None if base is None or base.lacking else base.figure,
            growth_is_positive=case.growth_is_positive,
            lower_better=case.lower_better,
            scheme=case.method.name,
            elapsed=case.elapsed_months,
            whole=case.whole_months,
        ),
    )


def _graded(case: Case, reached: Attainment) -> Attainment:
    """Return the effective attainment: under "all or nothing", not met is 0."""
    if reached.met or not case.all_or_nothing:
        return reached
    return Attainment(met=False, value=ZERO, rule="all_or_nothing")


def _attained_level(case: Case, level: str | None) -> Attainment | str:
    if case.target.kind != "qualitative":
        return "no_number"
    for place, (code, _, points) in enumerate(case.levels):
        if code == level:
            return attainment.by_level(points, top=place == 0)
    return "unknown_level"


def _usable_baseline(case: Case) -> Decimal | None:
    """Return the baseline's value, None if there is none or an open question blocks it."""
    if case.baseline is None or case.pace_question is not None:
        return None
    return case.baseline.value


def _standing(case: Case, combined: Combined, found: Found) -> LightContext:
    return LightContext(
        met=found.attainment.met,
        falsified=combined.falsified,
        provisional=combined.provisional,
        at_target_date=case.at_target_date,
        hold=found.hold,
        may_have_pace=found.numeric,
        baseline_doubted=case.pace_question is not None,
        has_baseline=_usable_baseline(case) is not None,
        worse_than_baseline=found.worse,
        beyond=found.beyond,
        pace=found.pace,
        begun=case.begun,
    )


def _details(case: Case, pace: Pace | None) -> Mapping[str, str]:
    rules, baseline = case.method.lights, case.baseline
    return {
        "target": case.target.name,
        "year": str(case.target.year),
        "date": case.target.end.isoformat(),
        "months": str(case.months_of_sum),
        "span": case.target.span.zh,
        "span_en": case.target.span.en,
        "pace": "—" if pace is None else _pace_shown(pace.ratio, rules),
        "green": display_bound(rules.green_pace),
        "yellow": display_bound(rules.yellow_pace),
        "question": case.pace_question or "—",
        "baseline": "—" if baseline is None or baseline.value is None else f"{baseline.value:f}",
        "baseline_year": "—" if baseline is None else str(baseline.year),
    }


def _pace_shown(ratio: Figure, rules: Lights) -> str:
    """Round the pace to two places, or more if two places would move it across a threshold."""
    bounds = (rules.green_pace, rules.yellow_pace)
    number = beside(ratio, [Figure(bound) for bound in bounds])
    return display(number, least=bounds, step=2)
