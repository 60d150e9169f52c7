"""Paths of keys and organizations."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.api.context import Held, PageSize, PageToken, Reading, Writing
from services.api.contract import refusals
from services.api.identity.schemas import (
    KeyIn,
    KeyListOut,
    KeyMadeOut,
    KeyOut,
    MeOut,
    OrganizationListOut,
    OrganizationOut,
    key_made_out,
    key_out,
    me_out,
    organization_out,
)
from services.api.routing import versioned_router
from services.api.security import Caller, permitted
from services.core.identity import queries, service
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyNotFound, OrganizationNotFound
from services.core.identity.rules import Permission
from services.core.identity.service import KeyRequest
from services.core.kit.pagination import new_page_token, read_page_token, read_uuid
from services.core.plan.queries import visible_plans

router = versioned_router("identity")

KeyManager = Annotated[Actor, Depends(permitted(Permission.MANAGE_KEYS))]


@router.get("/me", responses=refusals(401))
async def who_am_i(actor: Caller) -> MeOut:
    """Return who the caller is, and its scopes."""
    return me_out(actor)


@router.post("/api-keys", status_code=201, responses=refusals(401, 403, 409, 422))
async def create_api_key(
    body: KeyIn,
    request: Request,
    actor: KeyManager,
    session: Writing,
    held: Held,
    response: Response,
) -> KeyMadeOut:
    """Make a key. Its secret is in this answer and nowhere else, not even in a repeated one."""
    plans = await visible_plans(
        session, city_code=None if actor.every_city else actor.city_code, plan_code=None
    )
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
        ),
        actor=actor,
        plan_codes=[plan.code for plan in plans],
        now=held.clock.true_now(),
    )
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    # A secret is never stored: what is kept for a repeated request has none.
    request.scope["reply_to_keep"] = key_made_out(key, None).model_dump_json().encode()
    return key_made_out(key, secret)


@router.get("/api-keys", responses=refusals(401, 403, 400))
async def list_api_keys(
    actor: KeyManager, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> KeyListOut:
    """List the keys in the caller's reach, revoked ones too."""
    after = None
    if page_token is not None:
        city_code, key_id = read_page_token(page_token, {"list": "keys"}, parts=2)
        after = (city_code, read_uuid(key_id))
    found = await queries.visible_keys(session, actor, after=after, limit=page_size + 1)
    page, more = found[:page_size], len(found) > page_size
    return KeyListOut(
        items=[key_out(key) for key in page],
        next_page_token=new_page_token([page[-1].city_code, str(page[-1].id)], {"list": "keys"})
        if more
        else None,
    )


@router.get("/api-keys/{key_id}", responses=refusals(401, 403, 404))
async def get_api_key(key_id: UUID, actor: KeyManager, session: Reading) -> KeyOut:
    """Return one key, without its secret."""
    key = await queries.visible_key(session, actor, key_id)
    if key is None:
        raise KeyNotFound
    return key_out(key)


@router.delete("/api-keys/{key_id}", status_code=204, responses=refusals(401, 403, 404))
async def revoke_api_key(key_id: UUID, actor: KeyManager, session: Writing, held: Held) -> None:
    """Revoke a key; it stops working within five seconds. Again changes nothing."""
    await service.revoke_key(session, key_id=key_id, actor=actor, now=held.clock.true_now())
    held.keys.forget()


@router.get("/organizations", responses=refusals(400, 401))
async def list_organizations(
    actor: Caller, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> OrganizationListOut:
    """List the organizations of the caller's city: units, townships, collective names."""
    after = None
    if page_token is not None:
        city_code, code = read_page_token(page_token, {"list": "organizations"}, parts=2)
        after = (city_code, code)
    found = await queries.organizations(
        session,
        city_code=None if actor.every_city else actor.city_code,
        after=after,
        limit=page_size + 1,
    )
    page, more = found[:page_size], len(found) > page_size
    return OrganizationListOut(
        items=[organization_out(unit) for unit in page],
        next_page_token=new_page_token(
            [page[-1].city_code, page[-1].code], {"list": "organizations"}
        )
        if more
        else None,
    )


@router.get("/organizations/{code}", responses=refusals(401, 404))
async def get_organization(code: str, actor: Caller, session: Reading) -> OrganizationOut:
    """Return one organization of the caller's city."""
    found = await queries.organizations_by_code(session, city_code=actor.city_code, codes=[code])
    if not found:
        raise OrganizationNotFound
    return organization_out(found[0])
