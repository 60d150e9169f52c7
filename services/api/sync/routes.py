"""The routes by which a device uploads its writes and receives changes."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, Reading, ReadSession, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.milestones.desks import reading_desk, writing_desk
from services.api.problems import language_of
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.api.sync.delta import Device, changes_since, lists_that_differ, refusal_out
from services.api.sync.incoming import writes_of
from services.api.sync.schemas import Digest, KnownListsIn, SyncIn, SyncOut
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.text import Language
from services.core.sync.service import Kept, take_in
from services.core.sync.writes import DisputedKind, disputed_by

router = versioned_router("sync")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]

_PATHS: Mapping[DisputedKind, str] = {
    "submission": "/v1/conflicts/{id}",
    "milestone": "/v1/milestone-conflicts/{id}",
    "register_row": "/v1/register-row-conflicts/{id}",
}
"""The path of a conflict, by its subject."""

_OF_LIST: dict[str, str] = {"description": "The `digest` of this list that the device has"}


@router.post(
    "/sync",
    responses={**answering("Synced"), **refusals(403, 404, 409)},
    openapi_extra=asking("Sync"),
    response_model=SyncOut,
)
@heavy
async def sync(
    body: SyncIn, actor: Reader, session: Writing, resources: ResourcesDep, request: Request
) -> Response:
    """Hand in what a device wrote without a network, and hear what changed meanwhile.

    Up to 500 writes are taken in, in their order; each has an answer of its own and each is
    judged as its own path would judge it. A write that is sent again is not taken in twice and is
    answered as before, so a device may repeat a call, whole or in part, until it is answered.

    A change is merged by field with what others changed since `base_version`. Only where both
    changed the same field it is a conflict: the ledger stays as it is, what the device said is
    kept beside it, and whoever reports for the unit decides. Those over milestones, and over rows
    of registers, have paths of their own.
    """
    plan = await resources.plans.get(body.plan, actor, session)
    sent = writes_of(body.writes)
    desk = await writing_desk(session, resources, plan, actor)
    taken = await take_in(
        session, sent, plan=plan, actor=actor, desk=desk, now=resources.clock.now()
    )
    language = language_of(request)
    reading = ReadSession(session)
    device = Device(actor, plan, reading, resources, request, language, body.known)
    prefix = request.scope.get("root_path", "")
    answer = {
        "results": [_result_out(one, language, prefix) for one in taken],
        **await changes_since(device, desk, body.position),
        **await lists_that_differ(device),
    }
    return Response(to_json(answer), media_type="application/json")


async def _known(
    obligations: Annotated[Digest | None, Query(alias="known_obligations", **_OF_LIST)] = None,
    todo: Annotated[Digest | None, Query(alias="known_todo", **_OF_LIST)] = None,
    alerts: Annotated[Digest | None, Query(alias="known_alerts", **_OF_LIST)] = None,
    conflicts: Annotated[Digest | None, Query(alias="known_conflicts", **_OF_LIST)] = None,
    milestone_conflicts: Annotated[
        Digest | None, Query(alias="known_milestone_conflicts", **_OF_LIST)
    ] = None,
    register_row_conflicts: Annotated[
        Digest | None, Query(alias="known_register_row_conflicts", **_OF_LIST)
    ] = None,
    refused: Annotated[Digest | None, Query(alias="known_refused", **_OF_LIST)] = None,
) -> KnownListsIn:
    return KnownListsIn(
        obligations=obligations,
        todo=todo,
        alerts=alerts,
        conflicts=conflicts,
        milestone_conflicts=milestone_conflicts,
        register_row_conflicts=register_row_conflicts,
        refused=refused,
    )


@router.get(
    "/sync",
    responses={**answering("SyncedSince", ETAG), **refusals(403, 404)},
    response_model=SyncOut,
)
async def get_sync(
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    request: Request,
    known: Annotated[KnownListsIn, Depends(_known)],
    plan: Annotated[
        str, Query(max_length=60, description="Code of the plan", examples=["410183-2025"])
    ],
    position: Annotated[
        int | None, Query(ge=0, le=2**62, description="`position` of the answer before")
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Hear what changed, as a device does that has nothing to hand in.

    It is what `POST /v1/sync` answers without writes. With `If-None-Match` it is 304 while
    nothing has happened.
    """
    state = await resources.plans.get(plan, actor, session)
    desk = await reading_desk(session, resources, state, actor)
    device = Device(actor, state, session, resources, request, language_of(request), known)
    answer = {
        "results": [],
        **await changes_since(device, desk, position),
        **await lists_that_differ(device),
    }
    body = to_json(answer)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _result_out(kept: Kept, language: Language, prefix: str) -> dict[str, object]:
    result = {**kept.result}
    refusal = refusal_out(result.pop("refusal"), language)
    return {
        "id": kept.write.id,
        **result,
        "conflict": _disputed(kept, prefix),
        "repeated": kept.repeated,
        "refusal": refusal,
    }


def _disputed(kept: Kept, prefix: str) -> dict[str, object] | None:
    """Return a conflict's subject and its path; `prefix` is the API's."""
    conflict_id = kept.result["conflict_id"]
    if conflict_id is None:
        return None
    kind = disputed_by(kept.write)
    return {"kind": kind, "id": conflict_id, "href": prefix + _PATHS[kind].format(id=conflict_id)}
