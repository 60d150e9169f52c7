"""Routes of webhook endpoints: their address, their events, and how messages are signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.answers import body_etag, json_answer
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
from services.api.deferred_faults import DeferredFaults
from services.api.paging import after_id, cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import permitted, require
from services.api.turns import Shown, Turn, in_scope
from services.api.webhooks.schemas import (
    CheckedEndpoint,
    CheckedPatch,
    EndpointIn,
    EndpointListOut,
    EndpointMadeOut,
    EndpointOut,
    RotationIn,
    endpoint_fields,
)
from services.core.identity.actor import Actor
from services.core.identity.queries import organization_names, organizations_by_code
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.faults import faults_of
from services.core.plan.queries import visible_plans
from services.core.webhooks import lifecycle, queries, service
from services.core.webhooks.errors import EndpointNotFound
from services.core.webhooks.models import WebhookEndpoint
from services.core.webhooks.rules import (
    FORMATS,
    EndpointState,
    Manner,
    SettingsContext,
    settings_faults,
)
from services.core.webhooks.signing import SigningKey

router = versioned_router("webhooks")


async def _manager(
    request: Request, actor: Annotated[Actor, Depends(permitted(Permission.MANAGE_WEBHOOKS))]
) -> Actor:
    """Return the caller, who must have the right to read events to have them sent."""
    require(request, Permission.READ_EVENTS)
    return actor


Manager = Annotated[Actor, Depends(_manager)]
EndpointId = Annotated[
    UUID,
    Path(description="Id of an endpoint", examples=["019bb0f1-7000-7000-8000-0000000000e1"]),
]

_NAMES = {"plan": "plan_code"}
_MANNER = {"format", "signature", "secret"}


async def _seen(endpoint_id: EndpointId, actor: Manager, session: Reading) -> WebhookEndpoint:
    """Return an endpoint that the caller manages.

    Raises:
        EndpointNotFound: no endpoint with this id is in the caller's scope.
    """
    return in_scope(await queries.endpoint(session, actor, endpoint_id), EndpointNotFound)


Seen = Annotated[WebhookEndpoint, Depends(_seen)]


async def _shown(
    session: AsyncSession, endpoint: WebhookEndpoint, resources: Resources
) -> tuple[EndpointOut, bytes, str]:
    """Return an endpoint as JSON with its secrets masked, and its ETag."""
    secrets = await queries.secrets_of(
        session, endpoint.city_code, [endpoint.id], now=resources.clock.true_now()
    )
    shown = EndpointOut(**endpoint_fields(endpoint, secrets[endpoint.id]))
    body = shown.model_dump_json().encode()
    return shown, body, body_etag(body)


@dataclass(frozen=True)
class EndpointTurn(Turn[WebhookEndpoint]):
    """The turn of a verb on an endpoint, for the caller who manages it."""

    @override
    async def shown(self) -> Shown:
        return Shown(*await _shown(self.session, self.item, self.resources))


async def _take(
    endpoint_id: EndpointId, actor: Manager, session: Writing, resources: ResourcesDep
) -> EndpointTurn:
    endpoint = in_scope(
        await queries.endpoint(session, actor, endpoint_id, for_update=True), EndpointNotFound
    )
    return EndpointTurn(endpoint, actor, session, resources)


Taken = Annotated[EndpointTurn, Depends(_take)]


async def _made(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    key: SigningKey | None,
    request: Request,
    resources: Resources,
    status: int,
) -> Response:
    """Return an endpoint with its new secret; the reply stored for repeats has none."""
    shown, _, etag = await _shown(session, endpoint, resources)
    made = EndpointMadeOut(**shown.model_dump(), secret=None if key is None else key.text)
    without = made.model_copy(update={"secret": None})
    context_of(request).kept_reply = without.model_dump_json().encode()
    return json_answer(made.model_dump_json().encode(), etag=etag, status=status)


def _settings(members: Mapping[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in members.items() if name not in _MANNER}


async def _ground(
    session: AsyncSession, settings: Mapping[str, Any], actor: Actor, resources: Resources
) -> SettingsContext:
    plans = await visible_plans(session, actor)
    unit = settings.get("organization_code")
    names: Mapping[str, tuple[str, ...]] = {}
    if unit is not None:
        found = await organizations_by_code(session, city_code=actor.city_code, codes=[unit])
        names = {one.code: (one.name,) for one in found} or await organization_names(
            session, actor.city_code
        )
    return SettingsContext(
        policy=resources.webhook_addresses,
        plans={plan.code for plan in plans},
        organizations=names,
    )


def _refuse(
    body: DeferredFaults,
    settings: Mapping[str, Any],
    actor: Actor,
    ground: SettingsContext,
    endpoint: WebhookEndpoint | None = None,
) -> None:
    """Refuse a body with faults of shape, together with its other faults.

    `endpoint` is the endpoint that it would change.
    """
    format_ = body.members.get("format", "standard")
    right = {name: settings[name] for name in settings if name in _CHECKED}
    faults = faults_of(body.errors)
    if format_ in FORMATS:
        faults += settings_faults(right, format_, actor=actor, ground=ground)
    if endpoint is not None:
        faults += service.anew_faults(endpoint, right)
    raise InvalidInput(faults=faults)


_CHECKED = {"url", "event_types", "headers", "plan_code", "organization_code"}


@router.post(
    "/webhook-endpoints",
    status_code=201,
    responses={
        **answering("WebhookEndpointMade", ETAG, LOCATION, status=201),
        **refusals(403, 409),
    },
    openapi_extra=asking("WebhookEndpoint", "WebhookRobot"),
    response_model=EndpointMadeOut,
)
async def create_webhook_endpoint(
    body: CheckedEndpoint,
    request: Request,
    actor: Manager,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Register a receiver. It hears what happens from now on, within the caller's scope.

    Its secret is in this answer and nowhere else, not even in a repeated one. The URL and the
    headers may hold tokens: they are kept sealed and never shown whole again. Where this
    deployment has no key to seal with, it is 503 `secret-key-not-set`.
    """
    if isinstance(body, DeferredFaults):
        settings = _settings(body.members)
        _refuse(body, settings, actor, await _ground(session, settings, actor, resources))
    assert isinstance(body, EndpointIn)  # noqa: S101 (what is faulty was refused)
    settings = _settings(dict(body))
    endpoint, key = await service.create_endpoint(
        session,
        settings=settings,
        manner=Manner(body.format, body.signature, body.secret),
        actor=actor,
        ground=await _ground(session, settings, actor, resources),
        seal=resources.seal,
        clock=resources.clock,
    )
    answer = await _made(session, endpoint, key, request, resources, 201)
    answer.headers["Location"] = f"/v1/webhook-endpoints/{endpoint.id}"
    return answer


