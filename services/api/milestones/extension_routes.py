"""Routes of extensions: list and read them, grant, deny, take back."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.context import (
    IfMatch,
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
from services.api.extensions.schemas import (
    ExtensionIn,
    ExtensionListOut,
    ExtensionOut,
    GrantIn,
    extension_fields,
    extension_shown,
)
from services.api.milestones.desks import writing_desk
from services.api.milestones.parameters import Reader, Writer
from services.api.obligations.parameters import ObligationId
from services.api.paging import after_id, cut, of_list
from services.api.reasons import ReasonIn, RemarkIn
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope
from services.core.extensions import queries
from services.core.extensions.errors import ExtensionNotFound
from services.core.extensions.models import Extension
from services.core.extensions.rules import ExtensionState, ExtensionSubjectKind, ExtensionVerb
from services.core.identity.actor import Actor
from services.core.milestones import extending
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.conditions import EXTENSIONS
from services.core.milestones.extending import ExtensionCase
from services.core.obligations.errors import ObligationNotFound
from services.core.obligations.models import Obligation
from services.core.obligations.queries import visible as visible_obligation
from services.core.plan.visibility import scope, sees_whole_plan

router = versioned_router("milestones")

ExtensionId = Annotated[
    UUID,
    Path(description="Id of an extension", examples=["019aafc0-0000-7000-8000-0000000000e1"]),
]

_VERB = refusals(403, 404, 409, 412)


@router.get(
    "/plans/{plan}/extensions",
    responses={**answering("Extensions"), **refusals(403, 404)},
)
async def list_extensions(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    state: Annotated[ExtensionState | None, Query(description="In this state only")] = None,
    subject_kind: Annotated[
        ExtensionSubjectKind | None, Query(description="For things of this kind only")
    ] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ExtensionListOut:
    """List the extensions that the caller may see, newest first.

    Who sees a milestone sees what was asked for it. `state=requested` is what waits.
    """
    named = of_list(actor, "extensions", plan=plan.code, state=state, subject_kind=subject_kind)
    rows = await queries.page(
        session,
        visible=scope(actor, EXTENSIONS).clause,
        plan_code=plan.code,
        state=state,
        subject_kind=subject_kind,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(rows, page_size, named, lambda one: [one.id])
    leads = await extending.leads_of_subjects(session, page, plan)
    listed = [extension_fields(row, actor, leads.get(row.subject_id, ())) for row in page]
    return ExtensionListOut.model_validate(
        {
            "items": listed,
            "next_page_token": following,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


async def _visible(session: AsyncSession, actor: Actor, extension_id: UUID) -> Extension:
    """Return an extension that the caller sees.

    Raises:
        ExtensionNotFound: no extension with this id is in the caller's scope.
    """
    visible = scope(actor, EXTENSIONS).clause
    return in_scope(await queries.one(session, extension_id, visible=visible), ExtensionNotFound)


async def _seen(extension_id: ExtensionId, actor: Reader, session: Reading) -> Extension:
    return await _visible(session, actor, extension_id)


@router.get(
    "/extensions/{extension_id}",
    responses={**answering("Extension", ETAG), **refusals(403, 404)},
    response_model=ExtensionOut,
)
async def get_extension(
    row: Annotated[Extension, Depends(_seen)],
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one extension."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    leads = await extending.leads_of_subjects(session, [row], plan)
    shown = extension_shown(row, actor, leads.get(row.subject_id, ()))
    return shown.answer(if_none_match)


@dataclass(frozen=True, slots=True)
class OwedTurn:
    """A locked obligation, and a caller who may ask for more time to meet it."""

    obligation: Obligation
    desk: MilestoneDesk
    session: AsyncSession


async def _take_owed(
    obligation_id: ObligationId, actor: Writer, session: Writing, resources: ResourcesDep
) -> OwedTurn:
    owed = in_scope(
        await visible_obligation(session, actor, obligation_id, for_update=True), ObligationNotFound
    )
    plan = await resources.plans.of_city(owed.city_code, owed.plan_code, session)
    extending.check_asker(actor, owed)
    return OwedTurn(owed, await writing_desk(session, resources, plan, actor), session)


@router.post(
    "/obligations/{obligation_id}/extensions",
    status_code=201,
    responses={
        **answering("OwedExtensionRequested", ETAG, LOCATION, status=201, model=ExtensionOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking("OwedExtensionRequest"),
    response_model=None,
)
async def request_obligation_extension(
    body: ExtensionIn, turn: Annotated[OwedTurn, Depends(_take_owed)]
) -> Response:
    """Ask for more time to report one value; the unit that owes it asks.

    One request may wait at a time, and the plan limits how many are granted. Until it is
    granted the present due date stands.
    """
    extension = await extending.ask_for_obligation(
        turn.session,
        turn.obligation,
        desk=turn.desk,
        proposed_date=body.proposed_date,
        reason=body.reason,
    )
    leads = extending.indicator_leads(turn.desk.plan, turn.obligation.indicator_code)
    shown = extension_shown(extension, turn.desk.actor, leads)
    return shown.created(f"/v1/extensions/{extension.id}")


@dataclass(frozen=True)
class ExtensionTurn(Turn[ExtensionCase]):
    """The turn of a verb on an extension, with its subject."""

    @override
    async def shown(self) -> Shown:
        return extension_shown(self.item.extension, self.actor, self.item.leads)


def _taking(verb: ExtensionVerb) -> Any:
    """Return the dependency that locks an extension for a verb."""

    async def take(
        extension_id: ExtensionId, actor: Writer, session: Writing, resources: ResourcesDep
    ) -> ExtensionTurn:
        asked = await _visible(session, actor, extension_id)
        plan = await resources.plans.of_city(asked.city_code, asked.plan_code, session)
        desk = await writing_desk(session, resources, plan, actor)
        case = await extending.take_up(session, asked, desk=desk)
        extending.check_right(case, verb)
        return ExtensionTurn(case, actor, session, resources)

    return Depends(take)


@router.post(
    "/extensions/{extension_id}/approve",
    responses={**answering("ExtensionGranted", ETAG), **_VERB},
    openapi_extra=asking("Grant", required=False),
    response_model=ExtensionOut,
)
async def approve_extension(
    body: GrantIn,
    turn: Annotated[ExtensionTurn, _taking("approve")],
    if_match: IfMatch = None,
) -> Response:
    """Grant more time, in part where `granted_date` is earlier than proposed.

    The new due date is in force at once and begins a new epoch. The office decides, or the
    measure's lead on what another unit asks for; nobody on what their own unit asks for.
    """
    return await turn.act(
        if_match, extending.approve, granted_date=body.granted_date, reason=body.reason
    )


@router.post(
    "/extensions/{extension_id}/deny",
    responses={**answering("ExtensionDenied", ETAG), **_VERB},
    openapi_extra=asking("Denial"),
    response_model=ExtensionOut,
)
async def deny_extension(
    body: ReasonIn,
    turn: Annotated[ExtensionTurn, _taking("deny")],
    if_match: IfMatch = None,
) -> Response:
    """Refuse more time, with the reason; the present due date stands."""
    return await turn.act(if_match, extending.deny, reason=body.reason)


@router.post(
    "/extensions/{extension_id}/withdraw",
    responses={**answering("ExtensionWithdrawn", ETAG), **_VERB},
    openapi_extra=asking("Withdrawal", required=False),
    response_model=ExtensionOut,
)
async def withdraw_extension(
    body: RemarkIn,
    turn: Annotated[ExtensionTurn, _taking("withdraw")],
    if_match: IfMatch = None,
) -> Response:
    """Take a request of the caller's unit back."""
    return await turn.act(if_match, extending.withdraw, reason=body.reason)
