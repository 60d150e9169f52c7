"""Identifies a visitor of the board by a cookie: of a person's session, or of a link.

The cookie of a session that was begun here holds a token of it, with the board as audience and
valid as long as the session may be idle. It is renewed while it is used. So no state of a visit is
stored here, and whatever ends the session ends it for the board too, within five seconds. A
client's access token opens no page: the board would renew it, though clients must show their
refresh token for that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from cachetools import TLRUCache
from fastapi import Request, Response

from services.api.board.rendering import draft_status
from services.api.context import Resources, resources_of
from services.api.request_context import context_of
from services.api.routing import admit
from services.api.security import KEPT, address_of
from services.core.board.queries import GoodLink, good_link
from services.core.board.rules import SHOWS
from services.core.board.service import LABEL
from services.core.identity.access_tokens import BOARD
from services.core.identity.actor import Actor, by_link
from services.core.identity.errors import Unauthenticated
from services.core.identity.rules import Permission, Scope
from services.core.kit.city_scope import enter_city, in_city
from services.core.kit.database import Database
from services.core.kit.secrets import digest
from services.core.kit.single_flight import SingleFlight
from services.core.plan.state import PlanState

SESSION, LINK, STEP, LANGUAGE = "wufei_session", "wufei_link", "wufei_step", "wufei_lang"
"""Names of the cookies: of a session, of a link, of a sign-in in progress, of the language."""

_RENEWED_AFTER = timedelta(minutes=1)
_LABEL_PARTS = 4
_LONGEST_SECRET = 200
_MOST_KEPT = 1000
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of the board.

    `mark` identifies the visit: the id of the session, or of the link. `token` is the session's
    access token for the API; None: a link's visitor, who calls nothing. `renewed` is a new cookie
    value.
    """

    actor: Actor
    mark: str
    token: str | None
    renewed: str | None = None

    @property
    def is_signed_in(self) -> bool:
        """Return whether this is a person with a session, who may send forms."""
        return self.token is not None


class Links:
    """The links used lately; each is read from Postgres at most every four seconds."""

    def __init__(self, database: Database, true_now: Callable[[], datetime]) -> None:
        self._database = database
        self._true_now = true_now
        self._met: TLRUCache[bytes, tuple[datetime, GoodLink], datetime] = TLRUCache(
            _MOST_KEPT, ttu=lambda _digest, met, _now: met[0], timer=true_now
        )
        self._looks: SingleFlight[bytes, GoodLink | None] = SingleFlight()

    async def good(self, secret: str) -> GoodLink | None:
        """Return the link that a secret opens; None: it is unknown, revoked or expired."""
        parts = secret.split("_", _LABEL_PARTS - 1)
        ours = len(parts) == _LABEL_PARTS and parts[0] == LABEL and len(secret) <= _LONGEST_SECRET
        if not ours or not secret.isascii() or not secret.isprintable():
            return None
        sent, now = digest(secret), self._true_now()
        met = self._met.get(sent)
        if met is not None and met[0] <= now + KEPT:
            return met[1]

        async def look() -> GoodLink | None:
            with in_city(parts[1]):
                return await good_link(
                    self._database.pool, city_code=parts[1], digest=sent, now=now
                )

        def keep(found: GoodLink | None) -> None:
            if found is not None:
                self._met[sent] = min(now + KEPT, found.expires_at), found

        return await self._looks.look(sent, look, keep)


async def visitor_of(request: Request) -> Visitor | None:
    """Return the visitor, and count the visit against its limits; None: unknown."""
    token = request.cookies.get(SESSION)
    if token is not None:
        try:
            return await _of_session(request, token)
        except Unauthenticated:
            pass
    secret = request.cookies.get(LINK)
    return None if secret is None else await _of_link(request, secret)


