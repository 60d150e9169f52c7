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
    """How a change is asked for; `key` is that of a POST whose reply is to be kept."""

    key: str | None
    preview: bool


_FAULTY = WriteOptions(key=None, preview=True)
"""What holds where an option has a fault: the request will be refused and writes nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and the plan of the path, which is in the caller's scope."""

    actor: Actor
    plan: PlanState


@dataclass(slots=True)
class RequestContext:
    """What is known of a request, from its first line to its answer."""

    request_id: str
    limited: Limited = field(default_factory=Limited)

    line: tuple[str, str, bytes] | None = None
    """Method, path and query as they came, for they are signed so; we read on by others."""

    is_head: bool = False
    """No body is asked for: nothing beyond the first page of a list is read."""

    form: Form | None = None
    """The form that a list is asked for in; None: JSON."""

    suffix: str = ""
    """What was taken off the end of the path: it named the form."""

    audience: Audience = API
    """What a token that lets in has to be for."""

    actor: Actor | None = None
    """Who asks; None: nobody was let in yet, or anybody is."""

    maker: Actor | None = None
    """Whose key stands behind the request, though it does not act itself."""

    secret_prefix: str | None = None
    """Which secret the caller has shown; of a session it is the id."""

    access: Access | None = None
    """What the route of a marked endpoint has found."""

    signed: SignedCall | None = None
    """The request as a partner signed it, once it was proved."""

    by_gateway: bool = False
    """The façade made it of another request: its answer is looked through."""

    unread: list[Fault] = field(default_factory=list)
    """What it says beside what its route reads."""

    malformed: MalformedBody | None = None
    """What is wrong with a body that could not be read."""

    options: WriteOptions = _FAULTY
    """How a change is asked for."""

    claimed: tuple[AsyncSession, RequestKey] | None = None
    """The idempotency key that was claimed, and the session whose transaction holds it."""

    kept_reply: bytes | None = None
    """What a repeat is answered, where that is not all that the first is: a secret is left out."""

    is_replayed: bool = False
    """It was answered with a kept reply: it did nothing itself."""

    refused_under: RequestKey | None = None
    """The key of a request that is refused, if it may be a repeat."""

    is_streamed: bool = False
    """Its body is taken in once, part by part, and kept elsewhere."""

    body_digest: bytes | None = None
    """The digest of a body that was taken in part by part."""

    received: NewFile | None = None
    """The file that was taken in; a further try takes none in."""

    waits_until: float | None = None
    """When a long poll is given up, by the event loop's clock; a further try waits no longer."""

    problem: str | None = None
    """The code that it was refused by."""

    status: int | None = None
    """The status that its answer stands for, though it is another on the wire."""

    @property
    def caller(self) -> Actor:
        """Who asks, where a route lets in known callers only."""
        if self.actor is None:
            raise LookupError("nobody was let in")
        return self.actor


def begin_context(scope: Scope, context: RequestContext) -> RequestContext:
    """Return the context of a request, which its scope holds from now on."""
    scope[_PLACE] = context
    return context


def context_of(request: Mapping[str, Any]) -> RequestContext:
    """Return the context of a request; a scope is taken as well."""
    found: RequestContext = request[_PLACE]
    return found
