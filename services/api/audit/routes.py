"""Routes of the audit: the record of changes to keys and settings, and its signed file."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.api.actors import with_names
from services.api.audit.schemas import AuditListOut, entry_out
from services.api.context import PageSize, PageToken, Reading, Resources, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.exports.answering import FileStream
from services.api.instants import Instant
from services.api.paging import after_id, cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import authenticate, permitted
from services.core.audit import linking, queries
from services.core.audit.proving import AuditFile, begin_file
from services.core.audit.queries import EntryFilter
from services.core.audit.service import note
from services.core.identity.actor import Actor
from services.core.identity.errors import Unauthenticated, takes
from services.core.identity.rules import Permission
from services.core.kit.signatures import Signer

router = versioned_router("audit")

NDJSON = "application/x-ndjson"


async def _auditor(
    actor: Annotated[Actor, Depends(permitted(Permission.READ_AUDIT))],
) -> Actor:
    """Return the caller, whose key must be for the whole city, as the audit is."""
    if actor.plan_code is not None or actor.organization_code is not None:
        raise takes("不限计划和单位的审计管理员密钥", "an auditor's key of the whole city")
    return actor


Auditor = Annotated[Actor, Depends(_auditor)]


@router.get("/audit", responses={**answering("Audit"), **refusals(403)})
async def list_audit(
    actor: Auditor,
    session: Reading,
    action: Annotated[
        str | None, Query(max_length=60, description="Only what is this, such as `key.created`")
    ] = None,
    credential_id: Annotated[
        UUID | None, Query(description="Only what this key, or this user, did")
    ] = None,
    subject: Annotated[
        str | None,
        Query(
            max_length=300,
            description="Only what was done with this kind of thing, or this one: `api_key`, or"
            " `api_key/` and its id",
        ),
    ] = None,
    from_: Annotated[
        Instant | None, Query(alias="from", description="Only what was done since this instant")
    ] = None,
    to: Annotated[Instant | None, Query(description="Only what was done before it")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AuditListOut:
    """List what was done with keys, settings and files of the city, the newest first.

    What happened to the plan is in the log, `GET /v1/events`. Both are bound into one chain, in
    which each entry has its number: `GET /v1/audit/export` has all of it.
    """
    kind, _, subject_id = (subject or "").partition("/")
    wanted = EntryFilter(
        action=action,
        actor_id=credential_id,
        subject_kind=kind or None,
        subject_id=subject_id or None,
        since=from_,
        until=to,
    )
    named = of_list(
        actor,
        "audit",
        action=action,
        credential_id=credential_id,
        subject=subject,
        within=[from_, to],
    )
    found = await queries.entries(
        session,
        actor.city_code,
        wanted=wanted,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.entry.id])
    actors = await with_names(session, actor.city_code, [one.entry.actor for one in page])
    items = [entry_out(one, by) for one, by in zip(page, actors, strict=True)]
    return AuditListOut(items=items, next_page_token=following)


def _file_answer() -> dict[int | str, dict[str, object]]:
    answer = answering("AuditFile", media_type=NDJSON)
    answer[200]["content"][NDJSON]["schema"] = {"type": "string", "format": "binary"}
    return answer


@router.get(
    "/audit/export",
    response_class=Response,
    responses={**_file_answer(), **refusals(403, 422)},
)
async def export_audit(
    request: Request,
    actor: Auditor,
    resources: ResourcesDep,
    after: Annotated[
        int,
        Query(ge=0, le=2**62, description="Go on after this number of the chain; 0: all of it"),
    ] = 0,
) -> Response:
    """Return the city's log and audit as one chain, in lines of JSON that prove themselves.

    `wufei audit verify --file` names the first line that was altered, removed, added or swapped;
    it needs neither the database nor a key. The last line is the head of the chain, signed: a file
    without it was broken off. That it was asked for is in the audit.
    """
    async with resources.database.transaction() as session:
        begun = await begin_file(session, actor.city_code, after=after)
        if not context_of(request).is_head:
            await note(
                session,
                city_code=actor.city_code,
                action="audit.exported",
                subject=("audit", actor.city_code),
                actor=actor.stamp(),
                data={"after": after, "upto": begun.head.number},
                at=resources.clock.true_now(),
            )
    name = f"audit-{actor.city_code}-{after + 1}-{begun.head.number}.ndjson"
    stream = FileStream(
        iter(()),
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
        media_type=NDJSON,
    )
    if not context_of(request).is_head:
        stream.body_iterator = _pieces(request, resources, begun, stream)
    return stream


async def _pieces(
    request: Request, resources: Resources, begun: AuditFile, stream: FileStream
) -> AsyncIterator[bytes]:
    """Yield the file; a key that is revoked meanwhile ends it early."""
    yield begun.first
    at = begun.after
    while at < begun.head.number:
        try:
            await authenticate(request)
        except Unauthenticated:
            stream.broken_off = True
            return
        async with resources.database.sessions() as session:
            lines, at = await begun.lines(session, at)
        yield lines
    signer = None if resources.seal is None else Signer(resources.seal, linking.PURPOSE)
    yield begun.last(signer, at=resources.clock.true_now())
