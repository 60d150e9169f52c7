"""The route class of the board: refusals become a page in the reader's language."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from typing_extensions import override

from services.api.board.rendering import POLICY, page
from services.api.board.visitors import LANGUAGE, Visitor, remember_language, visitor_of
from services.api.problems import DATABASE_ERRORS, language_of, problem_of, refused_by_database
from services.api.request_context import context_of
from services.api.second_try import tried_again
from services.api.unread import HeardRoute
from services.core.identity.errors import Unauthenticated
from services.core.kit.errors import DomainError, InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.text import Language

Chosen = Annotated[str | None, Query(alias="lang", max_length=10)]
"""The query parameter that selects a language, accepted by every page of the board."""

FORM: dict[str, Any] = {"requestBody": {"content": {"multipart/form-data": {}}}}
"""Marks a route that reads its body, a form, by itself."""

_LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def reading_language(request: Request) -> Language:
    """Return the language of a page: chosen now, chosen before (cookie), or preferred."""
    for said in (request.query_params.get("lang"), request.cookies.get(LANGUAGE)):
        for one in _LANGUAGES:
            if said == one:
                return one
    return language_of(request)


def html(
    request: Request, body: bytes, headers: Mapping[str, str] | None = None, *, status: int = 200
) -> Response:
    """Return a page; the browser may not store it, unless the headers have an ETag."""
    language = reading_language(request)
    said = {
        "Content-Language": language,
        "Content-Security-Policy": POLICY,
        # Without this the browser would omit the origin of a form, which `check_origin` needs.
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language, Cookie",
        **(headers or {}),
    }
    response = Response(body, status, said, "text/html; charset=utf-8")
    if request.query_params.get("lang") == language:
        remember_language(request, response, language)
    return response


def root_of(request: Request) -> str:
    """Return the path that the API is served under."""
    root: str = request.scope.get("root_path", "")
    return root


def sent_on(request: Request, path: str) -> RedirectResponse:
    """Return the redirect after a form was carried out, to a page of the board."""
    return RedirectResponse(f"{root_of(request)}/board{path}", 303)


def to_sign_in(request: Request) -> Response:
    """Return the redirect to the sign-in, which leads back to the page requested."""
    asked = request.scope["path"].removeprefix(root_of(request))
    query = request.scope["query_string"].decode("latin-1")
    wanted = f"{asked}?{query}" if query else asked
    return sent_on(request, f"/sign-in?next={quote(wanted, safe='')}")


class PageRoute(HeardRoute):
    """A route that answers with pages, also for refusals."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Unauthenticated:
                if request.method == "GET":
                    return to_sign_in(request)
                return refusal(request, Unauthenticated())
            except DomainError as error:
                return refusal(request, error)
            except RequestValidationError as error:
                return refusal(request, InvalidInput(faults=faults_of(error.errors())))

        served = tried_again(answer)

        async def told(request: Request) -> Response:
            try:
                return await served(request)
            except DATABASE_ERRORS as error:
                refused = refused_by_database(error)
                if refused is None:
                    raise
                return refusal(request, refused)

        return told


def refusal(request: Request, error: DomainError) -> Response:
    """Return the page of a refusal, with each of its faults."""
    problem, language = problem_of(error), reading_language(request)
    context = context_of(request)
    context.problem = problem.code
    said = problem.body(language, context.request_id)
    body = page("refusal.html", language, root=root_of(request), problem=said)
    return html(request, body, problem.headers, status=problem.status)


def problem_page(request: Request, said: Mapping[str, Any], status: int) -> Response:
    """Return the page of an operation's refusal."""
    problem = {
        "title": said.get("title", ""),
        "detail": said.get("detail", ""),
        "errors": said.get("errors", []),
        "code": said.get("code", ""),
        "instance": said.get("instance", ""),
    }
    body = page("refusal.html", reading_language(request), root=root_of(request), problem=problem)
    return html(request, body, status=status)


def board_router() -> APIRouter:
    """Return a router for pages, which are not operations of the contract."""
    return APIRouter(
        prefix="/board",
        route_class=PageRoute,
        include_in_schema=False,
        strict_content_type=False,
        generate_unique_id_function=lambda route: f"board_{route.name}",
    )


async def visit(request: Request) -> Visitor:
    """Return the visitor.

    Raises:
        Unauthenticated: the visitor is unknown.
    """
    found = await visitor_of(request)
    if found is None:
        raise Unauthenticated
    return found


async def signed_in(request: Request) -> Visitor:
    """Return the visitor, a person with a session: a link opens only the leader's page.

    Raises:
        Unauthenticated: the visitor has no session.
    """
    found = await visit(request)
    if not found.is_signed_in:
        raise Unauthenticated
    return found
