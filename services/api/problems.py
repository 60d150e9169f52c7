"""Error responses as RFC 9457 `application/problem+json`, in the caller's language."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from services.api.request_context import context_of
from services.api.unread import BLANK
from services.core.kit.errors import DomainError, Fault, InvalidInput, RefusalKind
from services.core.kit.faults import faults_of
from services.core.kit.file_store import FileMissing, FileStoreUnavailable
from services.core.kit.outage import (
    cause_in_words,
    is_away,
    is_contended,
    is_held_up,
    is_unable,
    takes_no_writes,
)
from services.core.kit.text import Language, Text

logger = logging.getLogger("wufei.api")

MEDIA_TYPE = "application/problem+json"

MOST_FAULTS = 1000
"""At most this many faults are listed in a response; the rest are only counted."""

STATUS: Mapping[RefusalKind, int] = {
    RefusalKind.MALFORMED: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.CONFLICT: 409,
    RefusalKind.GONE: 410,
    RefusalKind.PRECONDITION_FAILED: 412,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.UNSUPPORTED: 415,
    RefusalKind.INVALID: 422,
    RefusalKind.PRECONDITION_REQUIRED: 428,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}


class UnsupportedMediaType(DomainError):
    """The `Content-Type` is none that this path takes."""

    code = "unsupported-media-type"
    kind = RefusalKind.UNSUPPORTED
    title = Text("不支持的内容类型", "The media type is not supported")


class DatabaseUnavailable(DomainError):
    """The database does not answer or cannot write now; the request may be sent again."""

    code = "database-unavailable"
    kind = RefusalKind.UNAVAILABLE
    title = Text("数据库暂不可用，请稍后重试", "The database is not available; try again")


class Contended(DomainError):
    """Another change of the same was not finished within ten seconds; send the request again."""

    code = "contended"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "同一数据正被他人修改，请稍后重试", "Somebody else is changing the same; try again"
    )


HTTP_PROBLEMS: Mapping[int, tuple[str, Text]] = {
    400: (
        "malformed-request",
        Text("请求不是完整有效的 HTTP 报文", "The request is not whole and valid HTTP"),
    ),
    404: ("no-such-path", Text("没有这个路径", "There is no such path")),
    405: ("method-not-allowed", Text("该路径不支持此方法", "The path does not take this method")),
    431: ("headers-too-large", Text("请求头超过 64 KiB", "The headers are longer than 64 KiB")),
    500: ("internal-error", Text("服务内部错误", "An error of ours")),
}
"""Refusals without an error class of their own, by status."""


def language_of(request: Request) -> Language:
    """Return the language that `Accept-Language` prefers, by default Chinese."""
    return preferred_language(request.headers.get("accept-language", ""))


def preferred_language(accepted: str) -> Language:
    """Return the language that an `Accept-Language` value prefers; Chinese if it names neither."""
    best: tuple[float, Language] = (0, "zh-CN")
    for part in accepted.lower().split(",")[:20]:
        tag, _, parameters = part.partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        language = tag.strip().split("-")[0]
        if quality > best[0] and language in {"zh", "en"}:
            best = (quality, "zh-CN" if language == "zh" else "en")
    return best[1]


DATABASE_ERRORS: tuple[type[Exception], ...] = (
    DBAPIError,
    OperationalError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""The exceptions of a database that is down, failing or misused."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal before translation."""

    status: int
    code: str
    title: Text
    detail: Text | None = None
    faults: Sequence[Fault] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, language: Language, request_id: str) -> dict[str, Any]:
        """Return the members of the problem document."""
        more = len(self.faults) - MOST_FAULTS
        return {
            "type": f"urn:wufei:problem:{self.code}",
            "title": self.title.in_(language),
            "status": self.status,
            "detail": (self.detail or self.title).in_(language),
            "instance": f"urn:wufei:request:{request_id}",
            "code": self.code,
            "errors": [fault_out(fault, language) for fault in self.faults[:MOST_FAULTS]],
            **self.extra,
            **({"more_errors": more} if more > 0 else {}),
        }

    def answer(self, request: Request) -> Response:
        """Return the response in the language of `request`."""
        context, language = context_of(request), language_of(request)
        context.problem = self.code
        return Response(
            to_json(self.body(language, context.request_id), fallback=str),
            self.status,
            {"Content-Language": language, "Cache-Control": "no-store", **self.headers},
            MEDIA_TYPE,
        )


