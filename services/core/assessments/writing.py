"""Writes many assessments at once, begun or changed: each is decided and reported by itself.

The number of statements of a call does not grow with the number of assessments.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments import queries
from services.core.assessments.judging import judged, known_findings, merged
from services.core.assessments.models import ONE_A_SUBJECT, Assessment, AssessmentHistory
from services.core.assessments.rules import (
    AssessedSubject,
    NewAssessment,
    authors_of,
    image_of,
    new_columns,
)
from services.core.assessments.service import AssessmentDesk, hold_sheet, judged_columns, told_of
from services.core.assessments.subjects import judged_subject
from services.core.events.service import record
from services.core.kit.database import is_taken
from services.core.kit.errors import Fault
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.registers.models import RegisterRow
from services.core.submissions.authorship import Authors, authors_kept
from services.core.submissions.errors import BatchContended

MOST_ASSESSMENTS = 1000
"""The most assessments of one call."""

AssessmentOutcome = Literal["created", "updated", "unchanged", "rejected"]

AssessmentRow = Mapping[str, Any]
"""The columns of an assessment by name."""

_NO_DRAFT = Text(
    "该评估已不是草稿（{state}）：请先退回，再修改",
    "The assessment is no draft any more ({state}): return it first",
)
_TWICE = Text("同一对象在本批出现多次：第 {items} 条", "The same subject stands in items {items}")


@dataclass(frozen=True, slots=True)
class WrittenAssessment:
    """The result of writing one assessment; `row` is the assessment afterwards, if there is one.

    `before` is its state when it was decided.
    """

    index: int
    outcome: AssessmentOutcome
    row: AssessmentRow | None
    faults: tuple[Fault, ...] = ()
    before: AssessmentRow | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An incoming assessment with its subject; with `faults` the subject may be None."""

    index: int
    new: NewAssessment
    subject: AssessedSubject | None
    faults: tuple[Fault, ...]

    @property
    def place(self) -> tuple[str, str] | None:
        """Period and subject; None: not known."""
        return None if self.subject is None else (self.new.period, self.subject.key)


async def write_assessments(
    session: AsyncSession, news: Sequence[NewAssessment], desk: AssessmentDesk
) -> list[WrittenAssessment]:
    """Begin assessments, or change existing drafts, by subject and period.

    Items that are not given keep their findings. All faults are reported, and assessments without
    faults are written.
    """
    decided = await _decide(session, news, desk, locked=True)
    await _write(session, decided, desk)
    return decided


async def foresee_assessments(
    session: AsyncSession, news: Sequence[NewAssessment], desk: AssessmentDesk
) -> list[WrittenAssessment]:
    """Return the results that `write_assessments` would have; writes nothing and takes no locks."""
    return await _decide(session, news, desk, locked=False)


async def _decide(
    session: AsyncSession, news: Sequence[NewAssessment], desk: AssessmentDesk, *, locked: bool
) -> list[WrittenAssessment]:
    plan, sheet = desk.plan, desk.sheet.sheet
    ids = [one.row_id for one in news if one.row_id is not None]
    rows = await queries.rows_seen(session, desk.actor, ids)
    wanted = await asyncio.to_thread(_wanted, news, rows, desk)
    places = sorted({one.place for one in wanted if one.place is not None})
    standing: Mapping[tuple[str, str], AssessmentRow] = {}
    if places:
        if locked:
            # Serialised: two calls could deadlock on each other's rows, or begin the same
            # assessment.
            await hold_sheet(session, desk)
        standing = await queries.standing_among(
            session, plan.city_code, plan.code, sheet.code, places, locked=locked
        )
    return await asyncio.to_thread(lambda: [_decided(one, standing, desk) for one in wanted])


def _wanted(
    news: Sequence[NewAssessment], rows: Mapping[Any, RegisterRow], desk: AssessmentDesk
) -> list[_Wanted]:
    found = []
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, new in enumerate(news):
        subject, faults = None, list(new.faults)
        if not new.faults:
            row = None if new.row_id is None else rows.get(new.row_id)
            subject, faults = judged_subject(new, row, desk.plan, desk.sheet.sheet)
        one = _Wanted(index, new, subject, tuple(faults))
        if one.place is not None:
            together[one.place].append(index)
        found.append(one)
    return [
        replace(one, faults=(*one.faults, _twice(together[one.place])))
        if one.place is not None and len(together[one.place]) > 1
        else one
        for one in found
    ]


def _twice(items: Sequence[int]) -> Fault:
    told = ", ".join(map(str, items[:20]))
    return Fault("", "duplicate-item", _TWICE.format(items=told))


def _decided(
    one: _Wanted, standing: Mapping[tuple[str, str], AssessmentRow], desk: AssessmentDesk
) -> WrittenAssessment:
    sheet, before = desk.sheet.sheet, None if one.place is None else standing.get(one.place)
    present = {} if before is None else known_findings(before["findings"], sheet)
    found = judged(sheet, merged(present, one.new.findings))
    faults = [*one.faults, *found.faults]
    if before is not None and before["state"] != "draft":
        told = _NO_DRAFT.format(state=before["state"])
        faults.append(Fault("", "assessment-not-draft", told, before["state"]))
    if faults or one.subject is None:
        return WrittenAssessment(one.index, "rejected", None, tuple(faults), before)
    columns = judged_columns(found, desk.sheet)
    if before is None:
        made = new_columns(
            desk.plan, sheet, one.subject, one.new.period, assessment_id=new_id(), now=desk.now
        )
        kept = authors_kept(Authors().with_(desk.actor))
        return WrittenAssessment(one.index, "created", {**made, **columns, "authors": kept})
    if all(before[name] == value for name, value in columns.items()):
        return WrittenAssessment(one.index, "unchanged", before, before=before)
    after = {
        **before,
        **columns,
        "authors": authors_kept(authors_of(before).with_(desk.actor)),
        "reason": None,
        "updated_at": desk.now,
        "version": before["version"] + 1,
    }
    return WrittenAssessment(one.index, "updated", after, before=before)


async def _insert(session: AsyncSession, made: Sequence[AssessmentRow]) -> None:
    """Write new assessments.

    Raises:
        BatchContended: a process without our lock, of an earlier release, has begun one meanwhile;
            the call may be retried.
    """
    try:
        await session.execute(insert(Assessment), made)
    except IntegrityError as error:
        if not is_taken(error, ONE_A_SUBJECT):
            raise
        raise BatchContended from None


async def _write(
    session: AsyncSession, decided: Sequence[WrittenAssessment], desk: AssessmentDesk
) -> None:
    """Write the decided assessments, with history and event of each."""
    made = [one.row for one in decided if one.outcome == "created" and one.row is not None]
    changed = [one.row for one in decided if one.outcome == "updated" and one.row is not None]
    if made:
        await _insert(session, made)
    if changed:
        await session.execute(update(Assessment), changed)
    deeds = [(row, "created") for row in made] + [(row, "changed") for row in changed]
    if not deeds:
        return
    stamp = dict(desk.actor.stamp())
    history = [
        {
            "city_code": row["city_code"],
            "assessment_id": row["id"],
            "version": row["version"],
            "action": action,
            "after": image_of(row),
            "actor": stamp,
            "reason": None,
            "occurred_at": desk.now,
        }
        for row, action in deeds
    ]
    await session.execute(insert(AssessmentHistory), history)
    told = [told_of(row, action, stamp=stamp, now=desk.now) for row, action in deeds]
    await record(session, *told)
