"""The state of one request: its caller, its options, and what was looked up for it so far.

The middleware makes one for each request; code that makes a request within another makes its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Scope

from services.api.known_partners import SignedCall
from services.api.limiting import Limited
from services.api.table_forms import Form
from services.core.evidence.service import NewFile
from services.core.identity.access_tokens import API, Audience
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault
from services.core.kit.exact_data import MalformedBody
from services.core.kit.idempotency import RequestKey
from services.core.plan.state import PlanState

_PLACE = "wufei.context"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of a change; `key` is the idempotency key of a POST."""

    key: str | None
    preview: bool


_FAULTY = WriteOptions(key=None, preview=True)
"""The options assumed if one has a fault: the request will be refused and writes nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """The caller, and the plan of the path, which is in the caller's scope."""

    actor: Actor
    plan: PlanState


@dataclass(slots=True)
class RequestContext:
    """The state of a request, from its first line to its response."""

    request_id: str
    limited: Limited = field(default_factory=Limited)

    line: tuple[str, str, bytes] | None = None
    """Method, path and query as received, because signatures cover them; we may rewrite our own."""

    is_head: bool = False
    """No body is wanted: nothing beyond the first page of a list is read."""

    form: Form | None = None
    """The format that a list is requested in; None: JSON."""

    suffix: str = ""
    """The suffix that named the format and was taken off the path."""

    audience: Audience = API
    """The audience that an accepted token must have."""

    actor: Actor | None = None
    """The caller; None: not authenticated yet, or on a public route."""

    maker: Actor | None = None
    """The actor whose key is behind the request, though it does not act itself."""

    secret_prefix: str | None = None
    """The prefix of the secret that the caller presented; of a session its id."""

    access: Access | None = None
    """The result of authorising a marked endpoint."""

    signed: SignedCall | None = None
    """The request as a partner signed it, once it was verified."""

    by_gateway: bool = False
    """The façade made it from another request, and inspects its response."""

    unread: list[Fault] = field(default_factory=list)
    """Parameters and members that the route does not read, as faults."""

    malformed: MalformedBody | None = None
    """The fault of a body that could not be parsed."""

    options: WriteOptions = _FAULTY
    """The options of a change."""

    claimed: tuple[AsyncSession, RequestKey] | None = None
    """The idempotency key that was claimed, and the session whose transaction holds it."""

    kept_reply: bytes | None = None
    """The reply stored for repeats, if it differs from the first: a secret is left out."""

    is_replayed: bool = False
    """It was answered with a stored reply and did nothing itself."""

    refused_under: RequestKey | None = None
    """The idempotency key of a refused request, if it may be a repeat."""

    is_streamed: bool = False
    """Its body is streamed once and stored elsewhere."""

    body_digest: bytes | None = None
    """The digest of a streamed body."""

    received: NewFile | None = None
    """The uploaded file; a retry does not receive it again."""

    waits_until: float | None = None
    """When a long poll ends, by the event loop's clock; a retry does not extend it."""

    problem: str | None = None
    """The problem code that it was refused with."""

    status: int | None = None
    """The status to record, if the response on the wire has another."""

    @property
    def caller(self) -> Actor:
        """The caller, on a route that admits known callers only."""
        if self.actor is None:
            raise LookupError("nobody was let in")
        return self.actor


def begin_context(scope: Scope, context: RequestContext) -> RequestContext:
    """Store the context of a request in its scope, and return it."""
    scope[_PLACE] = context
    return context


def context_of(request: Mapping[str, Any]) -> RequestContext:
    """Return the context of a request, or of a scope."""
    found: RequestContext = request[_PLACE]
    return found
