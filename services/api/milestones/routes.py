"""Routes of milestones: assign one, list them, read one with its branches and its history."""

from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic_core import to_json

from services.api.actors import name_actors
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.deferred_faults import DeferredFaults
from services.api.filters import ChangedAfter, check_codes
from services.api.milestones.desks import reading_desk, writing_desk
from services.api.milestones.parameters import MilestoneId, Reader, Writer
from services.api.milestones.schemas import (
    CheckedMilestone,
    MilestoneDetailOut,
    MilestoneHistoryOut,
    MilestoneIn,
    MilestoneListOut,
)
from services.api.milestones.views import (
    milestone_detail,
    milestone_list,
    tombstones,
)
from services.api.paging import cut, history_page, of_list
from services.api.routing import versioned_router
from services.api.turns import in_scope
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.kit.errors import InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.pagination import BadPageToken, read_page_token
from services.core.milestones import queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.assigning import MilestoneDraft, assign, draft_faults
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.models import Milestone
from services.core.milestones.queries import MilestoneFilters, Sight
from services.core.milestones.rights import may_assign
from services.core.milestones.rules import MilestoneState
from services.core.plan.visibility import sees_whole_plan
from services.core.plan.written import Day
from services.core.scoring.lights import Light

router = versioned_router("milestones")


async def _assigner(actor: Writer) -> Actor:
    if not may_assign(actor):
        raise takes(
            "领导小组办公室（office），或所牵头措施的牵头单位（lead）",
            "the office, or a lead for the measures that its unit leads",
        )
    return actor


Assigner = Annotated[Actor, Depends(_assigner)]


