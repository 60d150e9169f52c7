"""Routes of connectors: where figures are reported, in which codes, and whether it works."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.connectors.schemas import (
    ConnectorIn,
    ConnectorListOut,
    ConnectorOut,
    ConnectorPatch,
    ConnectorSecretIn,
    ConnectorTriedOut,
    connector_out,
)
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
from services.api.paging import cut, of_list
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope, shown_item
from services.core.connectors import queries, service
from services.core.connectors.errors import ConnectorNotFound
from services.core.connectors.messages import open_connector
from services.core.connectors.models import Connector
from services.core.connectors.service import ConnectorDesk
from services.core.connectors.trying import tried
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.pagination import read_page_token, read_text
from services.core.kit.sealing import SecretKeyNotSet
from services.core.kit.text import Text
from services.core.plan.errors import PlanNotFound
from services.core.plan.state import PlanState

router = versioned_router("connectors")

Manager = Annotated[Actor, Depends(permitted(Permission.MANAGE_PARTNERS))]
Reader = Annotated[Actor, Depends(permitted(Permission.READ_CONNECTORS))]
ConnectorId = Annotated[
    UUID,
    Path(description="Id of a connector", examples=["019bb0f1-7000-7000-8000-0000000000c1"]),
]


def _shown(connector: Connector, actor: Actor) -> Shown:
    manages = actor.may(Permission.MANAGE_PARTNERS)
    return shown_item(connector, connector_out(connector, manages=manages))


@dataclass(frozen=True)
class ConnectorTurn(Turn[Connector]):
    """The turn of a verb on a connector."""

    plan: PlanState

    @property
    def desk(self) -> ConnectorDesk:
        """Return the context that its settings are checked in: actor, plan and address policy."""
        return _desk(self.actor, self.plan, self.resources)

    @override
    async def shown(self) -> Shown:
        return _shown(self.item, self.actor)


def _desk(actor: Actor, plan: PlanState, resources: Resources) -> ConnectorDesk:
    return ConnectorDesk(
        actor, plan, resources.webhook_addresses, resources.seal, resources.clock.now()
    )


async def seen_connector(connector_id: UUID, actor: Actor, session: AsyncSession) -> Connector:
    """Return a connector in the caller's scope.

    Raises:
        ConnectorNotFound: no connector with this id is in the caller's scope.
    """
    found = await queries.visible_connector(session, actor, connector_id)
    return in_scope(found, ConnectorNotFound)


async def taken_connector(
    connector_id: UUID, actor: Actor, session: AsyncSession, resources: Resources
) -> ConnectorTurn:
    """Return the turn of a locked connector in the caller's scope.

    Raises:
        ConnectorNotFound: no connector with this id is in the caller's scope.
    """
    found = await queries.visible_connector(session, actor, connector_id, for_update=True)
    connector = in_scope(found, ConnectorNotFound)
    plan = await resources.plans.of_city(connector.city_code, connector.plan_code, session)
    return ConnectorTurn(connector, actor, session, resources, plan)


async def _taken(
    connector_id: ConnectorId, actor: Manager, session: Writing, resources: ResourcesDep
) -> ConnectorTurn:
    return await taken_connector(connector_id, actor, session, resources)


async def _seen(connector_id: ConnectorId, actor: Reader, session: Reading) -> Connector:
    return await seen_connector(connector_id, actor, session)


Taken = Annotated[ConnectorTurn, Depends(_taken)]
Seen = Annotated[Connector, Depends(_seen)]


def _settings(body: ConnectorIn | ConnectorPatch, *, given: bool) -> dict[str, Any]:
    """Return the settings in a body, by column; with `given` only those it contains."""
    settings = body.model_dump(exclude_unset=given, exclude={"mapping", "plan"})
    if not given or "mapping" in body.model_fields_set:
        settings["mapping"] = body.mapping.kept()
    if "indicator_codes" in settings:
        settings["indicator_codes"] = list(dict.fromkeys(settings["indicator_codes"]))
    return settings


@router.post(
    "/connectors",
    status_code=201,
    responses={**answering("ConnectorMade", ETAG, LOCATION, status=201), **refusals(403, 409)},
    openapi_extra=asking("Connector"),
    response_model=ConnectorOut,
)
async def create_connector(
    body: ConnectorIn, actor: Manager, session: Writing, resources: ResourcesDep
) -> Response:
    """Make a connector, disabled; what counts now is queued at once, and nothing of it is sent.

    It reports the figures of one plan to one address, so a key of a unit makes none. Without
    `app_id` and `secret` it waits for the superior's credentials. Where this deployment has no key
    to seal with, it is 503 `secret-key-not-set`.
    """
    service.check_maker(actor)
    try:
        plan = await resources.plans.get(body.plan, actor, session)
    except PlanNotFound:
        said = Text("没有这个计划", "There is no such plan")
        fault = Fault("/plan", "plan-not-found", said, body.plan)
        raise InvalidInput(faults=[fault]) from None
    desk = _desk(actor, plan, resources)
    connector = await service.create_connector(session, _settings(body, given=False), desk)
    return _shown(connector, actor).created(f"/v1/connectors/{connector.id}")


@router.get("/connectors", responses={**answering("Connectors"), **refusals(403)})
async def list_connectors(
    actor: Reader, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> ConnectorListOut:
    """List the connectors of the caller's city, or of its plan. It ships with none."""
    named = of_list(actor, "connectors")
    after = None if page_token is None else read_page_token(page_token, named, read_text, UUID)
    found = await queries.visible_connectors(session, actor, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.city_code, one.id])
    manages = actor.may(Permission.MANAGE_PARTNERS)
    return ConnectorListOut(
        items=[connector_out(one, manages=manages) for one in page], next_page_token=following
    )


