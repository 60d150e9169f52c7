"""Carries out a batch in the caller's transaction, in a constant number of statements.

Deciding is CPU-bound and runs off the event loop.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.figures import NOTHING, Figures
from services.core.checks.queries import figures_beside
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.queries import (
    period_states,
    periods_for_share,
    version_in_force,
    with_document_in_force,
)
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch import statements
from services.core.submissions.batch.deciding import Decided, Deciding, checked
from services.core.submissions.batch.rows import MOST_ROWS, Batch, BatchRow, BatchScope, JudgedRows
from services.core.submissions.batch.writing import Change, insert_rows, remember, update_rows
from services.core.submissions.errors import BatchContended, PlanChanged

_ROUNDS = 5
"""How many times rows are retried because others wrote their slots meanwhile."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcome of each row, in order, and the data it was decided on apart from the slots.

    `periods` are states by code; `compared` the versions, by id, of the submissions whose figures
    checks compared.
    """

    decided: Sequence[Decided]
    periods: Mapping[str, str]
    compared: Mapping[UUID, int] = field(default_factory=dict)


async def carry_out(
    session: AsyncSession,
    batch: Batch,
    judged: JudgedRows,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> BatchOutcome:
    """Write the rows without faults; return the outcome of each row.

    If an atomic batch has a rejected row, the caller has to roll back: its other rows are
    `skipped`. Submissions that a `replace` withdraws beside the rows come last.

    Raises:
        PlanChanged: the rows were validated by an earlier version of the plan.
        BatchContended: others wrote the same slots over and over.
        InvalidInput: the scope of a `replace` has more submissions than a batch may.
    """
    in_force = await with_document_in_force(session, plan)
    if in_force.version != plan.version:
        raise PlanChanged
    decided = _refused(batch, judged)
    if batch.atomic and decided:
        return BatchOutcome(_all_or_nothing(batch, decided), {})
    held = await periods_for_share(session, plan.city_code, plan.code, *_codes(batch))
    periods = {code: period.state for code, period in held.items()}
    deciding = Deciding(plan, periods, actor, now, judged.holds_back)
    left, named = list(judged.rows), {row.slot for row in batch.rows}
    compared: dict[UUID, int] = {}
    for _ in range(_ROUNDS):
        figures = await _figures(session, left, plan)
        compared = {**_compared(figures, named), **compared}
        found = await _found(session, batch.scope, deciding, left, named, figures)
        if batch.atomic and any(one.outcome == "rejected" for one in found):
            return BatchOutcome(_all_or_nothing(batch, found), periods, compared)
        written = await _write(session, found, deciding)
        settled = [one for one in found if one.action is None or _id_of(one) in written]
        decided += settled
        named |= {one.slot for one in settled}
        if len(settled) == len(found):
            return BatchOutcome(sorted(decided, key=_turn_in_report), periods, compared)
        done = {one.index for one in settled}
        left = [row for row in left if row.index not in done]
    raise BatchContended


async def look_ahead(
    session: AsyncSession,
    batch: Batch,
    judged: JudgedRows,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
    beside: Figures = NOTHING,
) -> BatchOutcome:
    """Return what `carry_out` would return, without writing or locking.

    `beside` are figures that would have been written just before.

    Raises:
        PlanChanged, InvalidInput: see `carry_out`.
    """
    if await version_in_force(session, plan.city_code, plan.code) != plan.version:
        raise PlanChanged
    decided = _refused(batch, judged)
    if batch.atomic and decided:
        return BatchOutcome(_all_or_nothing(batch, decided), {})
    periods = await period_states(session, plan.city_code, plan.code, *_codes(batch))
    deciding = Deciding(plan, periods, actor, now, judged.holds_back)
    named = {row.slot for row in batch.rows}
    figures = await _figures(session, judged.rows, plan)
    figures.lay_over_all(beside)
    compared = _compared(figures, named)
    found = await _found(session, batch.scope, deciding, judged.rows, named, figures)
    if batch.atomic and any(one.outcome == "rejected" for one in found):
        return BatchOutcome(_all_or_nothing(batch, found), periods, compared)
    return BatchOutcome(sorted([*decided, *found], key=_turn_in_report), periods, compared)


async def _figures(session: AsyncSession, rows: Sequence[BatchRow], plan: PlanState) -> Figures:
    """Read the figures that the rows' checks compare, in one statement at most."""
    written = [row.slot._asdict() for row in rows if row.operation != "delete"]
    return await figures_beside(session, written, plan)


def _compared(figures: Figures, named: set[Slot]) -> dict[UUID, int]:
    """Return the versions of compared submissions outside the rows' own slots."""
    return {one.id: one.version for slot, one in figures.stored() if slot not in named}


def _refused(batch: Batch, judged: JudgedRows) -> list[Decided]:
    """Return the outcomes of rows that were rejected by themselves."""
    return [
        Decided(row.index, row.slot, "rejected", faults=tuple(judged.faults[row.index]))
        for row in batch.rows
        if row.index in judged.faults
    ]


