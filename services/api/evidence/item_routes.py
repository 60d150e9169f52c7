"""Routes of one file of evidence: its metadata, its content, a link to that, and its removal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, Reading, Resources, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering
from services.api.evidence.schemas import (
    EvidenceFileOut,
    EvidenceLinkOut,
    evidence_body,
)
from services.api.evidence.sending import stored_file
from services.api.milestones.desks import writing_desk
from services.api.request_context import context_of
from services.api.routing import PublicRoute, admit, versioned_router
from services.api.security import Caller, address_of
from services.api.turns import in_scope
from services.core.evidence import queries
from services.core.evidence.errors import (
    EvidenceLinkEnded,
    EvidenceNotFound,
    EvidenceRemoved,
    EvidenceRestedUpon,
)
from services.core.evidence.links import MOST_MINUTES, USUAL_MINUTES, EvidenceLink, read_link
from services.core.evidence.models import Evidence
from services.core.evidence.service import (
    key_of,
    remove_from_milestone,
    remove_from_row,
    remove_from_submission,
)
from services.core.identity.actor import Actor
from services.core.identity.errors import Unauthenticated, not_permitted
from services.core.identity.networks import is_within, networks_of
from services.core.identity.queries import actor_of, good_key
from services.core.identity.rules import Permission
from services.core.kit.city_scope import enter_city
from services.core.kit.file_kinds import FILE_KINDS, FileKind, answered_as
from services.core.kit.sealing import SecretKeyNotSet
from services.core.milestones import queries as milestone_queries
from services.core.milestones.service import check_right as check_milestone_right
from services.core.registers import queries as row_queries
from services.core.registers.lifecycle import check_right as check_row_right
from services.core.registers.rules import register_in
from services.core.registers.service import RegisterDesk
from services.core.submissions import queries as submission_queries
from services.core.submissions.verbs import check_right

router = versioned_router("evidence")
links_router = APIRouter(prefix="/v1", tags=["evidence"], route_class=PublicRoute)

EvidenceId = Annotated[
    UUID,
    Path(description="Id of a file of evidence", examples=["019bb0f1-7000-7000-8000-0000000000e1"]),
]
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        **answering("EvidenceContent", ETAG)[200],
        "content": {
            media_type: {
                "schema": {"type": "string", "format": "binary"},
                "examples": {"EvidenceContent": {}},
            }
            for media_type in sorted({answered_as(kind) for kind in FILE_KINDS})
        },
    }
}
"""The response with a file, of any media type."""


async def _seen(evidence_id: EvidenceId, actor: Caller, session: Reading) -> Evidence:
    return await queries.evidence_seen(session, actor, evidence_id)


Seen = Annotated[Evidence, Depends(_seen)]


@router.get(
    "/evidence/{evidence_id}",
    responses={**answering("Evidence", ETAG), **refusals(404)},
    response_model=EvidenceFileOut,
)
async def get_evidence(row: Seen, if_none_match: IfNoneMatch = None) -> Response:
    """Return what a file of evidence is; whoever sees what it is about sees it.

    One that was removed says when and by whom.
    """
    body = evidence_body(row)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/evidence/{evidence_id}/content",
    response_class=Response,
    responses={**_CONTENT, **refusals(404, 410, 503)},
)
async def get_evidence_content(
    row: Seen, resources: ResourcesDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the content of a file, under its name and its own `Content-Type`.

    It comes as an attachment, never to be shown by a browser. Its `ETag` is its SHA-256 digest.
    """
    return await _content(row, resources, if_none_match)


async def _content(row: Evidence, resources: Resources, if_none_match: str | None) -> Response:
    if row.removed_at is not None:
        raise EvidenceRemoved
    kind: FileKind = row.type  # type: ignore[assignment] # only kinds of ours are ever written
    described = {
        "Content-Type": answered_as(kind),
        "Content-Length": str(row.size),
        "Content-Disposition": _attachment(row.file_name, kind),
    }
    return await stored_file(
        resources.files,
        key_of(row.city_code, row.id),
        described,
        sha256=row.sha256,
        if_none_match=if_none_match,
    )


def _attachment(name: str, kind: FileKind) -> str:
    """Return the `Content-Disposition` of a file (RFC 6266): its name, and an ASCII fallback."""
    return f"attachment; filename=\"evidence.{kind}\"; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A file whose subject is locked, and a caller with the right to remove it from there."""

    row: Evidence
    remove: Callable[[], Awaitable[None]]


async def _remover(caller: Caller) -> Actor:
    """Return the caller, who may remove evidence of some kind.

    Raises:
        Forbidden: the caller may not write anything that has evidence.
    """
    if not any(caller.may(one) for one in queries.WRITES.values()):
        raise not_permitted(caller, Permission.WRITE_SUBMISSIONS)
    return caller


