"""Commands on one row: change, confirm, end, revoke, take back, and manage its files.

Each writes the row, its history and its event in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.evidence_rules import Piece, pieces_of
from services.core.plan.register_entries import Register
from services.core.registers.demands import lacking
from services.core.registers.errors import OwnRow, QuotaFull, RegisterRowTransitionRefused
from services.core.registers.judging import CellJudging, judged_cells, standing_faults
from services.core.registers.measures.queries import counted_by
from services.core.registers.models import RegisterRow
from services.core.registers.neighbours.queries import findings_at_confirmation
from services.core.registers.neighbours.rules import keeping_out, told_to
from services.core.registers.quotas import measure_of, newly_counting, wanted_of
from services.core.registers.rules import (
    ACTIONS,
    ENDS,
    WRITING_VERBS,
    Row,
    RowVerb,
    after_verb,
    after_writing,
    allowed_actions,
    authors_of,
    confirms,
    has_right,
    keeps_no_more,
    state_allows,
    with_files,
)
from services.core.registers.service import RegisterDesk, RowDeed, write
from services.core.registers.totals import reason_faults
from services.core.submissions.authorship import NOBODY, Authors, authors_kept


def check_right(actor: Actor, verb: RowVerb, row: RegisterRow, register: Register) -> None:
    """Check that the actor has the right to a verb on a row.

    Raises:
        OwnRow: it would confirm what it or its unit wrote.
        Forbidden: it lacks this right for another reason.
    """
    check_row_right(actor, verb, vars(row), register)


def check_row_right(actor: Actor, verb: RowVerb, row: Row, register: Register) -> None:
    """Check the actor's right like `check_right`, for a row given by its columns.

    Raises:
        OwnRow, Forbidden: see there.
    """
    if has_right(actor, verb, row, register):
        return
    if verb == "confirm" and confirms(actor, register):
        raise OwnRow
    if verb in WRITING_VERBS and keeps_no_more(register, row["organization_code"]):
        raise takes(
            "office（该行的单位已不再填报该台账；office 在批量填报时写明新单位，即移交该行）",
            "the office, for the row's unit keeps the register no more; the office hands it over by"
            " a batch that names a unit that does",
        )
    if verb in WRITING_VERBS:
        raise takes(
            "填写该行的单位或 office",
            "the unit that the row is of, or the office",
        )
    raise takes(
        "台账的牵头单位（lead）或 office",
        "a lead of the register, or the office",
    )


def check_row_state(row: Row, verb: RowVerb, desk: RegisterDesk) -> None:
    """Check that the state of a row allows a verb.

    Raises:
        RegisterRowTransitionRefused: it does not; the allowed verbs are listed.
    """
    if not state_allows(verb, row, desk.register):
        legal = allowed_actions(desk.actor, row, desk.register)
        raise RegisterRowTransitionRefused(extra={"state": row["state"], "allowed_actions": legal})


async def edit(
    session: AsyncSession,
    row: RegisterRow,
    *,
    said: Mapping[str, Any],
    desk: RegisterDesk,
    others: Authors = NOBODY,
) -> None:
    """Change cells of a locked row, by column; null empties one.

    `others` are further authors of what is written.

    An edit without a difference changes nothing. An edit of a confirmed row makes a correction, and
    the confirmed contents count until it is confirmed.

    Raises:
        InvalidInput: the resulting row has faults.
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
    """
    judged = judged_cells(desk.register, said, CellJudging(desk.plan), row.cells)
    if judged.faults:
        raise InvalidInput(faults=judged.faults)
    check_row_state(vars(row), "edit", desk)
    if judged.cells == row.cells:
        return
    after = after_writing(
        vars(row),
        judged.cells,
        row.key,
        register=desk.register,
        actor=desk.actor,
        now=desk.time,
    )
    authors = authors_kept(authors_of(after).and_(others))
    await _put(session, row, {**after, "authors": authors}, "edit", desk)


async def move(
    session: AsyncSession,
    row: RegisterRow,
    verb: RowVerb,
    *,
    desk: RegisterDesk,
    reason: str | None,
    ended_on: date | None = None,
) -> None:
    """Carry out a verb on a locked row. A verb that ends it takes effect on `ended_on`, or today.

    Raises:
        InvalidInput: it would be confirmed with faults, alone or against other rows, or without
            evidence, or ended on a future day, or the reason contains a person's number in a
            register of totals.
        RegisterRowTransitionRefused: its state does not allow the verb, or its register has no such
            end.
        QuotaFull: it would be confirmed beyond a quota that refuses more.
    """
    faults = reason_faults(desk.register, reason)
    if verb == "confirm":
        faults += standing_faults(desk.register, row.cells, CellJudging(desk.plan))
        found = await findings_at_confirmation(session, vars(row), desk.register)
        told = told_to(desk.actor, row.organization_code, found, desk.plan.registers)
        faults += keeping_out(told)
        faults += lacking(desk.register, row.cells, pieces_of(row.files), "confirmed")
    if verb in ENDS:
        faults += lacking(desk.register, row.counted or {}, pieces_of(row.files), ENDS[verb])
    if ended_on is not None and ended_on > desk.today:
        faults.append(Fault("/ended_on", "day-to-come", _TO_COME, ended_on.isoformat()))
    if faults:
        raise InvalidInput(faults=faults)
    check_row_state(vars(row), verb, desk)
    after = after_verb(
        vars(row),
        verb,
        register=desk.register,
        reason=reason,
        ended_on=(ended_on or desk.today) if verb in ENDS else None,
        now=desk.time,
    )
    if verb == "confirm":
        await _check_room(session, row, after, desk)
    await _put(session, row, after, verb, desk)


async def _check_room(
    session: AsyncSession, row: RegisterRow, after: Row, desk: RegisterDesk
) -> None:
    """Check that a row exceeds no quota, in any year, that refuses more rows.

    Raises:
        QuotaFull: it would.
    """
    register, quota, plan = desk.register, desk.register.quota, desk.plan
    if quota is None or quota.over != "refused":
        return
    measure, choice = measure_of(register, quota), after["counted"].get(quota.by)
    if choice is None:
        return
    years = newly_counting(quota, measure, vars(row), after, plan.period_calendar)
    if not years:
        return
    # Serialised by a lock, because two rows that fit alone may not fit together. Whoever holds this
    # lock waits for no row.
    await lock_name(session, f"quota {plan.city_code} {plan.code} {register.code}")
    counted = await counted_by(session, plan, register, measure, quota.by, years)
    for year in years:
        wanted, there = wanted_of(quota, year.year), counted.get(year.code, {})
        for unit in (None, row.organization_code):
            most = wanted.get((choice, unit))
            if most is not None and there.get((choice, unit), 0) >= most:
                full = {"choice": choice, "organization_code": unit, "year": year.year}
                raise QuotaFull(extra={**full, "wanted": most})


async def change_files(
    session: AsyncSession,
    row: RegisterRow,
    files: Sequence[Piece],
    action: str,
    *,
    desk: RegisterDesk,
    told: Mapping[str, object],
) -> None:
    """Replace the files of a locked row, as an edit of it would.

    `action` is `added` or `removed`, and `told` the event's data about the file.

    Raises:
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
        InvalidInput: this would confirm it, and it has values that the plan no longer allows.
    """
    check_row_state(vars(row), "edit", desk)
    if not desk.register.review:
        faults = standing_faults(desk.register, row.cells, CellJudging(desk.plan))
        if faults:
            raise InvalidInput(faults=faults)
    after = with_files(vars(row), files, register=desk.register, actor=desk.actor, now=desk.time)
    deed = RowDeed(after, f"evidence_{action}", f"evidence.{action}", told)
    await write(session, [deed], desk)
    await session.refresh(row)


_TO_COME = Text("不能晚于今天", "Must be no later than today")


async def _put(
    session: AsyncSession, row: RegisterRow, after: Row, verb: RowVerb, desk: RegisterDesk
) -> None:
    await write(session, [RowDeed(after, ACTIONS[verb])], desk)
    await session.refresh(row)
