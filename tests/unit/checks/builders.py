"""A plan of amounts with checks, submissions of it as rows, and figures that stand beside them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.core.checks.figures import Figures, ReportedFigure
from services.core.checks.findings import CheckFinding
from services.core.checks.judging import findings_of
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from tests.unit.scoring.builders import a_state, an_indicator

AMOUNTS = ("W1", "W2", "W3", "W4")
"""Amounts in tons: nothing is said of what they may be."""


def a_plan(**changes: Any) -> PlanState:
    """Return a plan of four amounts, and of S1, a share in percent; `S1` changes that."""
    share = {"multiplier": 100, **changes.pop("S1", {})}
    entries = [an_indicator(code, unit="吨", **changes.pop(code, {})) for code in AMOUNTS]
    return a_state(*entries, an_indicator("S1", **share), **changes)


def a_rule(left: Any, operator: str, right: Any, **changes: Any) -> dict[str, Any]:
    """Return a rule of the plan format; a side is a list of terms, or the code of one figure."""
    return {
        "code": "K1",
        "name": "审核关系",
        "left": _side(left),
        "operator": operator,
        "right": _side(right),
        **changes,
    }


def _side(side: Any) -> list[dict[str, Any]]:
    return [{"indicator": side}] if isinstance(side, str) else side


def a_row(code: str = "W1", value: object = None, **changes: Any) -> dict[str, Any]:
    """Return a submission of UN01 for January 2025 as far as checks read it."""
    return {
        "id": UUID(int=1),
        "version": 1,
        "state": "submitted",
        "indicator_code": code,
        "organization_code": "UN01",
        "period": "2025-01",
        "value": None if value is None else Decimal(str(value)),
        "numerator": None,
        "denominator": None,
        "level": None,
        "not_applicable_reason": None,
        "note": None,
        "justification": None,
        **changes,
    }


def figures(**values: object) -> Figures:
    """Return approved figures of UN01: `W1="3"` of January 2025, `W1_2024_12="3"` of another."""
    found = {}
    for number, (name, value) in enumerate(values.items(), 10):
        code, _, period = name.partition("_")
        place = Slot(code, "UN01", period.replace("_", "-") or "2025-01")
        found[place] = ReportedFigure(UUID(int=number), 1, True, Decimal(str(value)))
    return Figures(found)


def found(
    row: Mapping[str, Any], plan: PlanState, beside: Figures | None = None
) -> list[CheckFinding]:
    """Return what the checks of a plan find in a row."""
    return findings_of(row, plan, beside or Figures())
