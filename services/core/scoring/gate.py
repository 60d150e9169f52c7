"""The grade of a score, and the caps and vetoes on it. All bands are data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import display_bound
from services.core.plan.document import Gate, Grade
from services.core.scoring.rollup import Total

_NAMED_CODES = 10


@dataclass(frozen=True, slots=True)
class Grading:
    """The grade, None: none is given; the grade by score alone; and the reasons.

    `reasons` are the (code, details) of everything that withheld or lowered the grade.
    """

    grade: Grade | None
    by_score: Grade | None
    reasons: tuple[tuple[str, Mapping[str, str]], ...]


def grade(
    total: Total, gate: Gate, mandatory_not_met: Sequence[str], falsified: Sequence[str]
) -> Grading:
    """Return the grade of a score; the given indicators are those that cap or veto it.

    No grade is given below the minimum coverage. Otherwise a cap may lower it, and a veto overrides
    both.
    """
    by_score = grade_by_score(total.score, gate)
    given = by_score
    reasons: list[tuple[str, Mapping[str, str]]] = []
    if total.score is None:
        reasons.append(("nothing_assessed", {}))
    elif total.coverage is None or total.coverage < gate.minimum_coverage:
        given = None
        reasons.append(
            (
                "coverage_too_low",
                {"minimum": display_bound(gate.minimum_coverage)},
            )
        )
    cap = _named(gate, gate.mandatory_not_met_cap)
    if mandatory_not_met and cap is not None:
        given = _worse(gate, given, cap)
        reasons.append(
            ("mandatory_not_met", {"codes": listed_codes(mandatory_not_met), "grade": cap.name})
        )
    veto = _named(gate, gate.falsified_grade)
    if falsified and veto is not None:
        given = veto
        reasons.append(("data_falsified", {"codes": listed_codes(falsified), "grade": veto.name}))
    return Grading(given, by_score, tuple(reasons))


def grade_by_score(score: Decimal | None, gate: Gate) -> Grade | None:
    """Return the grade that a score reaches by itself, without caps and vetoes; None: no score."""
    if score is None:
        return None
    return next((band for band in gate.grades if score >= band.minimum), None)


def _named(gate: Gate, code: str | None) -> Grade | None:
    return next((band for band in gate.grades if band.code == code), None)


def _worse(gate: Gate, given: Grade | None, cap: Grade) -> Grade | None:
    """Return the worse of two grades; the gate lists grades best first."""
    if given is None:
        return None
    return max(given, cap, key=gate.grades.index)


def listed_codes(codes: Sequence[str]) -> str:
    """Join codes for a reason: the first few, and an ellipsis if there are more."""
    shown = "、".join(codes[:_NAMED_CODES])
    return shown if len(codes) <= _NAMED_CODES else f"{shown} …"
