"""Routes of deliveries: send a test, list attempts, send again."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response
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
from services.api.operations.schemas import OperationOut, operation_out
from services.api.paging import cut, of_list
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope
from services.api.webhooks.routes import Manager, Seen, Taken
from services.api.webhooks.schemas import (
    DeliveryDetailOut,
    DeliveryListOut,
    DeliveryOut,
    ReplayIn,
    TestOut,
    delivery_fields,
)
from services.core.events.catalogue import type_faults
from services.core.kit.errors import InvalidInput
from services.core.kit.pagination import read_number, read_page_token
from services.core.webhooks import lifecycle, queries, recovery
from services.core.webhooks.errors import DeliveryNotFound
from services.core.webhooks.models import WebhookDelivery, WebhookEndpoint
from services.core.webhooks.rules import DeliveryFilters, DeliveryState

router = versioned_router("webhooks")

DeliveryId = Annotated[
    UUID,
    Path(description="Id of a delivery", examples=["019bb0f1-6b00-7c3d-9f10-2f6a55d0c001"]),
]

_WHOLE = 100_000
_BEGINNING = 500
"""Characters of a response that are shown in one delivery, and in each item of a list."""

_VERB = refusals(403, 404, 409, 412)


@router.post(
    "/webhook-endpoints/{endpoint_id}/test",
    status_code=202,
    responses={**answering("WebhookTest", LOCATION, status=202), **_VERB},
)
async def send_webhook_test(turn: Taken, response: Response, if_match: IfMatch = None) -> TestOut:
    """Send a `webhook.test` event to this endpoint alone, signed like any other.

    `Location` lists its delivery, which shows what came of it.
    """
    await turn.check(if_match)
    event_id = await lifecycle.send_test(
        turn.session, turn.item, actor=turn.actor, now=turn.resources.clock.now()
    )
    response.headers["Location"] = (
        f"/v1/webhook-endpoints/{turn.item.id}/deliveries?event_id={event_id}"
    )
    return TestOut(event_id=event_id)


@router.post(
    "/webhook-endpoints/{endpoint_id}/replay",
    status_code=202,
    responses={**answering("OperationBegun", ETAG, LOCATION, status=202), **_VERB},
    openapi_extra=asking("WebhookReplay"),
    response_model=OperationOut,
)
async def replay_webhook_events(body: ReplayIn, turn: Taken, if_match: IfMatch = None) -> Response:
    """Send again, in order, whatever happened since an instant and was not delivered.

    That is what failed, what was cancelled, and what was never planned because the endpoint was
    disabled; nothing that was delivered. `Location` tells how far it is; it goes on after a
    crash, and is sent at the endpoint's own rate.
    """
    await turn.check(if_match)
    operation = await recovery.begin_replay(
        turn.session, turn.item, since=body.since, actor=turn.actor, clock=turn.resources.clock
    )
    told = operation_out(operation).model_dump_json().encode()
    answer = json_answer(told, etag=body_etag(told), status=202)
    answer.headers["Location"] = f"/v1/operations/{operation.id}"
    return answer


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    responses={**answering("WebhookDeliveries"), **refusals(403, 404)},
)
async def list_webhook_deliveries(
    endpoint: Seen,
    actor: Manager,
    session: Reading,
    resources: ResourcesDep,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state")] = None,
    event_type: Annotated[
        str | None, Query(max_length=60, description="Only those of events of this type")
    ] = None,
    event_id: Annotated[UUID | None, Query(description="Only that of this event")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> DeliveryListOut:
    """List what was, is and will be sent to an endpoint, the newest event first.

    Deliveries and their attempts are kept for 90 days from their event on.
    """
    if event_type is not None and (faults := list(type_faults(event_type, "/query/event_type"))):
        raise InvalidInput(faults=faults)
    filters = DeliveryFilters(state=state, event_type=event_type, event_id=event_id)
    named = of_list(actor, "deliveries", of=[endpoint.id, state, event_type, event_id])
    before = None if page_token is None else read_page_token(page_token, named, read_number)[0]
    found = await queries.deliveries(session, endpoint, filters, before=before, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.position])
    attempts = await queries.attempts_of(
        session, endpoint.city_code, [one.id for one in page], cut=_BEGINNING
    )
    now = resources.clock.true_now()
    return DeliveryListOut(
        items=[
            DeliveryOut(**delivery_fields(one, endpoint, attempts[one.id], now=now)) for one in page
        ],
        next_page_token=following,
    )


async def _shown(
    session: AsyncSession, found: tuple[WebhookDelivery, WebhookEndpoint], resources: Resources
) -> Shown:
    delivery, endpoint = found
    attempts = await queries.attempts_of(session, delivery.city_code, [delivery.id], cut=_WHOLE)
    sent = await queries.body_of(session, delivery)
    fields = delivery_fields(
        delivery, endpoint, attempts[delivery.id], now=resources.clock.true_now()
    )
    shown = DeliveryDetailOut(**fields, body=None if sent is None else sent.decode())
    body = shown.model_dump_json().encode()
    return Shown(shown, body, body_etag(body))


async def _seen(
    delivery_id: DeliveryId, actor: Manager, session: Reading
) -> tuple[WebhookDelivery, WebhookEndpoint]:
    return in_scope(await queries.delivery(session, actor, delivery_id), DeliveryNotFound)


@router.get(
    "/webhook-deliveries/{delivery_id}",
    responses={**answering("WebhookDelivery", ETAG), **refusals(403, 404)},
    response_model=DeliveryDetailOut,
)
async def get_webhook_delivery(
    found: Annotated[tuple[WebhookDelivery, WebhookEndpoint], Depends(_seen)],
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one delivery with every attempt and what is sent."""
    return (await _shown(session, found, resources)).answer(if_none_match)


@dataclass(frozen=True)
class DeliveryTurn(Turn[tuple[WebhookDelivery, WebhookEndpoint]]):
    """The turn of a verb on a delivery, with its endpoint."""

    @override
    async def shown(self) -> Shown:
        return await _shown(self.session, self.item, self.resources)


async def _take(
    delivery_id: DeliveryId, actor: Manager, session: Writing, resources: ResourcesDep
) -> DeliveryTurn:
    found = await queries.delivery(session, actor, delivery_id, for_update=True)
    return DeliveryTurn(in_scope(found, DeliveryNotFound), actor, session, resources)


@router.post(
    "/webhook-deliveries/{delivery_id}/retry",
    responses={**answering("WebhookDeliveryRetried", ETAG), **_VERB},
    response_model=DeliveryDetailOut,
)
async def retry_webhook_delivery(
    turn: Annotated[DeliveryTurn, Depends(_take)], if_match: IfMatch = None
) -> Response:
    """Send a delivery next, once more, whatever became of it. The `webhook-id` is the same.

    One that waits for its next attempt is sent now and stays on its schedule.
    """
    await turn.check(if_match)
    await recovery.retry(turn.session, *turn.item)
    return await turn.answer()