async def _found(
    session: AsyncSession,
    scope: BatchScope | None,
    deciding: Deciding,
    rows: Sequence[BatchRow],
    named: set[Slot],
    figures: Figures,
) -> list[Decided]:
    """Decide the rows, and the submissions that a `replace` finds beside those named."""
    present = await _present(session, rows, deciding.plan)
    brought = await _brought(session, rows, present, deciding.plan.city_code)
    unnamed = await _unnamed(session, scope, deciding, named)
    return await asyncio.to_thread(_decide, deciding, rows, present, brought, unnamed, figures)


def _decide(
    deciding: Deciding,
    rows: Sequence[BatchRow],
    present: Mapping[Slot, SubmissionRow],
    brought: Collection[UUID],
    unnamed: Sequence[SubmissionRow],
    figures: Figures,
) -> list[Decided]:
    found = [deciding.row(row, present.get(row.slot), brought) for row in rows]
    found += [deciding.unnamed(row) for row in unnamed]
    return checked(found, deciding, figures)


def _all_or_nothing(batch: Batch, found: Sequence[Decided]) -> list[Decided]:
    """Return the rejections, and every other row as skipped."""
    rejected = [one for one in found if one.outcome == "rejected"]
    named = {one.index for one in rejected}
    before = {one.index: one.before for one in found}
    skipped = [
        Decided(row.index, row.slot, "skipped", before=before.get(row.index))
        for row in batch.rows
        if row.index not in named
    ]
    return sorted([*rejected, *skipped], key=_turn_in_report)


def _turn_in_report(decided: Decided) -> int:
    return MOST_ROWS if decided.index is None else decided.index


def _id_of(decided: Decided) -> UUID | None:
    return None if decided.submission is None else decided.submission["id"]


def _codes(batch: Batch) -> set[str]:
    """Return the codes of a batch's periods."""
    scope = {batch.scope.period} if batch.scope is not None else set()
    return {row.slot.period for row in batch.rows} | scope


async def _present(
    session: AsyncSession, rows: Sequence[BatchRow], plan: PlanState
) -> Mapping[Slot, SubmissionRow]:
    """Read the submissions in the rows' slots."""
    if not rows:
        return {}
    indicators, units, periods = zip(*(row.slot for row in rows), strict=True)
    found = await session.execute(
        statements.PRESENT,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "indicators": list(indicators),
            "units": list(units),
            "periods": list(periods),
        },
    )
    names = tuple(found.keys())
    present: list[SubmissionRow] = [dict(zip(names, row, strict=True)) for row in found]
    return {slot_of(row): row for row in present}


async def _brought(
    session: AsyncSession,
    rows: Sequence[BatchRow],
    present: Mapping[Slot, SubmissionRow],
    city_code: str,
) -> frozenset[UUID]:
    """Return which submissions that rows would withdraw came from another installation."""
    taken_back = [row.slot for row in rows if row.only_own and row.operation == "delete"]
    ids = [present[slot]["id"] for slot in taken_back if slot in present]
    if not ids:
        return frozenset()
    given = {"city": city_code, "ids": ids}
    return frozenset(await session.scalars(statements.BROUGHT, given))


async def _unnamed(
    session: AsyncSession, scope: BatchScope | None, deciding: Deciding, named: set[Slot]
) -> list[SubmissionRow]:
    """Read the submissions in the scope of a `replace` that no row names, to be withdrawn.

    Raises:
        InvalidInput: there are more than a batch may have.
    """
    if scope is None:
        return []
    actor, plan = deciding.actor, deciding.plan
    own = None if actor.may(Permission.REPORT_FOR_ANY_UNIT) else actor.organization_code
    found = await session.execute(
        statements.IN_SCOPE,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "period": scope.period,
            "unit": scope.organization_code,
            "indicator": scope.indicator_code,
            "own": own,
            "most": MOST_ROWS + 1,
        },
    )
    rows: list[SubmissionRow] = [dict(row) for row in found.mappings()]
    if len(rows) > MOST_ROWS:
        raise InvalidInput(faults=[_SCOPE_TOO_LARGE])
    return [row for row in rows if slot_of(row) not in named]


_SCOPE_TOO_LARGE = Fault(
    "/scope",
    "scope-too-large",
    Text(
        f"该范围已有填报超过 {MOST_ROWS} 条，请用 organization_code 或 indicator_code 缩小",
        f"It holds more than {MOST_ROWS} submissions: narrow it by organization_code or"
        " indicator_code",
    ),
)


async def _write(
    session: AsyncSession, decided: Iterable[Decided], deciding: Deciding
) -> set[UUID]:
    """Write the decisions, with history and events; return the ids that were written.

    Submissions that somebody else wrote meanwhile are left alone.
    """
    wanted = [
        (one, Change(one.submission, one.action))
        for one in decided
        if one.submission and one.action
    ]
    changed = [change.row for one, change in wanted if one.outcome != "created"]
    made = [change.row for one, change in wanted if one.outcome == "created"]
    ids = await update_rows(session, changed, deciding.plan)
    ids |= await insert_rows(session, made, deciding.plan)
    written = [change for _, change in wanted if change.row["id"] in ids]
    await remember(
        session,
        written,
        plan=deciding.plan,
        stamp=deciding.actor.stamp(),
        now=deciding.now,
    )
    return ids
