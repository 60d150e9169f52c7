"""The OpenAPI contract and its docs page, built once a process, in a thread.

Building the contract takes seconds of CPU, so a thread does it while the event loop serves on.
"""

import asyncio
import threading
from typing import Annotated

import swagger_ui_bundle
from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.browsers import policy_of_page
from services.api.contract.docs_page import docs_page
from services.api.problems import language_of
from services.api.unread import HeardRoute
from services.core.kit.text import Language


class Docs:
    """An application's contract and docs pages, each built on first use and then kept."""

    def __init__(self, app: FastAPI, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix
        self._one_at_a_time = threading.Lock()
        self._contract: tuple[bytes, str] | None = None
        self._pages: dict[Language, tuple[bytes, str]] = {}

    async def contract(self) -> tuple[bytes, str]:
        """Return the contract as JSON, and its ETag."""
        if self._contract is None:
            return await asyncio.to_thread(self._make_contract)
        return self._contract

    async def page(self, language: Language) -> tuple[bytes, str]:
        """Return the page in a language as HTML, and its Content-Security-Policy."""
        if language not in self._pages:
            return await asyncio.to_thread(self._make_page, language)
        return self._pages[language]

    def _make_contract(self) -> tuple[bytes, str]:
        with self._one_at_a_time:
            if self._contract is None:
                body = to_json(self._app.openapi())
                self._contract = body, body_etag(body)
            return self._contract

    def _make_page(self, language: Language) -> tuple[bytes, str]:
        with self._one_at_a_time:
            if language not in self._pages:
                html = docs_page(self._app.openapi(), language, prefix=self._prefix)
                self._pages[language] = html.encode(), policy_of_page(html)
            return self._pages[language]


def install_docs(app: FastAPI, *, prefix: str) -> None:
    """Serve the contract and its page from our own files, so that it works without the Internet."""
    docs = Docs(app, prefix=prefix)

    async def front() -> RedirectResponse:
        return RedirectResponse("docs")  # relative, so that it holds behind a path prefix

    async def contract(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        body, etag = await docs.contract()
        return json_answer(body, etag=etag, if_none_match=if_none_match)

    async def page(
        request: Request, language: Annotated[Language | None, Query()] = None
    ) -> HTMLResponse:
        shown = language or language_of(request)
        html, policy = await docs.page(shown)
        headers = {
            "Content-Language": shown,
            "Vary": "Accept-Language",
            "Content-Security-Policy": policy,
        }
        return HTMLResponse(html, headers=headers)

    for path, answer in (("/", front), ("/openapi.json", contract), ("/docs", page)):
        app.router.add_api_route(
            path, answer, include_in_schema=False, route_class_override=HeardRoute
        )
    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_bundle.swagger_ui_path))