async def _take(
    evidence_id: EvidenceId,
    actor: Annotated[Actor, Depends(_remover)],
    session: Writing,
    resources: ResourcesDep,
) -> Taken:
    row = await queries.evidence_seen(session, actor, evidence_id)
    now = resources.clock.now()
    if row.subject_kind == "target":
        if not actor.may(Permission.ASSIGN_TARGET):
            raise not_permitted(actor, Permission.ASSIGN_TARGET)
        return Taken(row, _never)
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    subject = UUID(row.subject_id)
    if row.subject_kind == "register_row":
        of = in_scope(await row_queries.for_update(session, actor, subject), EvidenceNotFound)
        desk = RegisterDesk(plan, register_in(plan, of.register_code), actor, now)
        check_row_right(actor, "edit", of, desk.register)
        return Taken(row, partial(remove_from_row, session, of, row, desk=desk))
    if row.subject_kind == "submission":
        submission = in_scope(
            await submission_queries.for_update(session, actor, subject), EvidenceNotFound
        )
        check_right(actor, "edit", vars(submission), plan)
        return Taken(
            row,
            partial(
                remove_from_submission, session, submission, row, plan=plan, actor=actor, now=now
            ),
        )
    milestone = in_scope(
        await milestone_queries.for_update(session, actor, subject), EvidenceNotFound
    )
    promised = await writing_desk(session, resources, plan, actor)
    check_milestone_right(promised, "complete", milestone)
    return Taken(row, partial(remove_from_milestone, session, milestone, row, desk=promised))


async def _never() -> None:
    raise EvidenceRestedUpon


@router.delete(
    "/evidence/{evidence_id}",
    responses={**answering("EvidenceRemoved", ETAG), **refusals(403, 404, 409, 410)},
    response_model=EvidenceFileOut,
)
async def delete_evidence(taken: Annotated[Taken, Depends(_take)]) -> Response:
    """Remove a file that was added by mistake; its record stays, its content does not.

    It may be removed while what it is about may be changed: a draft or a returned submission, a
    milestone that is worked on, a register's row that stands. What a revision was approved with, a
    milestone closed with, a row confirmed with or an appeal filed with is 409
    `evidence-rested-upon`, and so is the document of an assigned target.
    """
    await taken.remove()
    body = evidence_body(taken.row)
    return json_answer(body, etag=body_etag(body))


@router.post(
    "/evidence/{evidence_id}/link",
    status_code=201,
    responses={
        **answering("EvidenceLink", LOCATION, status=201, model=EvidenceLinkOut),
        **refusals(404, 410, 503),
    },
    response_model=None,
)
async def link_evidence(
    row: Seen,
    actor: Caller,
    resources: ResourcesDep,
    minutes: Annotated[
        int, Query(ge=1, le=MOST_MINUTES, description="For how many minutes it is good")
    ] = USUAL_MINUTES,
) -> Response:
    """Make a link to the content of a file, for whoever has no key, such as a viewer of files.

    It is good for the minutes that are asked for and no longer than the key that made it, and it
    never shows what that key does not see. Nothing is written.
    """
    if row.removed_at is not None:
        raise EvidenceRemoved
    if resources.seal is None:
        raise SecretKeyNotSet
    until = resources.clock.true_now().replace(microsecond=0) + timedelta(minutes=minutes)
    link = EvidenceLink(row.city_code, row.id, actor.credential_id, until)
    path = f"/v1/evidence-content?link={link.token(resources.seal)}"
    made = EvidenceLinkOut(path=path, expires_at=until)
    return Response(made.model_dump_json(), 201, {"Location": path}, "application/json")


async def _linked(
    request: Request,
    resources: ResourcesDep,
    link: Annotated[
        str, Query(max_length=500, description="The link that `POST …/link` made")
    ] = "",
) -> Evidence:
    """Return the file of a signed link, as the link's maker sees it now.

    Raises:
        Unauthenticated: the signature is not ours, or its maker's key may not be used from here.
        EvidenceLinkEnded: it has expired, or its maker's key is no longer valid.
        EvidenceNotFound: its maker no longer sees the file.
    """
    now = resources.clock.true_now()
    if resources.seal is None:
        raise Unauthenticated
    found = read_link(link, resources.seal, now=now)
    # Counted apart from the maker's own requests, so that a link's users cannot use up that quota.
    await admit(request, f"links of {found.credential_id}", "reads")
    enter_city(found.city_code)
    async with resources.database.sessions() as session:
        key = await good_key(session, found.city_code, found.credential_id, now=now)
        if key is None:
            raise EvidenceLinkEnded
        networks = networks_of(key.allowed_networks)
        if networks and not is_within(address_of(request), networks):
            raise Unauthenticated
        maker = actor_of(key, channel="link")
        context_of(request).maker = maker
        return await queries.evidence_seen(session, maker, found.evidence_id)


@links_router.get(
    "/evidence-content",
    response_class=Response,
    responses={**_CONTENT, **refusals(404, 410)},
    openapi_extra={"security": [{"evidence_link": []}]},
)
async def read_evidence_link(
    row: Annotated[Evidence, Depends(_linked)],
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return the content of a file to whoever has a link to it."""
    return await _content(row, resources, if_none_match)
