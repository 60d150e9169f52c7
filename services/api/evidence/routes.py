"""Routes of the evidence of a submission, a milestone or an assigned target."""

from typing import Annotated, Any

from fastapi import Depends, Response

from services.api.answers import body_etag, created
from services.api.context import (
    PlanInScope,
    Reading,
    ResourcesDep,
    WriteSession,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering
from services.api.evidence.receiving import SENT, FilePlace, receiving
from services.api.evidence.schemas import (
    EvidenceFileListOut,
    EvidenceFileOut,
    evidence_body,
    evidence_list,
)
from services.api.milestones.desks import writing_desk
from services.api.milestones.parameters import MilestoneId
from services.api.milestones.parameters import Reader as MilestoneReader
from services.api.milestones.parameters import Writer as MilestoneWriter
from services.api.plan.parameters import AssignedCode, Assigner, Year
from services.api.plan.parameters import Reader as PlanReader
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions.parameters import Reader as SubmissionReader
from services.api.submissions.parameters import SubmissionId
from services.api.turns import in_scope
from services.core.evidence import queries
from services.core.evidence.models import Evidence
from services.core.evidence.service import (
    NewFile,
    add_to_milestone,
    add_to_submission,
    add_to_target,
    target_subject,
)
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.milestones import queries as milestone_queries
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.models import Milestone
from services.core.milestones.service import check_right as check_milestone_right
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.queries import plan_for_change
from services.core.plan.visibility import pieces_seen
from services.core.submissions import queries as submission_queries
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.models import Submission
from services.core.submissions.verbs import check_right

router = versioned_router("evidence")

SubmissionWriter = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]


ADDING: dict[str, Any] = {
    "status_code": 201,
    "responses": {
        **answering("EvidenceAdded", ETAG, LOCATION, status=201, model=EvidenceFileOut),
        **refusals(403, 404, 409, 413, 503),
    },
    "openapi_extra": SENT,
    "response_model": None,
}
"""The OpenAPI declaration of a route that receives a file, whatever the file is for."""

_LISTED = {**answering("EvidenceList"), **refusals(403, 404)}


def added(row: Evidence) -> Response:
    """Return the response to a file that was added."""
    body = evidence_body(row)
    return created(body, etag=body_etag(body), location=f"/v1/evidence/{row.id}")


# Of submissions


async def _submission_seen(
    submission_id: SubmissionId, actor: SubmissionReader, session: Reading
) -> Submission:
    return in_scope(
        await queries.submission_seen(session, actor, submission_id), SubmissionNotFound
    )


async def _submission_place(
    submission_id: SubmissionId, actor: SubmissionWriter, resources: ResourcesDep
) -> FilePlace:
    """Return the destination of an upload, once the caller is known to have the right to add it."""
    async with resources.database.sessions() as session:
        found = in_scope(
            await queries.submission_seen(session, actor, submission_id), SubmissionNotFound
        )
        plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
        check_right(actor, "edit", vars(found), plan)
    return FilePlace(plan.city_code, plan.document.evidence)


