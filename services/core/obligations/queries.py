"""Reads obligations and their outcomes. A caller's query is limited to what it may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.models import Organization
from services.core.kit.statements import SqlCondition
from services.core.obligations.models import Obligation, ObligationHistory
from services.core.obligations.rules import ExtensionFacts, ObligationStatus
from services.core.obligations.statements import (
    ALL_COLUMNS,
    ANSWERED,
    ANSWERED_BY_OWNERS,
    ASKED,
    BURDEN,
    COUNTED,
    LATER_DUE,
    LOADED_AT,
    MOOT,
    NARROWED,
    SAME_PLACE,
    STANDING,
)
from services.core.plan.leads import owner_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.visibility import Owned, scope

Grouping = Literal["organization", "indicator", "period"]


OBLIGATIONS = Owned(
    city="o.city_code",
    plan="o.plan_code",
    unit="o.organization_code",
    indicator="o.indicator_code",
)
"""The columns that decide who sees an obligation, in a statement on `obligation AS o`."""

_SUMS = replace(OBLIGATIONS, approved="TRUE")
"""As `OBLIGATIONS`, but a caller who sees approvals only may read the sums of the whole plan."""


@dataclass(frozen=True, slots=True)
class ObligationFilters:
    """The filters of a list; None does not filter."""

    period: str | None = None
    organization_code: str | None = None
    indicator_code: str | None = None
    status: ObligationStatus | None = None
    due_before: date | None = None

    def named(self) -> dict[str, object]:
        """Return the filters that are set, by name."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}

    def condition(self) -> SqlCondition:
        """Return the SQL condition; waived obligations are left out unless asked for."""
        parts = [] if self.status == "waived" else ["o.state = 'owed'"]
        parts += [NARROWED[self.status]] if self.status is not None else []
        wanted = {name: value for name, value in self.named().items() if name in _NARROWING}
        return SqlCondition(" AND ".join([*parts, *(_NARROWING[name] for name in wanted)]), wanted)


_NARROWING: Mapping[str, str] = {
    "period": "o.period = :period",
    "organization_code": "o.organization_code = :organization_code",
    "indicator_code": "o.indicator_code = :indicator_code",
    "due_before": "o.due_date < :due_before",
}


@dataclass(frozen=True, slots=True)
class ObligationView:
    """An obligation and its outcome; `reported_at` is when it was first submitted."""

    id: UUID
    indicator_code: str
    organization_code: str
    period: str
    state: str
    due_date: date
    original_due_date: date
    epoch: int
    extensions: int
    version: int
    period_state: str
    submission_id: UUID | None
    submission_state: str | None
    reported_at: datetime | None
    status: ObligationStatus

    @property
    def facts(self) -> ExtensionFacts:
        """The facts that decide whether it may be extended."""
        return ExtensionFacts(
            self.state, self.period_state, self.reported_at is not None, self.extensions
        )


_NAMES = tuple(ObligationView.__dataclass_fields__)


def _standing(row: RowMapping) -> ObligationView:
    return ObligationView(**{name: row[name] for name in _NAMES})


def _at(plan: PlanState, today: date) -> dict[str, object]:
    """Return the parameters for a plan and its local date."""
    return {
        "city": plan.city_code,
        "plan": plan.code,
        "zone": plan.document.time_zone,
        "today": today,
    }


async def page(
    session: AsyncSession,
    actor: Actor,
    plan: PlanState,
    *,
    today: date,
    filters: ObligationFilters,
    after: tuple[date, UUID] | None,
    limit: int,
) -> list[ObligationView]:
    """Return up to `limit` visible obligations of a plan, soonest due first, after a place."""
    seen, narrowed = scope(actor, OBLIGATIONS), filters.condition()
    sql = f"{STANDING} AND {seen.sql} AND {narrowed.sql}"
    names: dict[str, object] = {**seen.parameters, **narrowed.parameters, "most": limit}
    if after is not None:
        sql += " AND (o.due_date, o.id) > (:after_date, :after_id)"
        names |= {"after_date": after[0], "after_id": after[1]}
    rows = await session.execute(
        text(f"{sql} ORDER BY o.due_date, o.id LIMIT :most"), {**_at(plan, today), **names}
    )
    return [_standing(row) for row in rows.mappings()]


