"""Routes of partners: the platforms that call through a gateway, and how they call."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.answers import item_etag, json_answer
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
from services.api.gateways.facade import OPERATIONS
from services.api.gateways.schemas import (
    PartnerIn,
    PartnerListOut,
    PartnerMadeOut,
    PartnerOut,
    PartnerPatch,
    PartnerRotationIn,
    PartnerUseOut,
    partner_fields,
    use_out,
)
from services.api.paging import cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope
from services.core.gateways import queries, service
from services.core.gateways.errors import PartnerNotFound
from services.core.gateways.models import Partner
from services.core.identity.actor import Actor
from services.core.identity.queries import administered
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.pagination import read_page_token, read_text
from services.core.kit.text import Text
from services.core.plan.written import Day

router = versioned_router("gateway")

Manager = Annotated[Actor, Depends(permitted(Permission.MANAGE_PARTNERS))]
PartnerId = Annotated[
    UUID,
    Path(description="Id of a partner", examples=["019bb0f1-7000-7000-8000-0000000000f1"]),
]
_LISTS = ("allowed_networks", "interfaces", "output_fields")
_A_MONTH = timedelta(days=30)


async def _shown(
    session: AsyncSession, partner: Partner, resources: Resources
) -> tuple[PartnerOut, bytes, str]:
    """Return the public members of a partner as JSON, and its ETag."""
    secrets = await queries.secrets_of(session, [partner], now=resources.clock.true_now())
    shown = PartnerOut(**partner_fields(partner, secrets[partner.id]))
    body = shown.model_dump_json().encode()
    return shown, body, item_etag(partner.id, partner.version, body)


@dataclass(frozen=True)
class PartnerTurn(Turn[Partner]):
    """The turn of a verb on a partner, for callers who may make keys."""

    @override
    async def shown(self) -> Shown:
        return Shown(*await _shown(self.session, self.item, self.resources))


async def _seen(partner_id: PartnerId, actor: Manager, session: Reading) -> Partner:
    reach = await administered(session, actor)
    return in_scope(await queries.visible_partner(session, reach, partner_id), PartnerNotFound)


async def _taken(
    partner_id: PartnerId, actor: Manager, session: Writing, resources: ResourcesDep
) -> PartnerTurn:
    reach = await administered(session, actor)
    found = await queries.visible_partner(session, reach, partner_id, for_update=True)
    return PartnerTurn(in_scope(found, PartnerNotFound), actor, session, resources)


Taken = Annotated[PartnerTurn, Depends(_taken)]


async def _to_change(turn: Taken) -> PartnerTurn:
    """Return the turn of a caller with all of the partner's rights; revoking does not need them."""
    await service.check_gives(
        turn.session, turn.item, actor=turn.actor, separated=turn.resources.separated
    )
    return turn


Changed = Annotated[PartnerTurn, Depends(_to_change)]


async def _made(
    session: AsyncSession, partner: Partner, secret: str, request: Request, resources: Resources
) -> tuple[bytes, str]:
    """Return a partner with its new secret; the reply stored for repeats has none."""
    shown, _, etag = await _shown(session, partner, resources)
    made = PartnerMadeOut(**shown.model_dump(), secret=secret)
    without = made.model_copy(update={"secret": None})
    context_of(request).kept_reply = without.model_dump_json().encode()
    return made.model_dump_json().encode(), etag


def _once(settings: dict[str, object]) -> dict[str, object]:
    """Return settings whose lists contain no duplicates."""
    for name in _LISTS:
        found = settings.get(name)
        if isinstance(found, list):
            settings[name] = list(dict.fromkeys(found))
    return settings


@router.post(
    "/partners",
    status_code=201,
    responses={
        **answering("PartnerMade", ETAG, LOCATION, status=201),
        **refusals(403, 409),
    },
    openapi_extra=asking("Partner"),
    response_model=PartnerMadeOut,
)
async def create_partner(
    body: PartnerIn, request: Request, actor: Manager, session: Writing, resources: ResourcesDep
) -> Response:
    """Make a partner. Its secret is in this answer and nowhere else, not even in a repeated one.

    It acts as the key that it names, so whoever makes keys makes partners, and only of keys in
    reach that are theirs to give: with separated administrators a system's only. A profile that
    does not sign all of a request is taken from named networks only. Where this deployment has no
    key to seal with, it is 503 `secret-key-not-set`.
    """
    partner, secret = await service.create_partner(
        session,
        settings=_once(body.model_dump()),
        operations=OPERATIONS,
        actor=actor,
        seal=resources.seal,
        now=resources.clock.true_now(),
        separated=resources.separated,
    )
    made, etag = await _made(session, partner, secret, request, resources)
    response = json_answer(made, etag=etag, status=201)
    response.headers["Location"] = f"/v1/partners/{partner.id}"
    return response