async def _of_session(request: Request, token: str) -> Visitor:
    resources = resources_of(request)
    address = address_of(request)
    found = await resources.keys.presented(token, address, BOARD)
    actor = found.actor.in_request(context_of(request).request_id)
    if actor.person_id is None:  # a system's key opens no page
        raise Unauthenticated
    resources.access.used(actor, address)
    await admit(request, actor.credential_id, _sort(request))
    life = resources.reception.policy.idle
    renewed = None
    if found.good_until - resources.clock.true_now() < life - _RENEWED_AFTER:
        renewed = await session_token(
            resources, actor.city_code, actor.credential_id, found.secret_prefix, actor.scopes
        )
    return Visitor(actor, found.secret_prefix, token, renewed)


async def session_token(
    resources: Resources, city_code: str, key_id: UUID, session_id: str, scopes: frozenset[Scope]
) -> str:
    """Return the value of the session cookie."""
    text, _ = await resources.tokens.issue(
        city_code=city_code,
        key_id=key_id,
        secret_prefix=session_id,
        scopes=scopes,
        life=resources.reception.policy.idle,
        audience=BOARD,
    )
    return text


async def _of_link(request: Request, secret: str) -> Visitor | None:
    links: Links = request.app.state.board_links
    found = await links.good(secret)
    if found is None:
        await count_stranger(request)
        return None
    await admit(request, found.id, _sort(request))
    enter_city(found.city_code)
    actor = by_link(
        link_id=found.id,
        city_code=found.city_code,
        plan_code=found.plan_code,
        scopes=SHOWS,
        channel="board",
        request_id=context_of(request).request_id,
    )
    return Visitor(actor, str(found.id), None)


def _sort(request: Request) -> Literal["reads", "writes"]:
    return "reads" if request.method == "GET" else "writes"


async def count_stranger(request: Request) -> None:
    """Count an unknown visitor's attempt among the sign-ins of their address.

    Raises:
        RateLimited: the address has used up its attempts of this minute.
    """
    limits, limited = resources_of(request).limits, context_of(request).limited
    if limits is not None and not limited.counted:
        limited.counted = True
        await limits.admit(limited.told, address_of(request) or "socket", "sign_ins")


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    seconds: int | None = None,
    strict: bool = True,
) -> None:
    """Set an HttpOnly cookie; `strict` False: also sent when a link of another site is followed."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=cookie_path(request),
        secure=request.url.scheme == "https" or is_public_over_tls(request),
        httponly=True,
        samesite="strict" if strict else "lax",
    )


def is_public_over_tls(request: Request) -> bool:
    """Return whether browsers use `https`, even if a TLS-terminating proxy does not say so."""
    return resources_of(request).tokens.issuer.startswith("https://")


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Delete a cookie in the browser."""
    set_cookie(request, response, name, "", seconds=0)


def remember_language(request: Request, response: Response, language: str) -> None:
    """Store the chosen language in a cookie."""
    set_cookie(request, response, LANGUAGE, language, seconds=_YEAR, strict=False)


def cookie_path(request: Request) -> str:
    """Return the path of the board's cookies, so that nothing else on this host gets them."""
    root: str = request.scope.get("root_path", "")
    return f"{root}/board"


def shown_visitor(
    visitor: Visitor, form_token: str, plan: PlanState | None = None
) -> Mapping[str, Any]:
    """Return the visitor's data for the templates: their pages of a plan, and the sign-out.

    `form_token` is that of their session, or its placeholder in a cached page.

    The unit's page is for those who report for a unit; the office's for those who review. Each page
    of a draft plan says that it is one.
    """
    pages, status = ["overview"], None if plan is None else draft_status(plan)
    if not visitor.is_signed_in:
        return {"pages": pages, "form_token": "", "status": status}
    actor = visitor.actor
    if plan is not None and actor.organization_code in plan.organizations:
        pages.append("unit")
    if actor.may(Permission.REVIEW_SUBMISSIONS):
        pages.append("office")
    return {"pages": pages, "form_token": form_token, "status": status}


def renewed(request: Request, visitor: Visitor, response: Response) -> Response:
    """Return a page, with a new cookie if the session was renewed."""
    if visitor.renewed is not None:
        set_cookie(request, response, SESSION, visitor.renewed)
    return response
