"""Paths of extensions: list and read them, grant, deny, take back."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from services.api.answers import json_answer
from services.api.context import (
    Held,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    Writing,
    check_version,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.extensions import examples
from services.api.extensions.schemas import (
    ExtensionIn,
    ExtensionListOut,
    ExtensionOut,
    GrantIn,
    extension_body,
    extension_fields,
)
from services.api.milestones.routes import Reader, Writer, writing_desk
from services.api.obligations.routes import ObligationId
from services.api.paging import of_list
from services.api.routing import versioned_router
from services.api.submissions.schemas import ReasonIn, RemarkIn
from services.core.extensions import queries
from services.core.extensions.errors import ExtensionNotFound
from services.core.extensions.models import Extension
from services.core.extensions.rules import ExtensionState, ExtensionSubjectKind, ExtensionVerb
from services.core.identity.actor import Actor
from services.core.kit.pagination import new_page_token, read_page_token
from services.core.milestones import extending
from services.core.milestones.conditions import EXTENSIONS
from services.core.milestones.extending import ExtensionCase
from services.core.obligations.errors import ObligationNotFound
from services.core.obligations.queries import visible as visible_obligation
from services.core.plan.visibility import scope

router = versioned_router("milestones")

ExtensionId = Annotated[
    UUID,
    Path(description="Id of an extension", examples=["019aafc0-0000-7000-8000-0000000000e1"]),
]

_VERB = refusals(403, 404, 409, 412)


@router.get(
    "/plans/{plan}/extensions",
    responses={**answering(examples.EXTENSIONS), **refusals(403, 404)},
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
    after = None if page_token is None else read_page_token(page_token, named, UUID)[0]
    rows = await queries.page(
        session,
        visible=scope(actor, EXTENSIONS).clause,
        plan_code=plan.code,
        state=state,
        subject_kind=subject_kind,
        after=after,
        limit=page_size + 1,
    )
    page, more = rows[:page_size], len(rows) > page_size
    leads = await extending.leads_of_subjects(session, page, plan)
    listed = [extension_fields(row, actor, leads.get(row.subject_id, ())) for row in page]
    return ExtensionListOut.model_validate(
        {
            "items": listed,
            "next_page_token": new_page_token([str(page[-1].id)], named) if more else None,
        }
    )


async def _visible(session: Reading | Writing, actor: Actor, extension_id: UUID) -> Extension:
    found = await queries.one(session, extension_id, visible=scope(actor, EXTENSIONS).clause)
    if found is None:
        raise ExtensionNotFound
    return found


@router.get(
    "/extensions/{extension_id}",
    responses={**answering(examples.EXTENSION, ETAG), **refusals(403, 404)},
    response_model=ExtensionOut,
)
async def get_extension(
    extension_id: ExtensionId,
    actor: Reader,
    session: Reading,
    held: Held,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one extension."""
    row = await _visible(session, actor, extension_id)
    plan = await held.plans.of_city(row.city_code, row.plan_code, session)
    leads = await extending.leads_of_subjects(session, [row], plan)
    _, body, etag = extension_body(row, actor, leads.get(row.subject_id, ()))
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.post(
    "/obligations/{obligation_id}/extensions",
    status_code=201,
    responses={
        **answering(examples.OWED_REQUESTED, ETAG, LOCATION, status=201, model=ExtensionOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking(examples.OWED_REQUEST),
    response_model=None,
)
async def request_obligation_extension(
    obligation_id: ObligationId, body: ExtensionIn, actor: Writer, session: Writing, held: Held
) -> Response:
    """Ask for more time to report one value; the unit that owes it asks.

    One request may wait at a time, and the plan limits how many are granted. Until it is
    granted the present due date stands.
    """
    obligation = await visible_obligation(session, actor, obligation_id, for_update=True)
    if obligation is None:
        raise ObligationNotFound
    plan = await held.plans.of_city(obligation.city_code, obligation.plan_code, session)
    extension = await extending.ask_for_obligation(
        session,
        obligation,
        desk=await writing_desk(session, held, plan, actor),
        proposed_date=body.proposed_date,
        reason=body.reason,
    )
    leads = extending.indicator_leads(plan, obligation.indicator_code)
    _, answer, etag = extension_body(extension, actor, leads)
    headers = {"ETag": etag, "Location": f"/v1/extensions/{extension.id}"}
    return Response(answer, 201, headers, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Hearing:
    """A case in the caller's scope, and a caller with the right to the verb."""

    case: ExtensionCase
    session: Writing

    def body(self) -> tuple[dict[str, Any], bytes, str]:
        """Return the extension as fields, as JSON, and its ETag."""
        return extension_body(self.case.extension, self.case.desk.actor, self.case.leads)

    def check(self, if_match: str | None) -> None:
        """Refuse a decision that is based on another version than the one that stands."""
        current, _, etag = self.body()
        check_version(if_match, etag, required=False, current=current)

    def shown(self) -> Response:
        """Return the extension as it stands after the decision."""
        _, body, etag = self.body()
        return json_answer(body, etag=etag)


@dataclass(frozen=True, slots=True)
class Hearings:
    """The dependency that takes up a case for a verb, before the body is judged."""

    verb: ExtensionVerb

    async def __call__(
        self, extension_id: ExtensionId, actor: Writer, session: Writing, held: Held
    ) -> Hearing:
        """Return the hearing, with the case locked.

        Raises:
            ExtensionNotFound: there is none of this id in the caller's scope.
            OwnExtension, Forbidden: the caller has no right to the verb.
            ExtensionNotPossible: what it is for cannot be extended.
        """
        found = await _visible(session, actor, extension_id)
        plan = await held.plans.of_city(found.city_code, found.plan_code, session)
        desk = await writing_desk(session, held, plan, actor)
        case = await extending.take_up(session, found, desk=desk)
        extending.check_right(case, self.verb)
        return Hearing(case, session)


@router.post(
    "/extensions/{extension_id}/approve",
    responses={**answering(examples.GRANTED, ETAG), **_VERB},
    openapi_extra=asking(examples.GRANT, required=False),
    response_model=ExtensionOut,
)
async def approve_extension(
    body: GrantIn,
    hearing: Annotated[Hearing, Depends(Hearings("approve"))],
    if_match: IfMatch = None,
) -> Response:
    """Grant more time, in part where `granted_date` is earlier than proposed.

    The new due date is in force at once and begins a new epoch. The office decides, or the
    measure's lead on what another unit asks for; nobody on what their own unit asks for.
    """
    hearing.check(if_match)
    await extending.approve(
        hearing.session, hearing.case, granted_date=body.granted_date, reason=body.reason
    )
    return hearing.shown()


@router.post(
    "/extensions/{extension_id}/deny",
    responses={**answering(examples.DENIED, ETAG), **_VERB},
    openapi_extra=asking(examples.DENIAL),
    response_model=ExtensionOut,
)
async def deny_extension(
    body: ReasonIn,
    hearing: Annotated[Hearing, Depends(Hearings("deny"))],
    if_match: IfMatch = None,
) -> Response:
    """Refuse more time, with the reason; the present due date stands."""
    hearing.check(if_match)
    await extending.deny(hearing.session, hearing.case, reason=body.reason)
    return hearing.shown()


@router.post(
    "/extensions/{extension_id}/withdraw",
    responses={**answering(examples.WITHDRAWN, ETAG), **_VERB},
    openapi_extra=asking(examples.WITHDRAWAL, required=False),
    response_model=ExtensionOut,
)
async def withdraw_extension(
    body: RemarkIn,
    hearing: Annotated[Hearing, Depends(Hearings("withdraw"))],
    if_match: IfMatch = None,
) -> Response:
    """Take a request of the caller's unit back."""
    hearing.check(if_match)
    await extending.withdraw(hearing.session, hearing.case, reason=body.reason)
    return hearing.shown()