async def one(
    session: AsyncSession, plan: PlanState, obligation_id: UUID, *, today: date
) -> ObligationView | None:
    """Return an obligation of a plan with its outcome, for any caller."""
    rows = await session.execute(
        text(f"{STANDING} AND o.id = :id"), {**_at(plan, today), "id": obligation_id}
    )
    row = rows.mappings().one_or_none()
    return None if row is None else _standing(row)


async def obligation_for_update(
    session: AsyncSession, city_code: str, obligation_id: UUID
) -> Obligation | None:
    """Return an obligation, for any caller, locked until the transaction ends."""
    return await session.scalar(
        select(Obligation)
        .where(Obligation.city_code == city_code, Obligation.id == obligation_id)
        .with_for_update()
    )


async def visible(
    session: AsyncSession, actor: Actor, obligation_id: UUID, *, for_update: bool = False
) -> Obligation | None:
    """Return one visible obligation; for an update it is locked until the transaction ends."""
    seen = scope(actor, OBLIGATIONS)
    wanted = (
        select(Obligation)
        .from_statement(
            text(
                f"SELECT {ALL_COLUMNS} FROM obligation AS o WHERE o.id = :id AND {seen.sql}"  # noqa: S608
                + (" FOR UPDATE" if for_update else "")
            )
        )
        .execution_options(populate_existing=True)
    )
    found: Obligation | None = await session.scalar(
        wanted, {"id": obligation_id, **seen.parameters}
    )
    return found


_HANDED_IN = text(f"""
SELECT EXISTS (SELECT FROM obligation AS o JOIN submission AS s ON {SAME_PLACE}
    AND s.state <> 'draft' WHERE o.city_code = :city AND o.id = :id)
""")  # noqa: S608 (text of our own)


async def is_handed_in(session: AsyncSession, obligation: Obligation) -> bool:
    """Return whether the owed value is submitted."""
    found: bool = (
        await session.execute(_HANDED_IN, {"city": obligation.city_code, "id": obligation.id})
    ).scalar_one()
    return found


async def moot(session: AsyncSession, city_code: str, *, most: int) -> Sequence[Obligation]:
    """Return up to `most` obligations with a request for time that no longer applies, locked."""
    found = await session.scalars(
        select(Obligation).from_statement(MOOT).execution_options(populate_existing=True),
        {"city": city_code, "most": most},
    )
    return found.all()


async def history(
    session: AsyncSession, city_code: str, obligation_id: UUID, *, after: int, limit: int
) -> Sequence[ObligationHistory]:
    """Return the changes of an obligation that the caller may see, oldest first."""
    found = await session.scalars(
        select(ObligationHistory)
        .where(
            ObligationHistory.city_code == city_code,
            ObligationHistory.obligation_id == obligation_id,
            ObligationHistory.version > after,
        )
        .order_by(ObligationHistory.version)
        .limit(limit)
    )
    return found.all()


async def ended_units(session: AsyncSession, city_code: str, zone: str) -> dict[str, date]:
    """Return the dissolved units of a city, with the local date of the end."""
    ended_on = func.date(func.timezone(zone, Organization.ended_at)).label("ended_on")
    rows = await session.execute(
        select(Organization.code, ended_on).where(
            Organization.city_code == city_code, Organization.ended_at.is_not(None)
        )
    )
    return {row.code: row.ended_on for row in rows}


