"""Dependencies of routes: the process's resources, sessions, the plan in scope, preconditions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NewType

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.access_record import AccessRecord
from services.api.answers import etags, same_version, strong_tags
from services.api.doorbell import Doorbell
from services.api.limiting import Limits
from services.api.log_listener import LogListener
from services.api.plan_cache import PlanCache
from services.api.request_context import context_of
from services.api.response_cache import ResponseCache
from services.api.routing import Replay, digest_of
from services.api.security import Keys, caller_of
from services.api.signed_calls import Partners
from services.api.tokens import Tokens
from services.api.write_health import WriteHealth
from services.api.write_options import write_options_of
from services.core.identity.actor import Actor
from services.core.kit.clock import Clock
from services.core.kit.database import Database, send_notices
from services.core.kit.errors import DomainError, RefusalKind, Stale
from services.core.kit.file_store import FileStore
from services.core.kit.idempotency import RequestKey, claim
from services.core.kit.replicas import Reads
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.kit.trail import forget_events
from services.core.people.provider_reception import ProviderReception
from services.core.people.signing_in import Reception
from services.core.plan.state import PlanState
from services.core.webhooks.addresses import AddressPolicy


@dataclass(frozen=True, slots=True)
class Resources:
    """The open resources of one API process. A GET reads through `reads`, possibly from a replica.

    `separated` says whether the administrators' duties are separated.
    """

    database: Database
    reads: Reads
    clock: Clock
    keys: Keys
    tokens: Tokens
    partners: Partners
    plans: PlanCache
    answers: ResponseCache
    watch: LogListener
    doorbell: Doorbell
    seal: Seal | None
    files: FileStore | None
    webhook_addresses: AddressPolicy
    feed_kept: timedelta | None
    writes: WriteHealth
    limits: Limits | None
    access: AccessRecord
    reception: Reception
    providers: ProviderReception
    separated: bool


def resources_of(request: Request) -> Resources:
    """Return the resources of this process."""
    found: Resources = request.app.state.resources
    return found


async def _resources(request: Request) -> Resources:
    return resources_of(request)


ResourcesDep = Annotated[Resources, Depends(_resources)]

IfMatch = Annotated[
    str | None,
    AfterValidator(strong_tags),
    Header(
        max_length=500,
        description="The `ETag` that the change is based on; `*` for whichever there is. A stale"
        " one is 412 with the current representation",
        examples=['"019aafc0-0000-7000-8000-000000000000.2"'],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        description="The `ETag` that the caller has already; where it still holds, the answer is"
        " 304 without a body",
        examples=['"9ecaa73d214a48ce56fb480d"'],
    ),
]
PageSize = Annotated[int, Query(ge=1, le=500, description="Most items in one answer")]
PageToken = Annotated[
    str | None, Query(max_length=1000, description="`next_page_token` of the answer before")
]

ReadSession = NewType("ReadSession", AsyncSession)
WriteSession = NewType("WriteSession", AsyncSession)


async def request_key(request: Request, caller: Actor, key: str) -> RequestKey:
    """Return the idempotency key of a request, with a digest of the request."""
    return RequestKey(caller.city_code, caller.credential_id, key, await digest_of(request))


async def read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a read-only session."""
    async with resources_of(request).reads.sessions() as session:
        yield session


async def write_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a session inside the request's one transaction, committed before the response is sent.

    A repeated POST is answered from the stored reply; a preview is rolled back at the end.
    """
    resources, options = resources_of(request), write_options_of(request)
    async with resources.database.sessions() as session:
        async with session.begin() as transaction:
            if options.key is not None:
                key = await request_key(request, caller_of(request), options.key)
                earlier = await claim(session, key, at=resources.clock.true_now())
                if earlier is not None:
                    raise Replay(earlier)
                context_of(request).claimed = session, key
            yield session
            if options.preview:
                await transaction.rollback()
            forget_events()
        if not options.preview:
            await send_notices(session)
    # Ring after the commit: a worker woken earlier would find nothing.
    if not options.preview:
        resources.doorbell.ring()


Reading = Annotated[ReadSession, Depends(read_session, scope="function")]
Writing = Annotated[WriteSession, Depends(write_session, scope="function")]

PlanCode = Annotated[
    str,
    Path(
        alias="plan",
        max_length=60,
        description="Code of a plan: the city's code and a name, such as `410183-2025`",
        examples=["410183-2025"],
    ),
]


async def plan_in_scope(plan_code: PlanCode, request: Request) -> PlanState:
    """Return the plan of the path if it is in the caller's scope."""
    return await resources_of(request).plans.get(plan_code, caller_of(request))


PlanInScope = Annotated[PlanState, Depends(plan_in_scope)]


class PreconditionRequired(DomainError):
    """A change has to name the version that it is based on."""

    code = "precondition-required"
    kind = RefusalKind.PRECONDITION_REQUIRED
    title = Text("需要 If-Match", "If-Match is required")


def check_match(
    if_match: str | None, etag: str | None, *, required: bool, current: object | None = None
) -> None:
    """Refuse a change that is based on another version than `etag` (None: there is none yet).

    Differences that come from the day or the caller do not make another version.

    Raises:
        PreconditionRequired: the request names no version and must.
        Stale: it names another; the answer carries the current representation.
    """
    if if_match is None:
        if required:
            raise PreconditionRequired
        return
    tags = etags(if_match)
    if etag is None or ("*" not in tags and not any(same_version(tag, etag) for tag in tags)):
        raise Stale(extra={"etag": etag, "current": current})
