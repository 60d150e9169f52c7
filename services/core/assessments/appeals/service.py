"""Commands on appeals: file, withdraw, refuse, and uphold with corrections.

Each change writes the appeal, its history and its event in the caller's transaction; upholding one
writes the corrected assessment too. The caller has locked the assessment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments.appeals import queries
from services.core.assessments.appeals.errors import (
    AppealTooLate,
    AppealTransitionRefused,
    AppealWaiting,
    OwnAppeal,
)
from services.core.assessments.appeals.models import Appeal, AppealHistory
from services.core.assessments.appeals.rules import (
    AFTER,
    AppealVerb,
    ContestedItem,
    ItemsAndTotal,
    allowed_actions,
    changes_between,
    contested_faults,
    correction_faults,
    decides,
    event_data,
    files_appeal,
    has_right,
    image_of,
    points_faults,
    with_evidence_kept,
)
from services.core.assessments.judging import judged, merged, open_faults
from services.core.assessments.models import Assessment, AssessmentRevision
from services.core.assessments.service import AssessmentDesk, judged_columns, write_change
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.evidence.resting import rest_upon
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.kit.ids import new_id
from services.core.submissions.authorship import Authors, authors_kept


def check_filer(actor: Actor, assessment: Assessment) -> None:
    """Check that the actor may file appeals of the unit that an assessment belongs to.

    Raises:
        Forbidden: it does not report for that unit.
    """
    if not files_appeal(actor, assessment.organization_code):
        raise takes("被评单位或 office", "the unit that was assessed, or the office")


def check_right(actor: Actor, verb: AppealVerb, appeal: Appeal, assessment: Assessment) -> None:
    """Check that the actor has the right to a verb on an appeal.

    Raises:
        OwnAppeal: it would decide on its own appeal, or on one against its own assessment.
        Forbidden: it lacks this right for another reason.
    """
    if has_right(actor, verb, vars(appeal), vars(assessment)):
        return
    if verb == "withdraw":
        raise takes("提出申诉的单位或 office", "the unit that filed it, or the office")
    if decides(actor):
        raise OwnAppeal
    raise takes("处理申诉的 office", "the office, which decides on appeals")


async def file_appeal(
    session: AsyncSession,
    assessment: Assessment,
    contested: Sequence[ContestedItem],
    desk: AssessmentDesk,
) -> Appeal:
    """File an appeal against a locked, published assessment, and return it.

    Raises:
        InvalidInput: the contested items have faults.
        AppealTooLate: the time limit has passed, or the sheet takes no appeals.
        AppealWaiting: an earlier one is open.
    """
    earlier = await queries.against(session, assessment.city_code, assessment.id)
    files = [file for one in contested for file in one.evidence_ids]
    items = [one["code"] for one in assessment.results if one["state"] != "open"]
    before = {one["item"] for each in earlier if each.state != "filed" for one in each.contested}
    faults = contested_faults(
        contested,
        items=items,
        before=before,
        files=await queries.evidence_of(
            session,
            assessment.city_code,
            assessment.plan_code,
            assessment.organization_code,
            files,
        ),
    )
    if faults:
        raise InvalidInput(faults=faults)
    until = assessment.appeal_until
    if assessment.state != "published" or until is None or desk.today > until:
        raise AppealTooLate(extra={"appeal_until": None if until is None else until.isoformat()})
    waiting = next((one for one in earlier if one.state == "filed"), None)
    if waiting is not None:
        raise AppealWaiting(extra={"appeal_id": str(waiting.id)})
    # From now on nobody can remove them, because the decision depends on them.
    kept = await rest_upon(session, assessment.city_code, files, now=desk.now)
    if not kept >= set(files):
        raise InvalidInput(
            faults=contested_faults(contested, items=items, before=before, files=kept)
        )
    appeal = _new(assessment, contested, desk)
    session.add(appeal)
    await _write(session, appeal, "filed", desk, reason=None)
    return appeal


def _new(
    assessment: Assessment, contested: Sequence[ContestedItem], desk: AssessmentDesk
) -> Appeal:
    return Appeal(
        city_code=assessment.city_code,
        id=new_id(),
        plan_code=assessment.plan_code,
        sheet_code=assessment.sheet_code,
        assessment_id=assessment.id,
        organization_code=assessment.organization_code,
        subject_name=assessment.subject_name,
        period=assessment.period,
        revision=assessment.revision,
        state="filed",
        contested=[one.kept() for one in contested],
        decision_reason=None,
        corrected_revision=None,
        changes=None,
        authors=authors_kept(Authors().with_(desk.actor)),
        created_at=desk.now,
        updated_at=desk.now,
        version=1,
    )


async def settle(
    session: AsyncSession,
    appeal: Appeal,
    verb: AppealVerb,
    *,
    desk: AssessmentDesk,
    reason: str | None,
) -> None:
    """Refuse or withdraw a locked appeal.

    Raises:
        AppealTransitionRefused: it was decided or withdrawn before.
    """
    _check_filed(appeal, desk)
    await _close(session, appeal, verb, desk, reason)


async def uphold(
    session: AsyncSession,
    appeal: Appeal,
    *,
    assessment: Assessment,
    findings: Mapping[str, Any],
    desk: AssessmentDesk,
    reason: str,
) -> None:
    """Uphold a locked appeal: the findings of contested items are corrected and published.

    They are judged by the sheet version of the assessment, which is the desk's. Earlier
    publications stay as they were. A correction without evidence keeps its item's evidence.

    Raises:
        InvalidInput: the corrections have faults, take points away, or give none.
        AppealTransitionRefused: it was decided or withdrawn before.
    """
    contested, sheet = {one["item"] for one in appeal.contested}, desk.sheet.sheet
    corrected = with_evidence_kept(assessment.findings, findings)
    found = judged(sheet, merged(assessment.findings, corrected))
    faults = [*correction_faults(list(findings), contested), *found.faults]
    faults = faults or open_faults(sheet, found.findings)
    faults = faults or points_faults(
        ItemsAndTotal(assessment.results, assessment.total),
        ItemsAndTotal(found.results, found.total),
    )
    if faults:
        raise InvalidInput(faults=faults)
    changes = changes_between(assessment.results, found.results)
    _check_filed(appeal, desk)
    for name, value in judged_columns(found, desk.sheet).items():
        setattr(assessment, name, value)
    assessment.revision += 1
    assessment.reason = reason
    assessment.updated_at = desk.now
    assessment.version += 1
    session.add(
        AssessmentRevision(
            city_code=assessment.city_code,
            assessment_id=assessment.id,
            revision=assessment.revision,
            findings=assessment.findings,
            results=assessment.results,
            total=assessment.total,
            colour=assessment.colour,
            appeal_id=appeal.id,
            made_at=desk.now,
        )
    )
    await write_change(session, assessment, "corrected", actor=desk.actor, now=desk.now)
    appeal.corrected_revision = assessment.revision
    appeal.changes = changes
    await _close(session, appeal, "uphold", desk, reason)


def _check_filed(appeal: Appeal, desk: AssessmentDesk) -> None:
    if appeal.state != "filed":
        legal = allowed_actions(desk.actor, vars(appeal))
        raise AppealTransitionRefused(extra={"state": appeal.state, "allowed_actions": legal})


async def _close(
    session: AsyncSession,
    appeal: Appeal,
    verb: AppealVerb,
    desk: AssessmentDesk,
    reason: str | None,
) -> None:
    appeal.state = AFTER[verb]
    appeal.decision_reason = reason
    appeal.updated_at = desk.now
    appeal.version += 1
    await _write(session, appeal, appeal.state, desk, reason=reason)


async def _write(
    session: AsyncSession, appeal: Appeal, action: str, desk: AssessmentDesk, *, reason: str | None
) -> None:
    stamp = dict(desk.actor.stamp())
    session.add(
        AppealHistory(
            city_code=appeal.city_code,
            appeal_id=appeal.id,
            version=appeal.version,
            action=action,
            after=image_of(vars(appeal)),
            actor=stamp,
            reason=reason,
            occurred_at=desk.now,
        )
    )
    await session.flush()
    event_type: EventType = f"appeal.{action}"  # type: ignore[assignment] # by `AFTER`
    await record(
        session,
        NewEvent(
            city_code=appeal.city_code,
            plan_code=appeal.plan_code,
            type=event_type,
            subject_kind="appeal",
            subject_id=str(appeal.id),
            organization_code=appeal.organization_code,
            actor=stamp,
            data=event_data(vars(appeal)),
            occurred_at=desk.now,
        ),
    )
