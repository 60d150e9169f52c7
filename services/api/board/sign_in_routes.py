"""The board's sign-in: credentials, choice of post, sign-out, and following a link."""

import json
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.api.board.forms import Form, check_origin, form_of, form_token
from services.api.board.operation_calls import Call, carried_out
from services.api.board.rendering import page
from services.api.board.routing import (
    FORM,
    Chosen,
    board_router,
    html,
    reading_language,
    root_of,
    sent_on,
)
from services.api.board.visitors import (
    LINK,
    SESSION,
    STEP,
    Links,
    count_stranger,
    drop_cookie,
    session_token,
    set_cookie,
    visitor_of,
)
from services.api.context import Resources, resources_of
from services.api.people.sign_in_schemas import ProofIn
from services.api.security import address_of
from services.core.identity.networks import network_shown
from services.core.identity.queries import city_names
from services.core.identity.rules import scopes_of_role
from services.core.kit.errors import DomainError, InvalidInput
from services.core.kit.sealing import CannotUnseal
from services.core.kit.text import Text
from services.core.people.errors import (
    ChoosePost,
    NoPost,
    SecondFactorNeeded,
    SecondFactorRequired,
    SignInBusy,
    SignInRefused,
)
from services.core.people.sessions import Device, Opened

router = board_router()

Next = Annotated[str | None, Query(alias="next", max_length=500)]

_STEP_LASTS = timedelta(minutes=3)
_SEALED_FOR = "board sign-in"
_BOARD = "/board"
_MOST_CITIES = 100
"""At most this many cities are offered; beyond that people type a code."""
_OF_A_PLAN = re.compile(r"/plans/([0-9]{6})-")


def _local(wanted: str | None) -> str:
    """Return the path to open after signing in, which must be a page of the board."""
    if wanted is None or not wanted.startswith(f"{_BOARD}/") or "\\" in wanted or "//" in wanted:
        return ""
    return wanted.removeprefix(_BOARD)


@router.get("/sign-in")
async def show_sign_in(request: Request, wanted: Next = None, lang: Chosen = None) -> Response:
    """Show the form by which people sign in."""
    del lang  # `reading_language` reads it itself, on every page
    return await _form(request, _local(wanted))


async def _cities(request: Request) -> Mapping[str, str]:
    """Return the cities to choose from, by code; one beyond the limit means too many."""
    async with resources_of(request).reads.sessions() as session:
        return await city_names(session, limit=_MOST_CITIES + 1)


def _city_of(wanted: str) -> str:
    """Return the city of the plan that a page belongs to; `""` if it belongs to none."""
    found = _OF_A_PLAN.match(wanted)
    return "" if found is None else found[1]


async def _form(
    request: Request,
    wanted: str,
    *,
    error: DomainError | None = None,
    username: str = "",
    city_code: str = "",
    status: int = 200,
) -> Response:
    cities = await _cities(request)
    # Reuse the mark, so that a form open in another tab stays valid.
    mark = _step_of(request).get("mark") or secrets.token_urlsafe(24)
    language = reading_language(request)
    body = page(
        "sign_in.html",
        language,
        root=root_of(request),
        form_token=form_token(request, mark),
        wanted=wanted,
        username=username,
        cities=cities,
        listed=len(cities) <= _MOST_CITIES,
        city_code=city_code or _city_of(wanted),
        error=None if error is None else (error.detail or error.title).in_(language),
    )
    response = html(request, body, status=status)
    set_cookie(request, response, STEP, _sealed(request, {"mark": mark}))
    return response


@router.post("/sign-in", openapi_extra=FORM)
async def sign_in(request: Request) -> Response:
    """Begin a session by name and password, or ask for the code, or for the post, that it needs."""
    await count_stranger(request)
    step = _step_of(request)
    form = await form_of(request, step.get("mark", ""))
    proof = {name: form.get(name) for name in ("username", "password", "city_code")}
    if not proof["city_code"] and len(await _cities(request)) > 1:
        # A form that was opened before the second city existed offers no choice.
        wanted, shown = _local(_BOARD + form.get("next")), proof["username"][:60]
        return await _form(request, wanted, error=_which_city(), username=shown, status=422)
    return await _tried(request, form, {name: one for name, one in proof.items() if one})


@router.post("/sign-in/step", openapi_extra=FORM)
async def sign_in_step(request: Request) -> Response:
    """Go on with a sign-in: with the code of the second factor, or the post to act as."""
    await count_stranger(request)
    step = _step_of(request)
    form = await form_of(request, step.get("mark", ""))
    said = {name: form.get(name) for name in ("code", "post_id")}
    known = {name: one for name, one in step.items() if name != "mark"}
    return await _tried(request, form, known | {name: one for name, one in said.items() if one})


