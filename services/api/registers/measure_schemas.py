"""Pydantic schemas of figures computed from the rows of registers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.exports.digits import Digits
from services.api.paging import LIMITED_TO_SCOPE
from services.core.kit.decimals import plain_or_none
from services.core.plan.count_entries import Confidence
from services.core.plan.register_entries import MeasureKind, Register, RegisterMeasure
from services.core.plan.state import PlanState
from services.core.registers.measures.queries import MOST_ROWS_TOLD, FigureRow
from services.core.registers.measures.rules import Measured, shown_value
from services.core.registers.measures.surveys import SurveyRefusal, survey_share
from services.core.registers.quotas import QuotaLine


class CountedRowOut(BaseModel):
    """A row that a figure was reckoned from, and its version then."""

    id: UUID = Field(description="Id of the row")
    version: int = Field(description="Its version as it was counted")


class ProposedFigureOut(BaseModel):
    """A figure as it was proposed last, and what it was reckoned from."""

    version: int = Field(description="Counts the figures found for this unit and period")
    value: Digits | None = Field(description="Exact; null: not applicable (0 ÷ 0)")
    row_count: int = Field(description="How many rows were counted or added up")
    rows: list[CountedRowOut] = Field(
        description=f"Those rows by id, the first {MOST_ROWS_TOLD:,} of them"
    )
    digest: str = Field(
        description="SHA-256 of all of them: `id:version`, a line each, in the order of ids"
    )
    position: int = Field(description="Position of the city's log up to which rows were followed")
    submission_id: UUID | None = Field(
        description="The submission of its place as it was found; null: there was none"
    )
    found_at: datetime = Field(description="When it was found")


class SurveyFigureOut(BaseModel):
    """What a survey's share rests on: its answers and its interval. Of people it has counts alone.

    The interval is Wilson's. A weighted share is of the frame: its interval is that of the
    effective number of answers.
    """

    answers: Digits = Field(description="How many valid answers there are")
    least: int = Field(description="How many the plan asks for; with fewer there is no share")
    weighted: bool = Field(description="Whether groups weigh by the size of their frame")
    confidence: Confidence = Field(description="The confidence of the interval, in per cent")
    lower: Digits | None = Field(
        description="Its lower bound, from 0 to 1, rounded down at 20 places; null: no share"
    )
    upper: Digits | None = Field(
        description="Its upper bound, from 0 to 1, rounded up at 20 places; null: no share"
    )
    effective: Digits | None = Field(
        description="For how many answers of a simple sample they count; null: no share"
    )
    refused: SurveyRefusal | None = Field(
        description="Why there is no share: a row that contradicts itself, too few answers, of one"
        " group too few, a group without a frame, or one with two; null: there is one"
    )


class MeasuredFigureOut(BaseModel):
    """What a measure gives for a period as the rows stand."""

    measure_code: str = Field(description="Code of the measure")
    measure_name: str = Field(description="Its name")
    kind: MeasureKind = Field(description="How it is reckoned")
    indicator_code: str | None = Field(description="The indicator whose value is proposed")
    organization_code: str | None = Field(description="The unit that it is of; null: of the city")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    value: Digits | None = Field(description="Exact; null: no row gives one")
    numerator: Digits | None = Field(description="Above the line; null: it is no share")
    denominator: Digits | None = Field(description="Below the line; null: it is no share")
    row_count: int = Field(description="How many rows are counted or added up")
    wanted: int | None = Field(
        description="How many the register's quota wants of the city; null: none is assigned"
    )
    survey: SurveyFigureOut | None = Field(
        description="What it rests on, of a survey; null: it is none"
    )
    proposed: ProposedFigureOut | None = Field(
        description="As it was proposed last; null: it was not"
    )


class MeasuredFigureListOut(BaseModel):
    """The figures of a register's measures for a period, in the plan's order."""

    items: list[MeasuredFigureOut] = Field(description="All that the caller may see")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


def figure_fields(
    measured: Measured,
    measure: RegisterMeasure,
    plan: PlanState,
    proposed: Mapping[str | None, FigureRow],
    wanted: int | None,
) -> dict[str, Any]:
    """Return a figure as `MeasuredFigureOut` has it; `proposed` are the latest proposals by unit.

    `wanted` is the number of the city's quota, if the measure counts towards one.
    """
    form = measured.form(measure)
    last = _last(proposed, measured.organization_code)
    return {
        "measure_code": measure.code,
        "measure_name": measure.name,
        "kind": measure.kind,
        "indicator_code": measure.indicator,
        "organization_code": measured.organization_code,
        "period": measured.period,
        "value": plain_or_none(shown_value(form, plan, measure.indicator)),
        "numerator": None if form is None else plain_or_none(form.numerator),
        "denominator": None if form is None else plain_or_none(form.denominator),
        "row_count": measured.row_count,
        "wanted": None if measured.organization_code is not None else wanted,
        "survey": _survey(measured, measure),
        "proposed": None if last is None else _proposed(last),
    }


def _last(proposed: Mapping[str | None, FigureRow], unit: str | None) -> FigureRow | None:
    """Return the latest proposal: of a unit, or of the city by whichever unit reports it."""
    if unit is not None:
        return proposed.get(unit)

    def how_late(row: FigureRow) -> tuple[int, bool]:
        return row["position"], row["value"] is not None or row["numerator"] is not None

    return max(proposed.values(), key=how_late, default=None)


def _survey(measured: Measured, measure: RegisterMeasure) -> dict[str, Any] | None:
    rule = measure.survey
    if rule is None:
        return None
    found = survey_share(measured.groups, rule)
    bounds = found.interval
    return {
        "answers": plain_or_none(found.answers),
        "least": rule.least,
        "weighted": found.weighted,
        "confidence": rule.confidence,
        "lower": None if bounds is None else plain_or_none(bounds.lower),
        "upper": None if bounds is None else plain_or_none(bounds.upper),
        "effective": plain_or_none(found.effective),
        "refused": found.refused,
    }


def _proposed(row: FigureRow) -> dict[str, Any]:
    same = "version row_count digest position submission_id found_at"
    return {
        **{name: row[name] for name in same.split()},
        "value": plain_or_none(row["value"]),
        "rows": [{"id": row_id, "version": version} for row_id, version in row["rows"]],
    }


class QuotaLineOut(BaseModel):
    """How many rows of a category count, of how many that are wanted."""

    choice: str = Field(description="Code of the category")
    choice_name: str = Field(description="Its name")
    organization_code: str | None = Field(description="The unit that keeps them; null: the city")
    organization_name: str | None = Field(description="Its name; null: the city")
    named: int = Field(description="How many count at the end of the year, as the rows stand")
    wanted: int | None = Field(description="How many are wanted; null: no number was assigned")
    over: int = Field(description="How many there are beyond that; 0: none")


class QuotaListOut(BaseModel):
    """A register's quota of a year, by category: the city's first, then by unit."""

    year: int = Field(description="The year of the plan, by the end of which it is asked for")
    measure_code: str | None = Field(
        description="The measure that says which rows count; null: the register has no quota"
    )
    refuses: bool = Field(description="Whether a row beyond the quota is not confirmed")
    items: list[QuotaLineOut] = Field(description="All that the caller may see")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


def quota_fields(line: QuotaLine, register: Register, plan: PlanState) -> dict[str, Any]:
    """Return a line as `QuotaLineOut` has it."""
    column = register.column(register.quota.by) if register.quota is not None else None
    names = {} if column is None else {one.code: one.name for one in column.choices}
    unit = line.organization_code
    return {
        "choice": line.choice,
        "choice_name": names.get(line.choice, line.choice),
        "organization_code": unit,
        "organization_name": None if unit is None else plan.organization_name(unit),
        "named": line.named,
        "wanted": line.wanted,
        "over": line.over,
    }