@router.post(
    "/plans/{plan}/milestones",
    status_code=201,
    responses={
        **answering("MilestoneAssigned", ETAG, LOCATION, status=201, model=MilestoneDetailOut),
        **refusals(403, 404),
    },
    openapi_extra=asking("MilestoneAssignment", "AssignmentOfBranch"),
    response_model=None,
)
async def create_milestone(
    body: CheckedMilestone,
    actor: Assigner,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Assign a milestone to a unit, which then has to sign for it.

    The office assigns to any unit; a lead, under the measures that its unit leads, to its own
    and to the responsible units. Whoever assigns to their own unit is given no date to sign by.
    """
    desk = await writing_desk(session, resources, plan, actor)
    milestone = await assign(session, desk=desk, draft=await _draft(session, desk, body))
    shown = await milestone_detail(session, milestone, desk)
    return shown.created(f"/v1/milestones/{milestone.id}")


async def _draft(
    session: Writing, desk: MilestoneDesk, body: MilestoneIn | DeferredFaults
) -> MilestoneDraft:
    """Return the milestone to assign, or raise every fault of shape and of reference at once."""
    if isinstance(body, DeferredFaults):
        named = {name: _code(body, name) for name in ("measure_code", "organization_code")}
        faults = await draft_faults(session, desk=desk, due_date=None, parent_id=None, **named)
        raise InvalidInput(faults=[*faults_of(body.errors), *faults])
    return MilestoneDraft(
        measure_code=body.measure_code,
        organization_code=body.organization_code,
        title=body.title,
        deliverable=body.deliverable,
        evidence_rule=body.evidence_rule,
        weight=body.weight,
        due_date=body.due_date,
        parent_id=body.parent_id,
    )


def _code(body: DeferredFaults, name: str) -> str | None:
    found = body.members.get(name)
    return found if isinstance(found, str) else None


@router.get(
    "/plans/{plan}/milestones",
    responses={**answering("Milestones"), **refusals(403, 404, 410)},
    response_model=MilestoneListOut,
)
async def list_milestones(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    measure_code: Annotated[
        str | None, Query(max_length=60, description="Of this measure only")
    ] = None,
    organization_code: Annotated[
        str | None, Query(max_length=60, description="Of this unit only")
    ] = None,
    state: Annotated[MilestoneState | None, Query(description="In this state only")] = None,
    due_before: Annotated[Day | None, Query(description="Due before this day only")] = None,
    parent_id: Annotated[UUID | None, Query(description="Branches of this one only")] = None,
    light: Annotated[Light | None, Query(description="With this light today only")] = None,
    overdue: Annotated[
        bool | None,
        Query(description="`true`: not handed in, and the due date is over; `false`: the others"),
    ] = None,
    changed_after: ChangedAfter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> Response:
    """List the milestones that the caller may see, soonest due first.

    A clerk sees its unit's; a lead also all under the measures that its unit leads; the
    superior none. With `changed_after` it lists what changed since that position of the city's
    log, and what was cancelled as `tombstones`; go on from `position` while `has_more`.
    """
    desk = await reading_desk(session, resources, plan, actor)
    filters = MilestoneFilters(
        measure_code, organization_code, state, due_before, parent_id, light, overdue
    )
    if changed_after is not None:
        if page_token is not None:
            raise BadPageToken
        return await _changes(session, desk, filters, changed_after, page_size)
    named = of_list(actor, "milestones", plan=plan.code, **filters.named())
    after = None
    if page_token is not None:
        after = read_page_token(page_token, named, date.fromisoformat, UUID)
    rows = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        filters=filters,
        sight=_sight(desk),
        after=after,
        limit=page_size + 1,
    )
    check_codes(rows, plan, organization_code=organization_code, measure_code=measure_code)
    page, following = cut(rows, page_size, named, lambda one: [one.due_date, one.id])
    listed = {
        "items": await milestone_list(session, page, desk),
        "limited_to_scope": not sees_whole_plan(actor),
        "next_page_token": following,
        "tombstones": [],
        "position": None,
        "has_more": following is not None,
    }
    return Response(to_json(listed), media_type="application/json")


def _sight(desk: MilestoneDesk) -> Sight:
    document = desk.plan.document
    return Sight(desk.today, document.time_zone, document.scheme.lights)


async def _changes(
    session: Reading, desk: MilestoneDesk, filters: MilestoneFilters, position: int, limit: int
) -> Response:
    changes = await queries.changed_after(
        session,
        desk.actor,
        plan_code=desk.plan.code,
        filters=filters,
        sight=_sight(desk),
        position=position,
        limit=limit,
    )
    check_codes(
        changes.found,
        desk.plan,
        organization_code=filters.organization_code,
        measure_code=filters.measure_code,
    )
    kept = [row for _, row in changes.found if row.state != "cancelled"]
    listed = {
        "items": await milestone_list(session, kept, desk),
        "limited_to_scope": not sees_whole_plan(desk.actor),
        "next_page_token": None,
        "tombstones": tombstones(changes.found),
        "position": changes.position,
        "has_more": changes.more,
    }
    return Response(to_json(listed), media_type="application/json")


async def _seen(milestone_id: MilestoneId, actor: Reader, session: Reading) -> Milestone:
    """Return a milestone that the caller sees.

    Raises:
        MilestoneNotFound: no milestone with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, milestone_id), MilestoneNotFound)


Seen = Annotated[Milestone, Depends(_seen)]


@router.get(
    "/milestones/{milestone_id}",
    responses={**answering("Milestone", ETAG), **refusals(403, 404)},
    response_model=MilestoneDetailOut,
)
async def get_milestone(
    row: Seen,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one milestone with its branches and the extensions asked for it."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    desk = await reading_desk(session, resources, plan, actor)
    shown = await milestone_detail(session, row, desk)
    return shown.answer(if_none_match)


@router.get(
    "/milestones/{milestone_id}/history",
    responses={**answering("MilestoneHistory"), **refusals(403, 404)},
    response_model=MilestoneHistoryOut,
)
async def get_milestone_history(
    row: Seen,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> Response:
    """Return every change: before and after, who, when, by which channel and request, why."""
    named = of_list(actor, "milestone-history", of=row.id)
    history = partial(queries.history, session, row.city_code, row.id)
    listed = await history_page(history, page_token, named, page_size)
    await name_actors(session, row.city_code, listed["items"])
    return Response(to_json(listed), media_type="application/json")