async def _tried(request: Request, form: Form, said: dict[str, str]) -> Response:
    resources, wanted = resources_of(request), _local(_BOARD + form.get("next"))
    post_id = said.pop("post_id", None)
    try:
        proof = ProofIn.model_validate(said).proof(network_shown(address_of(request)))
        post = None if post_id is None else UUID(post_id)
    except ValueError:  # pydantic's too: missing or overlong input matches no user
        return await _form(request, wanted, error=SignInRefused(), status=401)
    try:
        opened = await resources.reception.sign_in(
            proof, post_id=post, device=Device(request.headers.get("user-agent", "")[:200] or None)
        )
    except SecondFactorNeeded:
        return _next_step(request, wanted, said, posts=None)
    except ChoosePost as choice:
        return _next_step(request, wanted, said, posts=choice.extra["posts"])
    except (SignInRefused, SignInBusy, NoPost, SecondFactorRequired) as refused:
        status = 401 if isinstance(refused, SignInRefused) else 403
        return await _form(
            request,
            wanted,
            error=refused,
            username=said.get("username", "")[:60],
            city_code=said.get("city_code", ""),
            status=status,
        )
    return await _opened(request, resources, opened, wanted)


def _which_city() -> InvalidInput:
    return InvalidInput(Text("请选择您所在的城市", "Choose the city that you belong to"))


def _next_step(request: Request, wanted: str, said: dict[str, str], *, posts: Any) -> Response:
    """Ask for the next factor; the proofs so far travel along sealed, for minutes."""
    mark = secrets.token_urlsafe(24)
    body = page(
        "sign_in_step.html",
        reading_language(request),
        root=root_of(request),
        form_token=form_token(request, mark),
        wanted=wanted,
        posts=posts,
    )
    response = html(request, body)
    set_cookie(request, response, STEP, _sealed(request, {**said, "mark": mark}))
    return response


async def _opened(request: Request, resources: Resources, opened: Opened, wanted: str) -> Response:
    sign_in, post = opened.sign_in, opened.held.post
    token = await session_token(
        resources,
        sign_in.city_code,
        opened.held.tenure.id,
        str(sign_in.id),
        scopes_of_role(post.role),
    )
    response = sent_on(request, wanted)
    set_cookie(request, response, SESSION, token)
    drop_cookie(request, response, STEP)
    drop_cookie(request, response, LINK)
    return response


def _sealed(request: Request, step: dict[str, str]) -> str:
    resources = resources_of(request)
    until = (resources.clock.true_now() + _STEP_LASTS).timestamp()
    # A form may stay open for long; only proofs expire soon.
    said = step if step.keys() == {"mark"} else {**step, "until": str(until)}
    assert resources.seal is not None  # noqa: S101 (the form's token was signed by it)
    return resources.seal.seal(json.dumps(said).encode(), _SEALED_FOR).hex()


def _step_of(request: Request) -> dict[str, str]:
    """Return the state of the sign-in in progress; empty once it has expired."""
    resources = resources_of(request)
    try:
        sealed = bytes.fromhex(request.cookies.get(STEP, ""))
        said: dict[str, str] = json.loads(
            b"{}" if resources.seal is None else resources.seal.unseal(sealed, _SEALED_FOR)
        )
    except (ValueError, CannotUnseal, IndexError):
        return {}
    if "until" in said and float(said.pop("until")) < resources.clock.true_now().timestamp():
        return {}
    return said


@router.post("/sign-out", openapi_extra=FORM)
async def sign_out(request: Request) -> Response:
    """End the session, and forget it in the browser."""
    visitor = await visitor_of(request)
    response = sent_on(request, "/sign-in")
    if visitor is not None and visitor.is_signed_in:
        await form_of(request, visitor.mark)
        await carried_out(request, visitor, Call("sign_out"))
    else:
        check_origin(request)
    drop_cookie(request, response, SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@router.get("/link")
async def follow_link(
    request: Request, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Open the leader's page by a link: its secret moves from the address into a cookie."""
    await count_stranger(request)
    links: Links = request.app.state.board_links
    found = await links.good(token)
    if found is None:
        body = page("link_over.html", reading_language(request), root=root_of(request))
        return html(request, body, status=404)
    response = sent_on(request, f"/plans/{found.plan_code}")
    left = found.expires_at - resources_of(request).clock.true_now()
    set_cookie(
        request,
        response,
        LINK,
        token,
        seconds=max(1, int(left.total_seconds())),
        # A link is followed from messages, so from other sites, and its visitor changes nothing.
        strict=False,
    )
    return response
