"""Tries and writes blocks of a file, each by the rules of its kind of rows."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments.queries import sheet_version
from services.core.assessments.service import AssessmentDesk
from services.core.assessments.writing import foresee_assessments, write_assessments
from services.core.calendars.queries import working_calendar
from services.core.imports.assessment_rows import AssessmentRows
from services.core.imports.checking import BlockOutcome, SheetDesk, SheetFault
from services.core.imports.indicator_rows import IndicatorRows
from services.core.imports.intake import FirstLook
from services.core.imports.register_rows import RegisterRows
from services.core.imports.task_rows import TaskRows
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.reports.service import report_on_many
from services.core.plan.queries import version_in_force, with_document_in_force
from services.core.registers.service import foresee_rows, write_rows
from services.core.submissions.batch.service import carry_out, look_ahead
from services.core.submissions.errors import PlanChanged

FormRows: TypeAlias = IndicatorRows | TaskRows | RegisterRows | AssessmentRows
"""The rows of a file, of any kind."""


def rows_of(look: FirstLook, desk: SheetDesk, *, at_once: int) -> FormRows:
    """Return the rows of a file by its form."""
    if look.register is not None:
        return RegisterRows(look, look.register, desk, at_once=at_once)
    if look.score_sheet is not None:
        return AssessmentRows(look, look.score_sheet, desk, at_once=at_once)
    if look.form == "tasks":
        return TaskRows(look, desk, at_once=at_once)
    return IndicatorRows(look, desk, at_once=at_once)


async def foresee(session: AsyncSession, rows: FormRows, block: Any) -> BlockOutcome:
    """Return the foreseen outcome of a block of these rows; nothing is written, nobody is blocked.

    Raises:
        PlanChanged: the rows were judged by an earlier version of the plan.
    """
    desk = rows.desk
    if isinstance(rows, IndicatorRows):
        outcome = await look_ahead(
            session,
            replace(block.batch, atomic=False),
            block.judged,
            plan=desk.plan,
            actor=desk.actor,
            now=desk.now,
            beside=rows.beside,
        )
        rows.suppose(outcome.decided)
        return rows.outcome(block, outcome.decided)
    plan = desk.plan
    if await version_in_force(session, plan.city_code, plan.code) != plan.version:
        raise PlanChanged
    if isinstance(rows, RegisterRows):
        return rows.outcome(block, await foresee_rows(session, block, rows.register_desk))
    if isinstance(rows, AssessmentRows):
        assessing = await _assessing(session, rows)
        return rows.outcome(block, await foresee_assessments(session, block.news, assessing))
    at_work = await _at_work(session, desk, locked=False)
    decided = await report_on_many(session, block.reports, desk=at_work, writes=False)
    return rows.outcome(block, decided)


async def write(
    session: AsyncSession, rows: FormRows, block: Any, foreseen: Iterator[str] | None
) -> BlockOutcome:
    """Write a block of these rows; on any fault the caller rolls back all of it.

    `foreseen` yields the outcome of each row that the check foresaw; None: a release checked the
    file that did not store it.

    Raises:
        PlanChanged: the rows were judged by an earlier version of the plan.
    """
    desk = rows.desk
    moved: list[SheetFault]
    if isinstance(rows, IndicatorRows):
        values = await carry_out(
            session, block.batch, block.judged, plan=desk.plan, actor=desk.actor, now=desk.now
        )
        found, moved = rows.outcome(block, values.decided), rows.moved(block, values.decided)
    else:
        if (await with_document_in_force(session, desk.plan)).version != desk.plan.version:
            raise PlanChanged
        if isinstance(rows, RegisterRows):
            written = await write_rows(session, block, rows.register_desk)
            found, moved = rows.outcome(block, written), rows.moved(written)
        elif isinstance(rows, AssessmentRows):
            done = await write_assessments(session, block.news, await _assessing(session, rows))
            found, moved = rows.outcome(block, done), rows.moved(block, done)
        else:
            at_work = await _at_work(session, desk, locked=True)
            decided = await report_on_many(session, block.reports, desk=at_work)
            found, moved = rows.outcome(block, decided), rows.moved(block, decided)
    found = replace(found, faults=[*found.faults, *moved])
    if foreseen is None or found.faults:
        return found
    return replace(found, faults=rows.otherwise(found, list(islice(foreseen, len(found.rows)))))


async def _assessing(session: AsyncSession, rows: AssessmentRows) -> AssessmentDesk:
    desk, plan = rows.desk, rows.desk.plan
    in_force = await sheet_version(session, plan.city_code, plan.code, rows.sheet.code)
    return AssessmentDesk(plan, in_force, desk.actor, desk.now)


async def _at_work(session: AsyncSession, desk: SheetDesk, *, locked: bool) -> MilestoneDesk:
    plan = desk.plan
    code = plan.document.supervision.calendar
    calendar = await working_calendar(session, plan.city_code, code, locked=locked)
    return MilestoneDesk(plan, calendar, desk.actor, desk.now)