@router.post("/submissions/{submission_id}/evidence", **ADDING)
async def add_submission_evidence(
    submission_id: SubmissionId,
    actor: SubmissionWriter,
    new: Annotated[NewFile, receiving(_submission_place)],
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Add a file that a submission rests upon, while it is a draft or returned.

    What the file is follows from its content. It is part of what is reported: it moves the
    submission's version, and whoever adds it is one of its authors. A revision that is approved
    keeps the files that it was approved with.
    """
    submission = in_scope(
        await submission_queries.for_update(session, actor, submission_id), SubmissionNotFound
    )
    plan = await resources.plans.of_city(submission.city_code, submission.plan_code, session)
    row = await add_to_submission(
        session, submission, new, plan=plan, actor=actor, now=resources.clock.now()
    )
    return added(row)


@router.get("/submissions/{submission_id}/evidence", responses=_LISTED)
async def list_submission_evidence(
    found: Annotated[Submission, Depends(_submission_seen)],
    actor: SubmissionReader,
    session: Reading,
    resources: ResourcesDep,
) -> EvidenceFileListOut:
    """List the files that a submission rests upon, and what the plan asks for.

    The superior sees those that it was approved with.
    """
    plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
    pieces = pieces_seen(actor, pieces_of(found.files))
    rows = await queries.files_of_pieces(session, found.city_code, pieces)
    indicator = plan.indicators.get(found.indicator_code)
    rule = None if indicator is None else indicator.evidence
    return evidence_list(rows, plan.document.evidence, rule, pieces)


# Of milestones


async def _milestone_seen(
    milestone_id: MilestoneId, actor: MilestoneReader, session: Reading
) -> Milestone:
    return in_scope(await queries.milestone_seen(session, actor, milestone_id), MilestoneNotFound)


async def _milestone_place(
    milestone_id: MilestoneId, actor: MilestoneWriter, resources: ResourcesDep
) -> FilePlace:
    """Return the destination of an upload, once the caller is known to have the right to add it."""
    async with resources.database.sessions() as session:
        found = in_scope(
            await queries.milestone_seen(session, actor, milestone_id), MilestoneNotFound
        )
        plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
        desk = await writing_desk(WriteSession(session), resources, plan, actor)
        check_milestone_right(desk, "complete", found)
    return FilePlace(plan.city_code, plan.document.evidence)


@router.post("/milestones/{milestone_id}/evidence", **ADDING)
async def add_milestone_evidence(
    milestone_id: MilestoneId,
    actor: MilestoneWriter,
    new: Annotated[NewFile, receiving(_milestone_place)],
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Add a file that shows what was done for a milestone, while it is worked on.

    It is for the unit that promised. A milestone that is closed keeps the files that it was
    closed with.
    """
    milestone = in_scope(
        await milestone_queries.for_update(session, actor, milestone_id), MilestoneNotFound
    )
    plan = await resources.plans.of_city(milestone.city_code, milestone.plan_code, session)
    desk = await writing_desk(session, resources, plan, actor)
    return added(await add_to_milestone(session, milestone, new, desk=desk))


@router.get("/milestones/{milestone_id}/evidence", responses=_LISTED)
async def list_milestone_evidence(
    found: Annotated[Milestone, Depends(_milestone_seen)], session: Reading, resources: ResourcesDep
) -> EvidenceFileListOut:
    """List the files of a milestone, and what the plan asks for before it is completed."""
    plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
    pieces = pieces_of(found.files)
    rows = await queries.files_of_pieces(session, found.city_code, pieces)
    measure = plan.measures.get(found.measure_code)
    rule = None if measure is None else measure.evidence
    return evidence_list(rows, plan.document.evidence, rule, pieces)


# Of targets that the superior assigned


async def _target_place(actor: Assigner, plan: PlanInScope, _code: AssignedCode) -> FilePlace:
    del actor  # the right to assign targets includes adding their files
    return FilePlace(plan.city_code, plan.document.evidence)


@router.post("/plans/{plan}/indicators/{code}/targets/{year}/evidence", **ADDING)
async def add_target_evidence(
    actor: Assigner,
    plan: PlanInScope,
    code: AssignedCode,
    year: Year,
    new: Annotated[NewFile, receiving(_target_place)],
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Add the document that assigns a target: to the assignment that counts for the year.

    A target counts as soon as it is assigned, so its files are never removed. Where a wrong one
    was added, assign the target anew.
    """
    fresh = await plan_for_change(session, plan)
    row = await add_to_target(
        session, (code, year), new, plan=fresh, actor=actor, now=resources.clock.now()
    )
    return added(row)


@router.get("/plans/{plan}/indicators/{code}/targets/{year}/evidence", responses=_LISTED)
async def list_target_evidence(
    actor: PlanReader,
    plan: PlanInScope,
    code: AssignedCode,
    year: Year,
    session: Reading,
) -> EvidenceFileListOut:
    """List the files of every assignment of a year; `subject` says of which."""
    del actor
    limits = plan.document.evidence
    subjects = [target_subject(one) for one in plan.assigned.get((code, year), ())]
    rows = await queries.files_of_targets(
        session, plan.city_code, subjects, most=limits.max_files * max(len(subjects), 1)
    )
    return evidence_list(rows, limits, None, ())
