"""The rows of forms, prefilled from the plan, the last values and the promised dates. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.core.imports.as_made import mark_of
from services.core.imports.sheet_forms import (
    AS_MADE,
    DATA_STATUSES,
    INDICATORS,
    MILESTONE_STATES,
    TASKS,
    TIME_SEMANTICS,
    Filled,
    ReportForm,
)
from services.core.imports.suggestions import ReportedValues, said_in
from services.core.milestones.models import Milestone
from services.core.milestones.reports.service import REPORTED
from services.core.plan.document import Indicator
from services.core.plan.leads import each_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.scoring.targets import target_for
from services.core.submissions.models import Submission


@dataclass(frozen=True, slots=True)
class FilledRow:
    """A row of a form by the keys of its columns; `choices` are the permitted values of some.

    A `locked` row is shown, and cannot be filled in.
    """

    cells: Mapping[str, Filled]
    choices: Mapping[str, tuple[str, ...]]
    locked: bool = False


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form for one unit and, if it has one, one period."""

    form: ReportForm
    unit: str
    period: str
    rows: tuple[FilledRow, ...]


def indicator_form(
    plan: PlanState,
    period: Period,
    unit: str,
    asked: Iterable[str],
    reported: ReportedValues,
) -> FilledForm:
    """Return form 01 of a unit: the values it is asked for, its earlier ones, and its present ones.

    Earlier values are the suggestions that the same request as JSON gives (`suggestions`).
    """
    wanted = set(asked) | {
        code for of, code, when in reported if of == unit and when == period.code
    }
    rows: list[FilledRow] = []
    for code, indicator in plan.indicators.items():
        if code in wanted:
            now = reported.get((unit, code, period.code))
            before = said_in(period.previous().code, unit, code, reported)
            said = {} if now is None else cells_of_submission(vars(now), indicator)
            cells: dict[str, Filled] = {
                "number": Decimal(len(rows) + 1),
                **_of_indicator(plan, indicator, period),
                "last_value": _shown(before, indicator),
                **said,
                AS_MADE: mark_of(said, [code]),
            }
            choices = {"data_status": tuple(DATA_STATUSES.values())}
            if indicator.levels:
                choices["level"] = tuple(level.name for level in indicator.levels)
            rows.append(FilledRow(cells, choices))
    return FilledForm(INDICATORS, unit, period.code, tuple(rows))


def _of_indicator(plan: PlanState, indicator: Indicator, period: Period) -> dict[str, Filled]:
    formula, baseline = indicator.formula, indicator.baseline
    return {
        "indicator_code": indicator.code,
        "indicator_name": indicator.printed_name,
        "unit_of_measure": indicator.unit,
        "definition": formula.expression if formula is not None else None,
        "baseline": None if baseline is None else f"{baseline.text}（{baseline.year}）",
        "target": _target(plan, indicator, period),
        "time_semantics": TIME_SEMANTICS.get(indicator.time_semantics or ""),
    }


def _target(plan: PlanState, indicator: Indicator, period: Period) -> str:
    """Return the target of the period as the form prints it: as published, or as assigned."""
    return target_for(indicator, period, plan.assigned).name


def _shown(row: Submission | None, indicator: Indicator) -> Filled:
    if row is None:
        return None
    if row.level is not None:
        return _level_name(indicator, row.level)
    return "不适用" if row.not_applicable_reason is not None else row.value


def cells_of_submission(row: Mapping[str, Any], indicator: Indicator) -> dict[str, Filled]:
    """Return the cells to fill in; for a ratio its parts, not its value.

    `row` has the columns of a submission.
    """
    computed, level = row["numerator"] is not None, row["level"]
    return {
        "numerator": row["numerator"],
        "denominator": row["denominator"],
        "value": None if computed else row["value"],
        "level": None if level is None else _level_name(indicator, level),
        "not_applicable_reason": None if computed else row["not_applicable_reason"],
        "source": row["source"],
        "data_status": DATA_STATUSES.get(row["data_status"]),
        "change_reason": row["justification"],
        "note": row["note"],
    }


def _level_name(indicator: Indicator, code: str) -> str:
    return next((level.name for level in indicator.levels if level.code == code), code)


def task_form(plan: PlanState, unit: str, milestones: Iterable[Milestone]) -> FilledForm:
    """Return form 02 of a unit: its milestones, and the progress that it reported."""
    rows = []
    for one in milestones:
        measure = plan.measures.get(one.measure_code)
        leads = each_of(measure.lead_units, plan.organizations) if measure else ()
        shares = each_of(measure.responsible_units, plan.organizations) if measure else ()
        said = cells_of_report({name: getattr(one, name) for name in REPORTED})
        cells: dict[str, Filled] = {
            "task": one.measure_code,
            "measure": measure.text if measure else None,
            "leading_units": "、".join(map(plan.organization_name, leads)),
            "responsible_units": "、".join(map(plan.organization_name, shares)),
            "milestone_id": str(one.id),
            "title": one.title,
            "due_date": one.due_date.isoformat(),
            "state": MILESTONE_STATES.get(one.state, one.state),
            **said,
            AS_MADE: mark_of(said, [str(one.id)]),
        }
        rows.append(FilledRow(cells, {}))
    return FilledForm(TASKS, unit, "", tuple(rows))


def cells_of_report(said: Mapping[str, Any]) -> dict[str, Filled]:
    """Return the cells to fill in of a milestone, from its report."""
    expected = said["expected_date"]
    return {**said, "expected_date": None if expected is None else expected.isoformat()}
