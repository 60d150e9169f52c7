"""Routes of keys and organizations."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.answers import body_etag, item_etag, json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Reading,
    Resources,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.identity.schemas import (
    KeyIn,
    KeyListOut,
    KeyMadeOut,
    KeyOut,
    KeyPatch,
    KeyRotationIn,
    MeOut,
    OrganizationListOut,
    OrganizationOut,
    key_made_out,
    key_out,
    me_out,
    my_user_out,
    organization_out,
)
from services.api.paging import cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import Caller, permitted, session_id_of
from services.api.turns import Shown, Turn, in_scope
from services.core.identity import queries, service
from services.core.identity.actor import Actor
from services.core.identity.changing import edit_key, key_to_change, rotate_key
from services.core.identity.errors import KeyNotFound, OrganizationNotFound, Unauthenticated
from services.core.identity.giving import KeyRequest
from services.core.identity.models import ApiKey, Organization
from services.core.identity.rules import Permission
from services.core.kit.pagination import read_page_token, read_text
from services.core.people import queries as people
from services.core.people.sessions import TOLD_FOR
from services.core.plan.queries import visible_plans

router = versioned_router("identity")

KeyManager = Annotated[Actor, Depends(permitted(Permission.MANAGE_KEYS))]
KeyId = Annotated[
    UUID,
    Path(description="Id of a key", examples=["019aafc0-0000-7000-8000-0000000000a1"]),
]
OrganizationCode = Annotated[
    str,
    Path(max_length=60, description="Code of an organization of the city", examples=["UN15"]),
]


@router.get("/me", responses=answering("Me"))
async def who_am_i(request: Request, actor: Caller, resources: ResourcesDep) -> MeOut:
    """Return who the caller is, and its scopes; of a user also what befell their sessions."""
    session_id = session_id_of(request)
    if session_id is None or actor.person_id is None:
        return me_out(actor)
    since = resources.clock.true_now() - TOLD_FOR
    async with resources.database.sessions() as session:
        person = await people.person(session, actor.city_code, actor.person_id)
        reused = await people.reused_lately(session, actor.city_code, actor.person_id, since)
    if person is None:
        raise Unauthenticated
    return me_out(actor, my_user_out(person, session_id, reused))


@router.post(
    "/api-keys",
    status_code=201,
    responses={**answering("KeyMade", ETAG, LOCATION, status=201), **refusals(403)},
    openapi_extra=asking("Key"),
)
async def create_api_key(
    body: KeyIn,
    request: Request,
    actor: KeyManager,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
) -> KeyMadeOut:
    """Make a key. Its secret is in this answer and nowhere else, not even in a repeated one.

    The key is of the city of its `plan` or `organization_code`; a scope beyond its role is a
    fault. It reaches no further than its maker's: a maker bound to a plan or an organization
    names that one, and one that makes keys does no more, and no longer, than its maker.
    """
    plans = await visible_plans(session, actor)
    key, secret = await service.create_key(
        session,
        request=KeyRequest(
            name=body.name,
            role=body.role,
            organization_code=body.organization_code,
            plan_code=body.plan,
            scopes=None if body.scopes is None else tuple(body.scopes),
            expires_at=body.expires_at,
            city_code=body.city_code,
            allowed_networks=tuple(dict.fromkeys(body.allowed_networks)),
        ),
        actor=actor,
        plan_codes=[plan.code for plan in plans],
        now=resources.clock.true_now(),
        separated=resources.separated,
    )
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    shown = key_out(key).model_dump_json().encode()
    response.headers["ETag"] = item_etag(key.id, key.version, shown)
    # A secret is never stored: the reply kept for repeats omits it.
    context_of(request).kept_reply = key_made_out(key, None).model_dump_json().encode()
    return key_made_out(key, secret)


@router.get("/api-keys", responses={**answering("Keys"), **refusals(403)})
async def list_api_keys(
    actor: KeyManager,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> KeyListOut:
    """List the keys that reach no further than the caller's, revoked ones too."""
    named = of_list(actor, "keys")
    after = None if page_token is None else read_page_token(page_token, named, read_text, UUID)
    found = await queries.visible_keys(session, actor, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.city_code, one.id])
    former = await queries.former_secrets(session, page, now=resources.clock.true_now())
    return KeyListOut(
        items=[key_out(key, former[key.id]) for key in page], next_page_token=following
    )


async def _shown(
    session: AsyncSession, key: ApiKey, resources: Resources
) -> tuple[KeyOut, bytes, str]:
    """Return the public members of a key as JSON, and its ETag."""
    former = await queries.former_secrets(session, [key], now=resources.clock.true_now())
    shown = key_out(key, former[key.id])
    body = shown.model_dump_json().encode()
    return shown, body, item_etag(key.id, key.version, body)


@dataclass(frozen=True)
class KeyTurn(Turn[ApiKey]):
    """The turn of a verb on a key, for callers with at least its rights."""

    @override
    async def shown(self) -> Shown:
        return Shown(*await _shown(self.session, self.item, self.resources))