def fault_out(fault: Fault, language: Language) -> dict[str, Any]:
    """Return a fault as `FaultOut` has it."""
    return {
        "pointer": fault.pointer,
        "code": fault.code,
        "detail": fault.detail.in_(language),
        "value": fault.value,
    }


def problem_of(error: DomainError) -> Problem:
    """Return the problem that an error is to callers."""
    headers = {}
    extra = dict(error.extra)
    if error.kind is RefusalKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="wufei"'
    if error.kind is RefusalKind.UNAVAILABLE:
        headers["Retry-After"] = "1"
    if error.kind is RefusalKind.TOO_MANY:
        headers["Retry-After"] = str(extra.pop("retry_after", 1))
    etag = extra.pop("etag", None)
    if isinstance(etag, str):
        headers["ETag"] = etag
    return Problem(
        STATUS[error.kind],
        error.code,
        error.title,
        detail=error.detail,
        faults=error.faults,
        extra=extra,
        headers=headers,
    )


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 (registered for this type only)
    # The caller can do nothing about the store, so details of disk or bucket are not disclosed.
    said = {
        "request_id": context_of(request).request_id,
        "cause": cause_in_words(error) if error.__cause__ else error.title.en,
        "next": "answered 503; `wufei doctor` says what is wrong with the store",
    }
    if isinstance(error, FileStoreUnavailable):
        logger.warning("file store unavailable", extra=said)
    elif isinstance(error, FileMissing):
        logger.warning("file missing", extra=said)
    return problem_of(error).answer(request)


_SEND_JSON = Text(
    "请用 Content-Type: application/json", "Send it with Content-Type: application/json"
)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    context = context_of(request)
    if context.malformed is not None:
        return await _domain_error(request, context.malformed)
    errors = list(error.errors())
    if any(one["loc"] == ("body",) and isinstance(one.get("input"), bytes) for one in errors):
        return await _domain_error(request, UnsupportedMediaType(detail=_SEND_JSON))
    body = [one for one in errors if one["loc"][0] == "body"]
    elsewhere = [one for one in errors if one["loc"][0] != "body"]
    faults = [*faults_of(body, skip=1), *faults_of(elsewhere)]
    # A field with a format of its own already explains a blank by that fault; one fault is enough.
    told = {fault.pointer for fault in faults}
    faults += [one for one in context.unread if not (one.code == BLANK and one.pointer in told)]
    return await _domain_error(request, InvalidInput(faults=faults))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, title = HTTP_PROBLEMS.get(
        error.status_code, ("http-error", Text(error.detail, error.detail))
    )
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed(request) or headers["Allow"]
    return Problem(error.status_code, code, title, headers=headers).answer(request)


def _allowed(request: Request) -> str:
    """Return every method of a path; the router itself only names those of one route."""
    allowed: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            allowed |= route.methods or set()
    if "GET" in allowed:
        allowed.add("HEAD")
    return ", ".join(sorted(allowed))


async def _database_error(request: Request, error: Exception) -> Response:
    """Return 503 for a database that is down or failing, and 500 for a fault of ours."""
    if takes_no_writes(error):
        request.app.state.resources.writes.refused()
    refused = refused_by_database(error)
    if refused is None:
        return await _unexpected(request, error)
    said = {
        "request_id": context_of(request).request_id,
        "cause": cause_in_words(error),
        "next": "answered 503; the caller may retry",
    }
    if isinstance(refused, Contended):
        logger.warning("request held up", extra=said)
    else:
        logger.warning("database unavailable", extra=said)
    return await _domain_error(request, refused)


def refused_by_database(error: Exception) -> DomainError | None:
    """Return the refusal for a database error that is not our fault; None: a fault of ours.

    A lock that another transaction holds is not an outage, and gets a refusal of its own.
    """
    if is_held_up(error):
        return Contended()
    if is_away(error) or is_unable(error) or is_contended(error):
        return DatabaseUnavailable()
    return None


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error(
        "request failed",
        extra={
            "request_id": context_of(request).request_id,
            "cause": cause_in_words(error),
            "next": "answered 500",
        },
        exc_info=error,
    )
    return Problem(500, *HTTP_PROBLEMS[500]).answer(request)


async def _crashed(request: Request, error: Exception) -> Response:
    """Answer an error that escaped our middleware, which otherwise adds the request id."""
    answer = await _unexpected(request, error)
    answer.headers["X-Request-Id"] = context_of(request).request_id
    return answer


def install(app: FastAPI) -> None:
    """Make `app` answer every refusal as a problem document."""
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _database_error)
    app.add_exception_handler(Exception, _crashed)
