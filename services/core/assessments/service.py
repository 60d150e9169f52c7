"""Commands on assessments: begin, record findings, and the steps of the workflow.

Each change writes the assessment, its history and its event in the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments import queries
from services.core.assessments.errors import (
    AssessmentExists,
    AssessmentTransitionRefused,
    OwnAssessment,
)
from services.core.assessments.judging import (
    JudgedSheet,
    judged,
    known_findings,
    merged,
    open_faults,
)
from services.core.assessments.models import (
    ONE_A_SUBJECT,
    Assessment,
    AssessmentHistory,
    AssessmentRevision,
)
from services.core.assessments.rules import (
    ACTIONS,
    TRANSITIONS,
    AssessedSubject,
    AssessmentVerb,
    NewAssessment,
    SheetInForce,
    allowed_actions,
    assesses,
    authors_of,
    event_data,
    has_right,
    image_of,
    new_columns,
)
from services.core.assessments.subjects import judged_subject
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.database import is_taken, lock_name
from services.core.kit.errors import InvalidInput
from services.core.kit.ids import new_id
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.state import PlanState
from services.core.registers.models import RegisterRow
from services.core.submissions.authorship import Authors, authors_kept


@dataclass(frozen=True, slots=True)
class AssessmentDesk:
    """The context of an action: the sheet and its plan, the actor and the time."""

    plan: PlanState
    sheet: SheetInForce
    actor: Actor
    now: datetime

    @property
    def today(self) -> date:
        """The local day."""
        return self.plan.local_date(self.now)


def check_assessor(actor: Actor, sheet: ScoreSheet) -> None:
    """Check that the actor assesses by a sheet.

    Raises:
        Forbidden: it is neither the office nor one of the sheet's assessors.
    """
    if not assesses(actor, sheet):
        raise takes(
            "该评估细则的评估单位（lead）或 office", "an assessor of the sheet, or the office"
        )


def check_right(actor: Actor, verb: AssessmentVerb, row: Assessment, sheet: ScoreSheet) -> None:
    """Check that the actor has the right to a verb on an assessment.

    Raises:
        OwnAssessment: it would confirm what it or its unit assessed.
        Forbidden: it lacks this right for another reason.
    """
    if has_right(actor, verb, vars(row), sheet):
        return
    check_assessor(actor, sheet)
    if verb == "confirm":
        raise OwnAssessment
    raise takes("负责公布的 office", "the office, which publishes")


async def add_assessment(
    session: AsyncSession, new: NewAssessment, row: RegisterRow | None, desk: AssessmentDesk
) -> Assessment:
    """Write a new assessment as a draft and return it; `row` is its subject, if that is a row.

    Raises:
        InvalidInput: its subject, its period or its findings have faults.
        AssessmentExists: the subject is assessed for this period.
    """
    subject, faults = None, list(new.faults)
    if not new.faults:
        subject, faults = judged_subject(new, row, desk.plan, desk.sheet.sheet)
    found = judged(desk.sheet.sheet, merged({}, new.findings))
    if faults or found.faults or subject is None:
        raise InvalidInput(faults=[*faults, *found.faults])
    place = (desk.plan.city_code, desk.plan.code, desk.sheet.sheet.code)
    await hold_sheet(session, desk, shared=True)
    await lock_name(session, f"assessment {' '.join(place)} {new.period} {subject.key}")
    standing = await queries.standing(session, *place, new.period, subject.key)
    if standing is not None:
        raise AssessmentExists(extra={"assessment_id": str(standing)})
    made = _new(subject, new.period, found, desk)
    session.add(made)
    try:
        await _write(session, made, "created", desk)
    except IntegrityError as error:  # by a process without our lock, of an earlier release
        if not is_taken(error, ONE_A_SUBJECT):
            raise
        raise AssessmentExists from None
    return made


async def hold_sheet(session: AsyncSession, desk: AssessmentDesk, *, shared: bool = False) -> None:
    """Lock a sheet against bulk assessments; holders of a `shared` lock do not block each other."""
    plan, sheet = desk.plan, desk.sheet.sheet
    await lock_name(
        session, f"assessments {plan.city_code} {plan.code} {sheet.code}", shared=shared
    )


def _new(
    subject: AssessedSubject, period: str, found: JudgedSheet, desk: AssessmentDesk
) -> Assessment:
    sheet = desk.sheet.sheet
    return Assessment(
        authors=authors_kept(Authors().with_(desk.actor)),
        **new_columns(desk.plan, sheet, subject, period, assessment_id=new_id(), now=desk.now),
        **judged_columns(found, desk.sheet),
    )


def judged_columns(found: JudgedSheet, sheet: SheetInForce) -> dict[str, Any]:
    """Return the findings and their result, by column."""
    return {
        "sheet_version": sheet.version,
        "findings": {code: dict(one) for code, one in found.findings.items()},
        "results": [dict(one) for one in found.results],
        "complete": found.complete,
        "total": found.total,
        "colour": found.colour,
    }


async def edit(
    session: AsyncSession,
    row: Assessment,
    *,
    findings: Mapping[str, Any],
    desk: AssessmentDesk,
) -> None:
    """Change findings, by item; null removes one. They are judged by the sheet in force.

    Findings equal to the present ones change nothing.

    Raises:
        InvalidInput: the resulting findings have faults.
        AssessmentTransitionRefused: it is not a draft.
    """
    found = judged(
        desk.sheet.sheet, merged(known_findings(row.findings, desk.sheet.sheet), findings)
    )
    if found.faults:
        raise InvalidInput(faults=found.faults)
    _check_state(row, "edit", desk)
    wanted = judged_columns(found, desk.sheet)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return
    _set(row, wanted)
    row.authors = authors_kept(authors_of(vars(row)).with_(desk.actor))
    row.reason = None
    await _change(session, row, "edit", desk)


def _set(row: Assessment, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)


async def move(
    session: AsyncSession,
    row: Assessment,
    verb: AssessmentVerb,
    *,
    desk: AssessmentDesk,
    reason: str | None,
) -> None:
    """Carry out a verb on a locked assessment.

    Handing it in judges it by the sheet in force; it keeps that version from then on.

    Raises:
        InvalidInput: it would be handed in with an unassessed item, or by a changed sheet by which
            the findings have faults.
        AssessmentTransitionRefused: its state does not allow the verb.
    """
    wanted: dict[str, Any] = {}
    if verb == "submit":
        found = judged(desk.sheet.sheet, known_findings(row.findings, desk.sheet.sheet))
        faults = found.faults or open_faults(desk.sheet.sheet, found.findings)
        if faults:
            raise InvalidInput(faults=faults)
        wanted = judged_columns(found, desk.sheet)
    _check_state(row, verb, desk)
    _set(row, wanted)
    if verb == "submit":
        row.authors = authors_kept(authors_of(vars(row)).with_(desk.actor))
    row.state = TRANSITIONS[row.state, verb]  # type: ignore[index] # the states of the table
    row.reason = reason
    if verb == "publish":
        _publish(session, row, desk)
    await _change(session, row, verb, desk)


def _publish(session: AsyncSession, row: Assessment, desk: AssessmentDesk) -> None:
    """Set the time of publication and the deadline for appeals, and store the publication."""
    days = desk.sheet.sheet.appeal_days
    row.revision = 1
    row.published_on = desk.today
    row.appeal_until = desk.today + timedelta(days=days) if days else None
    session.add(
        AssessmentRevision(
            city_code=row.city_code,
            assessment_id=row.id,
            revision=1,
            findings=row.findings,
            results=row.results,
            total=row.total,
            colour=row.colour,
            appeal_id=None,
            made_at=desk.now,
        )
    )


def _check_state(row: Assessment, verb: AssessmentVerb, desk: AssessmentDesk) -> None:
    if (row.state, verb) not in TRANSITIONS:
        legal = allowed_actions(desk.actor, vars(row), desk.sheet.sheet)
        raise AssessmentTransitionRefused(extra={"state": row.state, "allowed_actions": legal})


async def _change(
    session: AsyncSession, row: Assessment, verb: AssessmentVerb, desk: AssessmentDesk
) -> None:
    row.updated_at = desk.now
    row.version += 1
    await _write(session, row, ACTIONS[verb], desk)


async def _write(session: AsyncSession, row: Assessment, action: str, desk: AssessmentDesk) -> None:
    await write_change(session, row, action, actor=desk.actor, now=desk.now)


async def write_change(
    session: AsyncSession,
    row: Assessment,
    action: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Write a changed assessment with its history and its event."""
    image, stamp = vars(row), dict(actor.stamp())
    session.add(
        AssessmentHistory(
            city_code=row.city_code,
            assessment_id=row.id,
            version=row.version,
            action=action,
            after=image_of(image),
            actor=stamp,
            reason=row.reason,
            occurred_at=now,
        )
    )
    await session.flush()
    await record(session, told_of(image, action, stamp=stamp, now=now))


def told_of(
    row: Mapping[str, Any],
    action: str,
    *,
    stamp: Mapping[str, object],
    now: datetime,
) -> NewEvent:
    """Return the event of a change of an assessment.

    Before publication it belongs to no unit: only those who assess by its sheet receive it, and
    those who see the whole plan.
    """
    event_type: EventType = f"assessment.{action}"  # type: ignore[assignment] # by `ACTIONS`
    return NewEvent(
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        type=event_type,
        subject_kind="assessment",
        subject_id=str(row["id"]),
        organization_code=row["organization_code"] if row["state"] == "published" else None,
        actor=dict(stamp),
        data=event_data(row),
        occurred_at=now,
    )
