"""Routes of the government apps that people may sign in with, for the security administrator."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response
from typing_extensions import override

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
from services.api.paging import after_id, cut, of_list
from services.api.people.provider_schemas import (
    ProviderIn,
    ProviderListOut,
    ProviderOut,
    ProviderPatch,
    provider_out,
)
from services.api.people.routes import UserManager
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope, shown_item
from services.core.kit.errors import Fault
from services.core.people import providers, queries
from services.core.people.errors import ProviderNotFound
from services.core.people.models import Provider
from services.core.webhooks.rules import address_fault

router = versioned_router("people")

ProviderId = Annotated[
    UUID, Path(description="Id of a provider", examples=["019aafc0-0000-7000-8000-0000000000e1"])
]
_PLACE = "/base_url"


def _shown(provider: Provider) -> Shown:
    return shown_item(provider, provider_out(provider))


def _address_faults(url: str | None, resources: Resources) -> list[Fault]:
    fault = None if url is None else address_fault(url, resources.webhook_addresses, _PLACE)
    return [] if fault is None else [fault]


@dataclass(frozen=True)
class ProviderTurn(Turn[Provider]):
    """The turn of a verb on a provider."""

    @override
    async def shown(self) -> Shown:
        return _shown(self.item)


async def _seen(provider_id: ProviderId, actor: UserManager, session: Reading) -> Provider:
    found = await queries.provider(session, actor.city_code, provider_id)
    return in_scope(found, ProviderNotFound)


async def _turn(
    provider_id: ProviderId, actor: UserManager, session: Writing, resources: ResourcesDep
) -> ProviderTurn:
    found = await queries.provider(session, actor.city_code, provider_id, for_update=True)
    return ProviderTurn(in_scope(found, ProviderNotFound), actor, session, resources)


Taken = Annotated[ProviderTurn, Depends(_turn)]


@router.post(
    "/sign-in-providers",
    status_code=201,
    responses={
        **answering("SignInProviderMade", ETAG, LOCATION, status=201),
        **refusals(403, 409),
    },
    openapi_extra=asking("SignInProvider", "SignInProviderSealed"),
    response_model=ProviderOut,
)
async def create_sign_in_provider(
    body: ProviderIn, actor: UserManager, session: Writing, resources: ResourcesDep
) -> Response:
    """Set up a government app that people may sign in by, beside their password.

    Its secrets are kept sealed and never shown; where this deployment has no key to seal with, it
    is 503 `secret-key-not-set`. It is asked where a webhook may go, and nowhere else.
    """
    provider = await providers.create_provider(
        session,
        settings=body.model_dump(),
        faults=_address_faults(body.base_url, resources),
        actor=actor,
        seal=resources.seal,
        now=resources.clock.true_now(),
    )
    return _shown(provider).created(f"/v1/sign-in-providers/{provider.id}")


@router.get("/sign-in-providers", responses={**answering("SignInProviders"), **refusals(403)})
async def list_sign_in_providers(
    actor: UserManager, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> ProviderListOut:
    """List the providers of the city, those that have ended too; none are there at first."""
    named = of_list(actor, "sign-in-providers")
    after = after_id(page_token, named)
    found = await queries.providers(session, actor.city_code, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return ProviderListOut(items=[provider_out(one) for one in page], next_page_token=following)


@router.get(
    "/sign-in-providers/{provider_id}",
    responses={**answering("SignInProviderShown", ETAG), **refusals(403, 404)},
    response_model=ProviderOut,
)
async def get_sign_in_provider(
    provider: Annotated[Provider, Depends(_seen)], if_none_match: IfNoneMatch = None
) -> Response:
    """Return one provider, without its secrets."""
    return _shown(provider).answer(if_none_match)


@router.patch(
    "/sign-in-providers/{provider_id}",
    responses={**answering("SignInProviderEdited", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("SignInProviderEdit"),
    response_model=ProviderOut,
)
async def edit_sign_in_provider(
    body: ProviderPatch, turn: Taken, if_match: IfMatch = None
) -> Response:
    """Change how a provider is asked, at once. `If-Match` is required.

    With another `base_url` or `app_id` somebody else says who comes: every secret is to be given
    with it (`secret-given-anew`), and all links end. Otherwise who is linked stays so. Code and
    family stay: set up another provider for those.
    """
    await turn.check(if_match, required=True)
    changes = body.model_dump(exclude_unset=True)
    await providers.edit_provider(
        turn.session,
        turn.item,
        changes=changes,
        faults=_address_faults(changes.get("base_url"), turn.resources),
        actor=turn.actor,
        seal=turn.resources.seal,
        now=turn.resources.clock.true_now(),
    )
    return await turn.answer()


@router.delete("/sign-in-providers/{provider_id}", status_code=204, responses=refusals(403, 404))
async def end_sign_in_provider(turn: Taken) -> None:
    """Let nobody sign in by a provider any more: its secrets and every link to it are gone.

    Sessions that it has begun go on until they end, or are ended. Again changes nothing.
    """
    await providers.end_provider(
        turn.session, turn.item, actor=turn.actor, now=turn.resources.clock.true_now()
    )