@router.get("/partners", responses={**answering("Partners"), **refusals(403)})
async def list_partners(
    actor: Manager,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> PartnerListOut:
    """List the partners whose keys are in the caller's reach, revoked ones too."""
    named = of_list(actor, "partners")
    after = None if page_token is None else read_page_token(page_token, named, read_text, UUID)
    reach = await administered(session, actor)
    found = await queries.visible_partners(session, reach, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.city_code, one.id])
    secrets = await queries.secrets_of(session, page, now=resources.clock.true_now())
    return PartnerListOut(
        items=[PartnerOut(**partner_fields(one, secrets[one.id])) for one in page],
        next_page_token=following,
    )


@router.get(
    "/partners/{partner_id}",
    responses={**answering("PartnerShown", ETAG), **refusals(403, 404)},
    response_model=PartnerOut,
)
async def get_partner(
    partner: Annotated[Partner, Depends(_seen)],
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one partner, without its secret."""
    _, body, etag = await _shown(session, partner, resources)
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.patch(
    "/partners/{partner_id}",
    responses={**answering("PartnerEdited", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("PartnerEdit"),
    response_model=PartnerOut,
)
async def edit_partner(body: PartnerPatch, turn: Changed, if_match: IfMatch = None) -> Response:
    """Change what a partner may call, from where, how often, and what it is answered.

    It holds within five seconds. `If-Match` is required. Profile and key stay: make another
    partner for those.
    """
    await turn.check(if_match, required=True)
    await service.edit_partner(
        turn.session,
        turn.item,
        changes=_once(body.model_dump(exclude_unset=True)),
        operations=OPERATIONS,
        actor=turn.actor,
        now=turn.resources.clock.true_now(),
    )
    turn.resources.partners.forget()
    return await turn.answer()


@router.post(
    "/partners/{partner_id}/rotate-secret",
    responses={**answering("PartnerRotated", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("PartnerRotation", required=False),
    response_model=PartnerMadeOut,
)
async def rotate_partner_secret(
    body: PartnerRotationIn, request: Request, turn: Changed, if_match: IfMatch = None
) -> Response:
    """Give a partner a new secret; the one before is good for the overlap yet.

    Two are good at most: one that was replaced earlier ends now. The new one is in this answer
    and nowhere else, not even in a repeated one.
    """
    await turn.check(if_match)
    secret = await service.rotate_secret(
        turn.session,
        turn.item,
        overlap=timedelta(seconds=body.overlap_seconds),
        actor=turn.actor,
        seal=turn.resources.seal,
        now=turn.resources.clock.true_now(),
    )
    turn.resources.partners.forget()
    made, etag = await _made(turn.session, turn.item, secret, request, turn.resources)
    return json_answer(made, etag=etag)


@router.delete("/partners/{partner_id}", status_code=204, responses=refusals(403, 404))
async def revoke_partner(turn: Taken) -> None:
    """Let a partner call no more, within five seconds. Again changes nothing."""
    await service.revoke_partner(
        turn.session, turn.item, actor=turn.actor, now=turn.resources.clock.true_now()
    )
    turn.resources.partners.forget()


@router.get(
    "/partners/{partner_id}/statistics",
    responses={**answering("PartnerUse"), **refusals(403, 404)},
)
async def get_partner_statistics(
    partner: Annotated[Partner, Depends(_seen)],
    session: Reading,
    resources: ResourcesDep,
    first_day: Annotated[
        Day | None, Query(description="The first day, of UTC; default: 30 days before the last")
    ] = None,
    last_day: Annotated[Day | None, Query(description="The last day; default: today")] = None,
) -> PartnerUseOut:
    """Return how a partner called each operation over some days, 92 at most, to half a minute."""
    last = last_day or resources.clock.true_now().date()
    first = first_day or last - min(_A_MONTH, last - date.min)
    if not 0 <= (last - first).days < queries.MOST_DAYS:
        said = Text(
            f"至多 {queries.MOST_DAYS} 天，且不晚于 last_day",
            f"{queries.MOST_DAYS} days at most, and not after last_day",
        )
        raise InvalidInput(
            faults=[Fault("/query/first_day", "days-out-of-range", said, str(first))]
        )
    used = await queries.use_of(session, partner, first=first, last=last)
    return PartnerUseOut(
        first_day=first,
        last_day=last,
        items=[use_out(one) for one in used],
        next_page_token=None,
    )
