"""Pages kept as bytes until the log of their city moves on, one for each who looks."""

from fastapi import Request, Response

from services.api.answers import body_etag, etags
from services.api.board.routing import html
from services.api.context import Resources
from services.core.kit.text import Language


class Kept:
    """A page as it may be kept: for one session or link, one address and one language.

    Where there are replicas none is kept, since what one answers may be older than the log.
    """

    def __init__(
        self,
        request: Request,
        held: Resources,
        mark: str,
        language: Language,
        city_code: str,
    ) -> None:
        scope = request.scope
        self._request = request
        self._answers = held.answers
        self._address = ("board", mark, scope["path"], scope["query_string"], language)
        watched = None if held.reads.replicas else held.watch.generation(city_code)
        self._generation = watched

    def again(self) -> Response | None:
        """Return the page if it was made since the log moved on; None: it is to be made."""
        if self._generation is None:
            return None
        kept = self._answers.get(self._address, self._generation)
        return None if kept is None else self._answered(*kept)

    def answer(self, body: bytes) -> Response:
        """Return a page that was made, and keep it."""
        etag = body_etag(body)
        self._answers.put(self._address, self._generation, etag, body)
        return self._answered(etag, body)

    def _answered(self, etag: str, body: bytes) -> Response:
        had = self._request.headers.get("if-none-match")
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if had is not None and not etags(had).isdisjoint({etag, "*"}):
            return html(self._request, b"", headers, status=304)
        return html(self._request, body, headers)