@router.get("/webhook-endpoints", responses={**answering("WebhookEndpoints"), **refusals(403)})
async def list_webhook_endpoints(
    actor: Manager,
    session: Reading,
    resources: ResourcesDep,
    state: Annotated[EndpointState | None, Query(description="Only those in this state")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> EndpointListOut:
    """List the endpoints that the caller may manage.

    The office manages every endpoint within its plan or city; a system those that it made, or
    that another key of its organization and plan made.
    """
    named = of_list(actor, "webhook-endpoints", state=state)
    after = after_id(page_token, named)
    found = await queries.endpoints(session, actor, state=state, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    secrets = await queries.secrets_of(
        session, actor.city_code, [one.id for one in page], now=resources.clock.true_now()
    )
    return EndpointListOut(
        items=[EndpointOut(**endpoint_fields(one, secrets[one.id])) for one in page],
        next_page_token=following,
    )


@router.get(
    "/webhook-endpoints/{endpoint_id}",
    responses={**answering("WebhookEndpointShown", ETAG), **refusals(403, 404)},
    response_model=EndpointOut,
)
async def get_webhook_endpoint(
    endpoint: Seen,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one endpoint, without its secret."""
    _, body, etag = await _shown(session, endpoint, resources)
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.patch(
    "/webhook-endpoints/{endpoint_id}",
    responses={**answering("WebhookEndpointEdited", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("WebhookEndpointEdit"),
    response_model=EndpointOut,
)
async def edit_webhook_endpoint(
    body: CheckedPatch, turn: Taken, if_match: IfMatch = None
) -> Response:
    """Change what an endpoint hears and where. `If-Match` is required.

    With another host of `url`, `headers` are to be given too, where there are some
    (`headers-given-anew`): those of before are not sent there, nor is ever the secret that
    messages are signed with. What was planned before stays planned. A key of the same role,
    organization and plan as the owner's becomes its owner, so that a new key can take over before
    the old one is revoked.
    """
    given = (
        body.members if isinstance(body, DeferredFaults) else body.model_dump(exclude_unset=True)
    )
    settings = _settings(given)
    ground = await _ground(turn.session, settings, turn.actor, turn.resources)
    if isinstance(body, DeferredFaults):
        _refuse(body, settings, turn.actor, ground, turn.item)
    await turn.check(if_match, required=True)
    await service.edit_endpoint(
        turn.session,
        turn.item,
        settings=settings,
        actor=turn.actor,
        ground=ground,
        seal=turn.resources.seal,
        now=turn.resources.clock.now(),
    )
    return await turn.answer()


@router.delete(
    "/webhook-endpoints/{endpoint_id}", status_code=204, responses=refusals(403, 404, 412)
)
async def delete_webhook_endpoint(turn: Taken, if_match: IfMatch = None) -> None:
    """Remove an endpoint with its secrets; what waits for it is cancelled."""
    await turn.check(if_match)
    await lifecycle.delete_endpoint(
        turn.session, turn.item, actor=turn.actor, now=turn.resources.clock.now()
    )


_VERB = refusals(403, 404, 409, 412)


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    responses={**answering("WebhookRotated", ETAG), **_VERB},
    openapi_extra=asking("WebhookRotation", required=False),
    response_model=EndpointMadeOut,
)
async def rotate_webhook_secret(
    body: RotationIn, request: Request, turn: Taken, if_match: IfMatch = None
) -> Response:
    """Sign with a new secret from now on, and with the older ones for the overlap.

    Messages then carry one signature a secret, the newest first; a receiver accepts any. The new
    one is in this answer and nowhere else. At most ten older ones are signed with at a time.
    """
    await turn.check(if_match)
    key = await service.rotate_secret(
        turn.session,
        turn.item,
        secret=body.secret,
        overlap=timedelta(seconds=body.overlap_seconds),
        actor=turn.actor,
        seal=turn.resources.seal,
        clock=turn.resources.clock,
    )
    return await _made(turn.session, turn.item, key, request, turn.resources, 200)


@router.post(
    "/webhook-endpoints/{endpoint_id}/enable",
    responses={**answering("WebhookEndpointEnabled", ETAG), **_VERB},
    response_model=EndpointOut,
)
async def enable_webhook_endpoint(turn: Taken, if_match: IfMatch = None) -> Response:
    """Send to an endpoint again. What it missed meanwhile is sent by `replay`.

    One that lost its scope is enabled by a key of the same role, organization and plan, which
    becomes its owner.
    """
    return await turn.act(
        if_match, lifecycle.enable, actor=turn.actor, now=turn.resources.clock.now()
    )


@router.post(
    "/webhook-endpoints/{endpoint_id}/disable",
    responses={**answering("WebhookEndpointDisabled", ETAG), **_VERB},
    response_model=EndpointOut,
)
async def disable_webhook_endpoint(turn: Taken, if_match: IfMatch = None) -> Response:
    """Send nothing to an endpoint any more; what waits for it is cancelled."""
    return await turn.act(
        if_match, lifecycle.disable, actor=turn.actor, now=turn.resources.clock.now()
    )