async def answered_by_former_owners(
    session: AsyncSession, plan: PlanState, periods: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Return former owners whose approved value is the city's, if today's owner reported none.

    By (indicator, period); only for indicators that changed hands and that one unit reports.
    """
    rows = await session.execute(
        ANSWERED_BY_OWNERS,
        {"city": plan.city_code, "plan": plan.code, "periods": list(periods)},
    )
    direct = {
        each.code: owner_of(each, plan.organizations)
        for each in plan.document.indicators
        if each.aggregation.units == "direct"
    }
    return {
        (code, period): units[0]
        for code, period, units in rows
        if code in direct and direct[code] not in units
    }


async def in_force_since(session: AsyncSession, plan: PlanState) -> datetime:
    """Return when the plan's version in force was loaded."""
    of_plan = {"city": plan.city_code, "plan": plan.code, "version": plan.version}
    found: datetime = (await session.execute(LOADED_AT, of_plan)).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Extended:
    """A value that is due later than its period, and its due date.

    It was extended, or it was asked for only after the period's date.
    """

    indicator_code: str
    organization_code: str
    period: str
    due_date: date


async def extended(session: AsyncSession, city_code: str, plan_code: str) -> list[Extended]:
    """Return the obligations that were extended, or, in open periods, are due after the period."""
    rows = await session.execute(LATER_DUE, {"city": city_code, "plan": plan_code})
    return [Extended(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ReportingCounts:
    """How many values were owed, submitted, submitted in time, and are missing."""

    code: str
    expected: int
    reported: int
    on_time: int
    missing: int


_COLUMNS: Mapping[Grouping, str] = {
    "organization": "o.organization_code",
    "indicator": "o.indicator_code",
    "period": "o.period",
}


async def counted(
    session: AsyncSession,
    actor: Actor,
    plan: PlanState,
    *,
    today: date,
    by: Grouping,
    period: str | None,
) -> list[ReportingCounts]:
    """Return counts of the owed and the reported values that a caller may see.

    A unit that was dissolved before the due date is left out. A unit that is no longer in the plan
    still owes its values for periods that were closed by then, as in the list of obligations.
    """
    seen = scope(actor, _SUMS)
    sql = f"{COUNTED.format(column=_COLUMNS[by])} AND {seen.sql}"
    names: dict[str, object] = dict(seen.parameters)
    if period is not None:
        sql += " AND o.period = :period"
        names["period"] = period
    rows = await session.execute(
        text(f"{sql} GROUP BY 1 ORDER BY 1"), {**_at(plan, today), **names}
    )
    return [ReportingCounts(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Burden:
    """What a unit is asked to report, and the effort.

    `asked` values; for `prefilled` of them the form can take over content; `filled` were submitted.
    `returned` counts returns; `median_notice_days` are the calendar days from the local day of the
    request to the first due date.
    """

    code: str
    asked: int
    prefilled: int
    filled: int
    returned: int
    median_notice_days: Decimal


async def burden(
    session: AsyncSession, actor: Actor, plan: PlanState, periods: Sequence[Period]
) -> list[Burden]:
    """Return the burden of each unit that the caller may see for some periods, by code.

    A unit that was dissolved before the due date, or that is no longer in the plan, is left out.
    """
    seen = scope(actor, _SUMS)
    given = {
        **seen.parameters,
        "city": plan.city_code,
        "plan": plan.code,
        "zone": plan.document.time_zone,
        "units": list(plan.organizations),
        "periods": [one.code for one in periods],
        "befores": [one.previous().code for one in periods],
        "years_ago": [one.same_last_year().code for one in periods],
    }
    rows = await session.execute(text(f"{BURDEN} AND {seen.sql} GROUP BY 1 ORDER BY 1"), given)
    return [
        Burden(
            row.code,
            row.asked,
            row.prefilled,
            row.filled,
            row.returned,
            Decimal(row.lower_median + row.upper_median) / 2,
        )
        for row in rows
    ]


async def answered_periods(
    session: AsyncSession, plan: PlanState, period: str | None = None
) -> set[str]:
    """Return the periods of a plan, or the given one, with submissions since they were opened."""
    place = {"city": plan.city_code, "plan": plan.code, "period": period}
    return set(await session.scalars(ANSWERED, place))


async def asked(session: AsyncSession, plan: PlanState, period: str) -> dict[str, int]:
    """Return how many values a period asks for, by unit."""
    place = {"city": plan.city_code, "plan": plan.code, "period": period}
    return {row.organization_code: row.number for row in await session.execute(ASKED, place)}