async def _seen(key_id: KeyId, actor: KeyManager, session: Reading) -> ApiKey:
    return in_scope(await queries.visible_key(session, actor, key_id), KeyNotFound)


async def _turn(
    key_id: KeyId, actor: KeyManager, session: Writing, resources: ResourcesDep
) -> KeyTurn:
    key = await key_to_change(session, key_id, actor=actor, separated=resources.separated)
    return KeyTurn(key, actor, session, resources)


async def _taken(
    key_id: KeyId, actor: KeyManager, session: Writing, resources: ResourcesDep
) -> ApiKey:
    return await service.key_to_revoke(session, key_id, actor=actor, separated=resources.separated)


@router.get(
    "/api-keys/{key_id}",
    responses={**answering("KeyShown", ETAG), **refusals(403, 404)},
    response_model=KeyOut,
)
async def get_api_key(
    key: Annotated[ApiKey, Depends(_seen)],
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one key, without its secret."""
    _, body, etag = await _shown(session, key, resources)
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.patch(
    "/api-keys/{key_id}",
    responses={**answering("KeyEdited", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("KeyEdit"),
    response_model=KeyOut,
)
async def edit_api_key(
    body: KeyPatch, turn: Annotated[KeyTurn, Depends(_turn)], if_match: IfMatch = None
) -> Response:
    """Change what a key is called, until when and from where it is good. `If-Match` is required.

    It holds within five seconds. Role, scopes and reach of a key stay: make another for those.
    One that makes keys is changed by none that may do less, and gets no more than its changer has.
    """
    await turn.check(if_match, required=True)
    changes = body.model_dump(exclude_unset=True)
    if "allowed_networks" in changes:
        changes["allowed_networks"] = list(dict.fromkeys(changes["allowed_networks"]))
    now = turn.resources.clock.true_now()
    await edit_key(turn.session, turn.item, changes=changes, actor=turn.actor, now=now)
    turn.resources.keys.forget()
    return await turn.answer()


@router.post(
    "/api-keys/{key_id}/rotate",
    responses={**answering("KeyRotated", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("KeyRotation", required=False),
    response_model=KeyMadeOut,
)
async def rotate_api_key(
    body: KeyRotationIn,
    request: Request,
    turn: Annotated[KeyTurn, Depends(_turn)],
    if_match: IfMatch = None,
) -> Response:
    """Give a key a new secret; the older ones are good for the overlap yet.

    The id stays, and with it whatever was done by the key. The new secret is in this answer and
    nowhere else, not even in a repeated one. An older one ends at the instant that is told, at
    most five seconds later. At most ten older ones are good at a time.
    """
    await turn.check(if_match)
    secret = await rotate_key(
        turn.session,
        turn.item,
        overlap=timedelta(seconds=body.overlap_seconds),
        actor=turn.actor,
        now=turn.resources.clock.true_now(),
    )
    turn.resources.keys.forget()
    shown, _, etag = await _shown(turn.session, turn.item, turn.resources)
    made = KeyMadeOut(**shown.model_dump(), secret=secret)
    without = made.model_copy(update={"secret": None})
    context_of(request).kept_reply = without.model_dump_json().encode()
    return json_answer(made.model_dump_json().encode(), etag=etag)


@router.delete("/api-keys/{key_id}", status_code=204, responses=refusals(403, 404))
async def revoke_api_key(
    key: Annotated[ApiKey, Depends(_taken)],
    actor: KeyManager,
    session: Writing,
    resources: ResourcesDep,
) -> None:
    """Revoke a key in the caller's reach; it stops working within five seconds.

    Again changes nothing. A key that makes keys is ended by none that may do less.
    """
    await service.revoke_key(session, key, actor=actor, now=resources.clock.true_now())
    resources.keys.forget()


@router.get("/organizations", responses=answering("Organizations"))
async def list_organizations(
    actor: Caller, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> OrganizationListOut:
    """List the organizations of the caller's city: units, townships, collective names."""
    named = of_list(actor, "organizations")
    after = None
    if page_token is not None:
        after = read_page_token(page_token, named, read_text, read_text)
    found = await queries.organizations(
        session,
        city_code=None if actor.every_city else actor.city_code,
        after=after,
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.city_code, one.code])
    return OrganizationListOut(
        items=[organization_out(unit) for unit in page], next_page_token=following
    )


async def _organization(code: OrganizationCode, actor: Caller, session: Reading) -> Organization:
    named = await queries.organizations_by_code(session, city_code=actor.city_code, codes=[code])
    return in_scope(next(iter(named), None), OrganizationNotFound)


@router.get(
    "/organizations/{code}",
    responses={**answering("Organization", ETAG), **refusals(404)},
    response_model=OrganizationOut,
)
async def get_organization(
    unit: Annotated[Organization, Depends(_organization)], if_none_match: IfNoneMatch = None
) -> Response:
    """Return one organization of the caller's city."""
    body = organization_out(unit).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)
