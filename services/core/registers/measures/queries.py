"""Queries of register figures: computed from the current rows, and as recorded."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.periods import Period
from services.core.plan.register_entries import Register, RegisterMeasure
from services.core.plan.state import PlanState
from services.core.registers.measures import statements
from services.core.registers.measures.rules import Measured
from services.core.registers.measures.surveys import SurveyGroup

MOST_ROWS_TOLD = 1000
"""The most source rows of a figure that are stored individually; the digest covers all."""

FigureRow = Mapping[str, Any]
"""The columns of `register_figure` by name."""

MeasuredPlace = tuple[str, str | None]
"""A period, and a unit; None: the city."""


@dataclass(frozen=True, slots=True)
class RestedOn:
    """The digest of the source rows of a figure, and the first of them, each by id and version."""

    digest: str
    rows: Sequence[Any]


NO_ROWS = RestedOn(hashlib.sha256(b"").hexdigest(), ())
"""The source of a figure without rows."""


async def measured(
    session: AsyncSession,
    plan: PlanState,
    register: Register,
    measure: RegisterMeasure,
    periods: Sequence[Period],
) -> list[Measured]:
    """Return the results of a measure for some periods from the current rows, in one statement."""
    if not periods:
        return []
    sql, given = statements.measured(register, measure)
    found = await session.execute(text(sql).columns(groups=JSONB), {**given, **_of(plan, periods)})
    return [
        Measured(
            row["period"],
            row["unit"],
            row["numerator"],
            row["denominator"],
            row["row_count"],
            tuple(_group(*one) for one in row.get("groups", [])),
        )
        for row in found.mappings()
    ]


def _group(
    name: str,
    answers: str,
    positive: str,
    frame: str | None,
    framed: int,
    rows: int,
    sizes: int,
    wrong: int,
) -> SurveyGroup:
    """Return the answers of a group; a frame that only some of its rows state is ignored."""
    whole = None if frame is None or framed < rows else Decimal(frame)
    return SurveyGroup(name, Decimal(answers), Decimal(positive), whole, sizes, wrong)


async def rested_on(
    session: AsyncSession,
    plan: PlanState,
    register: Register,
    measure: RegisterMeasure,
    periods: Sequence[Period],
    *,
    most: int = 0,
) -> Mapping[MeasuredPlace, RestedOn]:
    """Return the source rows of figures of some periods, with up to `most` rows of each.

    By period and unit, as in `Measured`; a figure without source rows is absent.
    """
    if not periods:
        return {}
    sql, given = statements.rested_on(register, measure)
    asked = {**given, **_of(plan, periods), "most": most}
    return {
        (row.period, row.unit): RestedOn(row.digest, [_line(one) for one in row.lines])
        for row in await session.execute(text(sql), asked)
    }


def _line(written: str) -> list[Any]:
    row_id, _, version = written.partition(":")
    return [row_id, int(version)]


async def counted_by(
    session: AsyncSession,
    plan: PlanState,
    register: Register,
    measure: RegisterMeasure,
    column: str,
    periods: Sequence[Period],
) -> Mapping[str, Mapping[tuple[str, str | None], int]]:
    """Return how many rows a measure has by the value in a column, and by unit.

    The outer key is the code of the period; values without rows are absent. Unit None: all units
    together.
    """
    sql, given = statements.counted_by(register, measure, column)
    found = await session.execute(text(sql), {**given, **_of(plan, periods)})
    counted: dict[str, dict[tuple[str, str | None], int]] = {}
    for row in found.mappings():
        by_choice = counted.setdefault(row["period"], {})
        by_choice[row["choice"], row["unit"]] = int(row["number"])
    return counted


def _of(plan: PlanState, periods: Sequence[Period]) -> dict[str, Any]:
    return {
        "city": plan.city_code,
        "plan": plan.code,
        "periods": [one.code for one in periods],
        "firsts": [one.first_day for one in periods],
        "lasts": [one.last_day for one in periods],
    }


async def latest(
    session: AsyncSession,
    plan: PlanState,
    register: Register,
    measure: RegisterMeasure,
    periods: Sequence[str] | None = None,
) -> list[FigureRow]:
    """Return the latest figures of a measure, by unit and period; None: of all periods."""
    found = await session.execute(
        statements.LATEST,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "register": register.code,
            "measure": measure.code,
            "periods": None if periods is None else list(periods),
        },
    )
    return [dict(row) for row in found.mappings()]


async def places(
    session: AsyncSession, plan: PlanState, indicator: str, wanted: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Return the submissions in some slots of an indicator, by unit and period, locked."""
    if not wanted:
        return {}
    found = await session.execute(
        statements.PLACES,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "indicator": indicator,
            "units": [unit for unit, _ in wanted],
            "periods": [period for _, period in wanted],
        },
    )
    return {(row["organization_code"], row["period"]): dict(row) for row in found.mappings()}


async def holders(
    session: AsyncSession, plan: PlanState, measure: RegisterMeasure, periods: Sequence[Period]
) -> Mapping[str, str]:
    """Return by period the former owner whose value is the city's; absent: there is none.

    Its value is superseded by one of the unit that reports the indicator now.
    """
    indicator = measure.indicator or ""
    former = plan.past_owners.get(indicator, {})
    if measure.per == "unit" or indicator not in plan.sole_reporters or not former:
        return {}
    sole = plan.sole_reporters[indicator]
    now = set() if sole is None else {sole.code}
    found = await session.execute(
        statements.COUNTING,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "indicator": indicator,
            "units": [*now, *former],
            "periods": [one.code for one in periods],
        },
    )
    held: dict[str, set[str]] = {}
    for unit, period in found:
        held.setdefault(period, set()).add(unit)
    return {
        period: max(units, key=lambda unit: (former[unit], unit))
        for period, units in held.items()
        if not now & units
    }
