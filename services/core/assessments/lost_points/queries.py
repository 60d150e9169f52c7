"""Queries of lost points by item: the source of a list of findings, in SQL.

A finding of a monthly sheet belongs to the month that was assessed. Any other finding belongs to
the month in which it was published or, while it is unpublished, confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ColumnElement, Numeric, case, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments.models import Assessment
from services.core.assessments.queries import ASSESSMENTS
from services.core.identity.actor import Actor
from services.core.plan.visibility import scope

_A_MONTH = "^[0-9]{4}-[0-9]{2}$"
_TOLD = (
    *("id", "sheet_code", "subject_kind", "subject_key", "subject_name", "organization_code"),
    *("period", "state"),
)
_FROM_RESULT = ("code", "name", "section", "full", "points", "reason", "reason_en")


@dataclass(frozen=True, slots=True)
class LostFilters:
    """The filters of a list; None does not filter. `month` has the form `2025-09`."""

    sheet_code: str | None = None
    organization_code: str | None = None
    item_code: str | None = None
    month: str | None = None
    period: str | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}


async def lost_points(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    time_zone: str,
    filters: LostFilters,
    after: tuple[UUID, int] | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """Return up to `limit` items in which visible assessments lost points, newest first.

    Only confirmed or published assessments count; bonuses and items that do not apply lose nothing.
    `after` is the id of an assessment and the number of an item in it, from 1. Each row also has
    `month`, `at` (that number), `lost` and `note`, as it was written.
    """
    results = (
        func.jsonb_array_elements(Assessment.results)
        .table_valued(
            Column("value", JSONB), with_ordinality="at", joins_implicitly=True, name="result"
        )
        .render_derived()
    )
    result, at = results.c.value, results.c.at.cast(BigInteger)
    full, points = (result[one].astext.cast(Numeric) for one in ("full", "points"))
    month = _month(time_zone)
    wanted = select(
        *(getattr(Assessment, name) for name in _TOLD),
        *(result[name].astext.label(f"item_{name}") for name in _FROM_RESULT),
        Assessment.findings[result["code"].astext]["note"].astext.label("note"),
        (full - points).label("lost"),
        month.label("month"),
        at.label("at"),
    ).where(
        scope(actor, ASSESSMENTS).clause,
        Assessment.plan_code == plan_code,
        Assessment.state.in_(["confirmed", "published"]),
        result["state"].astext == "scored",
        result["bonus"].astext == "false",
        points < full,
    )
    columns: Mapping[str, ColumnElement[Any]] = {
        "sheet_code": Assessment.sheet_code.expression,
        "organization_code": Assessment.organization_code.expression,
        "item_code": result["code"].astext,
        "month": month,
        "period": Assessment.period.expression,
    }
    wanted = wanted.where(*(columns[name] == said for name, said in filters.named().items()))
    if after is not None:
        last, number = after
        wanted = wanted.where((Assessment.id < last) | ((Assessment.id == last) & (at > number)))
    found = await session.execute(wanted.order_by(Assessment.id.desc(), at).limit(limit))
    return [dict(row) for row in found.mappings()]


def _month(time_zone: str) -> ColumnElement[str]:
    confirmed = func.timezone(time_zone, Assessment.updated_at)
    return case(
        (Assessment.period.regexp_match(_A_MONTH), Assessment.period),
        (Assessment.published_on.is_not(None), func.to_char(Assessment.published_on, "YYYY-MM")),
        else_=func.to_char(confirmed, "YYYY-MM"),
    )
