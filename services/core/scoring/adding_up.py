"""Totals of a scoreboard, computed from its rows: groups, score, grade, deductions and bonuses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import display, plain, plain_or_none
from services.core.kit.text import Text
from services.core.plan.document import Gate, PlanDocument
from services.core.plan.state import PlanState
from services.core.scoring.adjustments import Adjustments, adjust
from services.core.scoring.gate import Grading, grade
from services.core.scoring.reasons import words
from services.core.scoring.rollup import GroupScore, Part, Total, roll_up
from services.core.scoring.traces import number_of

BoardRow = dict[str, Any]
Board = dict[str, Any]


def total_of(document: PlanDocument, rows: Sequence[BoardRow]) -> Total:
    """Compute the total of some rows by the groups and the scheme of a document."""
    return roll_up(
        {group.code: group.weight for group in document.groups},
        [
            Part(
                row["group"],
                row["state"],
                Decimal(row["weight"]),
                number_of(row["attainment"]),
            )
            for row in rows
        ],
        document.scheme.not_applicable,
    )


def add_up(state: PlanState, rows: Sequence[BoardRow]) -> Board:
    """Build the board of these rows: all its totals are computed from the rows alone."""
    document = state.document
    total = total_of(document, rows)
    rows = [
        {**row, "effective_weight": plain_or_none(weight)}
        for row, weight in zip(rows, total.weights, strict=True)
    ]
    adjusted = adjust(
        total.score,
        document.scheme.adjustments,
        document.scheme.bonus_cap,
        {row["code"]: number_of(row["value"]) for row in rows},
    )
    not_met = [row["code"] for row in rows if _caps(row)]
    falsified = [row["code"] for row in rows if row["falsified"]]
    graded = adjusted.score if document.scheme.grade_by == "adjusted_score" else total.score
    grading = grade(replace(total, score=graded), document.scheme.gate, not_met, falsified)
    names = {group.code: group.name for group in document.groups}
    places = document.scheme.display_places
    return {
        "overall": {
            "score": plain_or_none(total.score),
            "display": _shown(total.score, places, document.scheme.gate),
            "grade": grading.grade.code if grading.grade else None,
            "grade_name": grading.grade.name if grading.grade else None,
            "coverage": plain_or_none(total.coverage),
            "weight": plain(total.weight),
            **_adjusted(adjusted, places, document.scheme.gate),
            "gate": _gate(state, grading, not_met, falsified),
        },
        "groups": [_group(group, names[group.code], places) for group in total.groups],
        "indicators": list(rows),
    }


def _adjusted(found: Adjustments, places: int, gate: Gate) -> dict[str, Any]:
    """Return the deductions and bonuses as JSON; empty if the plan has no such rules."""
    after = found.score if found.items else None
    return {
        "adjusted_score": plain_or_none(after),
        "adjusted_display": _shown(after, places, gate),
        "deducted": plain(found.deducted),
        "added": plain(found.added),
        "adjustments": [
            {
                "code": each.rule.code,
                "name": each.rule.name,
                "kind": each.rule.kind,
                "indicator": each.rule.indicator,
                "occurrences": plain_or_none(each.occurrences),
                "points": plain(each.points),
                "cap": plain(each.rule.cap),
            }
            for each in found.items
        ],
    }


def is_reached(row: Mapping[str, Any]) -> bool:
    """Return whether an indicator met its target, on data that nobody found falsified."""
    return row["met"] is True and not row["falsified"]


def _caps(row: BoardRow) -> bool:
    """Return whether a mandatory indicator failed its target after the target's date."""
    failed = row["state"] == "missing" or (row["state"] == "scored" and row["met"] is False)
    return bool(failed and row["selection"] == "mandatory" and row["target_date_passed"])


def _shown(number: Decimal | None, places: int, gate: Gate | None = None) -> str | None:
    """Round a score for display, but never into a band that it does not reach."""
    bands = [band.minimum for band in gate.grades] if gate else []
    return None if number is None else display(number, places, least=bands)


def _sentence(text: Text | None) -> dict[str, str | None]:
    return {"reason": text.zh if text else None, "reason_en": text.en if text else None}


def _group(group: GroupScore, name: str, places: int) -> dict[str, Any]:
    return {
        "code": group.code,
        "name": name,
        "score": plain_or_none(group.score),
        "display": _shown(group.score, places),
        "weight": plain(group.weight),
        "effective_weight": plain(group.effective_weight),
        "coverage": plain_or_none(group.coverage),
        "reason_code": group.reason,
        **_sentence(words(group.reason, {}) if group.reason else None),
    }


def _gate(
    state: PlanState, grading: Grading, not_met: Sequence[str], falsified: Sequence[str]
) -> dict[str, Any]:
    gate = state.document.scheme.gate
    return {
        "grade_by_score": grading.by_score.code if grading.by_score else None,
        "minimum_coverage": plain(gate.minimum_coverage),
        "bands": [
            {"code": band.code, "name": band.name, "minimum": plain(band.minimum)}
            for band in gate.grades
        ],
        "mandatory_not_met": list(not_met),
        "mandatory_not_met_cap": gate.mandatory_not_met_cap,
        "falsified": list(falsified),
        "falsified_grade": gate.falsified_grade,
        "reasons": [
            {"reason_code": code, **_sentence(words(code, details))}
            for code, details in grading.reasons
        ],
    }