@router.get(
    "/connectors/{connector_id}",
    responses={**answering("ConnectorShown", ETAG), **refusals(403, 404)},
    response_model=ConnectorOut,
)
async def get_connector(
    connector: Seen, actor: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one connector, without its secret."""
    return _shown(connector, actor).answer(if_none_match)


@router.patch(
    "/connectors/{connector_id}",
    responses={**answering("ConnectorEdited", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("ConnectorEdit"),
    response_model=ConnectorOut,
)
async def edit_connector(body: ConnectorPatch, turn: Taken, if_match: IfMatch = None) -> Response:
    """Change where figures go, which, and in which codes. `If-Match` is required.

    With another host `secret` is given too (`secret-given-anew`): nothing is signed for it with
    the one before. What waited for a code that is there now is sent; what was sent stays as it was
    sent. After a change of address, codes or credentials `test` has to be called before it can be
    enabled again; one that is at work goes on. Plan and profile stay: make another connector for
    those.
    """
    await turn.check(if_match, required=True)
    settings = _settings(body, given=True)
    await service.edit_connector(turn.session, turn.item, settings, turn.desk)
    return await turn.answer()


_VERB = refusals(403, 404, 409, 412)


@router.post(
    "/connectors/{connector_id}/rotate-secret",
    responses={**answering("ConnectorRotated", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("ConnectorSecret"),
    response_model=ConnectorOut,
)
async def rotate_connector_secret(
    body: ConnectorSecretIn, turn: Taken, if_match: IfMatch = None
) -> Response:
    """Sign with another secret of the superior's from the next request on. It is never shown.

    For the overlap, what the superior refuses with 401 or 403 is sent at once again, signed with
    the one before, which then goes first; the new one is tried once an hour, and
    `secret_refused_since` says so. Two are good at most: one that was replaced earlier ends now.
    While the new one is refused, rotating again replaces that one, and the one before goes on for
    the overlap that is given then.
    """
    return await turn.act(
        if_match,
        service.give_secret,
        body.secret,
        timedelta(seconds=body.overlap_seconds),
        true_now=turn.resources.clock.true_now(),
        desk=turn.desk,
    )


@router.post(
    "/connectors/{connector_id}/test",
    responses={**answering("ConnectorTried"), **_VERB},
)
async def try_connector(turn: Taken, if_match: IfMatch = None) -> ConnectorTriedOut:
    """Show what would be sent, whole but for the signature, and send nothing.

    `********` stands in the signature's place, in the headers or in the body: not every profile
    signs the body, so whoever reads a signature could send other figures by it.

    It has a made-up value, so that whoever keeps the system sees no figures; the codes are those of
    the mapping. Where nothing is missing the connector may be enabled.
    """
    await turn.check(if_match)
    service.check_action(turn.item, "test")
    resources = turn.resources
    if resources.seal is None:
        raise SecretKeyNotSet
    now = resources.clock.true_now()
    target = open_connector(turn.item, resources.seal, now=now)
    found = tried(turn.item, target, turn.plan, now=now, nonce=new_id().hex)
    await service.note_tried(turn.session, turn.item, turn.desk, missing=len(found.missing))
    return ConnectorTriedOut(
        method=found.method,
        url=found.url,
        headers=dict(found.headers),
        body=found.body,
        missing=list(found.missing),
    )


@router.post(
    "/connectors/{connector_id}/enable",
    responses={**answering("ConnectorEnabled", ETAG), **_VERB},
    response_model=ConnectorOut,
)
async def enable_connector(turn: Taken, if_match: IfMatch = None) -> Response:
    """Report from now on what waits, all failures forgotten. It has to have been tried."""
    return await turn.act(if_match, service.enable_connector, desk=turn.desk)


@router.post(
    "/connectors/{connector_id}/disable",
    responses={**answering("ConnectorShown", ETAG), **_VERB},
    response_model=ConnectorOut,
)
async def disable_connector(turn: Taken, if_match: IfMatch = None) -> Response:
    """Report nothing any more. The queue is kept, and goes out when it is enabled again."""
    return await turn.act(if_match, service.disable_connector, desk=turn.desk)


@router.delete("/connectors/{connector_id}", status_code=204, responses=refusals(403, 404))
async def end_connector(turn: Taken) -> None:
    """End a connector for good: its address and secrets go, and nothing is reported by it.

    What waits is taken off the queue, and what was sent and never answered counts as failed. The
    connector, its items and its reconciliation stay to be read. Again changes nothing.
    """
    await service.end_connector(turn.session, turn.item, desk=turn.desk)
