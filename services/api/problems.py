"""Every refusal as RFC 9457 `application/problem+json`, in the caller's language."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from services.core.kit.errors import DomainError, Fault, InvalidInput, Kind
from services.core.kit.exact_data import MalformedBody
from services.core.kit.faults import faults_of, pointer
from services.core.kit.text import Language, Text

logger = logging.getLogger("wufei.api")

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION_FAILED: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.INVALID: 422,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.UNAVAILABLE: 503,
}


class UnsupportedMediaType(DomainError):
    """The body is of a type that this path does not take."""

    code = "unsupported-media-type"
    kind = Kind.UNSUPPORTED
    title = Text("不支持的内容类型", "The media type is not supported")


class DatabaseUnavailable(DomainError):
    """Postgres does not answer; the request may be sent again."""

    code = "database-unavailable"
    kind = Kind.UNAVAILABLE
    title = Text("数据库暂不可用，请稍后重试", "The database does not answer; try again")


_HTTP: Mapping[int, tuple[str, Text]] = {
    404: ("no-such-path", Text("没有这个路径", "There is no such path")),
    405: ("method-not-allowed", Text("该路径不支持此方法", "The path does not take this method")),
    500: ("internal-error", Text("服务内部错误", "An error of ours")),
}


def language_of(request: Request) -> Language:
    """Return the language that `Accept-Language` prefers; Chinese where it does not say."""
    best: tuple[float, Language] = (0, "zh-CN")
    for part in request.headers.get("accept-language", "").lower().split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        if quality > best[0] and tag.split("-")[0] in {"zh", "en"}:
            best = (quality, "zh-CN" if tag.startswith("zh") else "en")
    return best[1]


def _problem(
    request: Request,
    status: int,
    code: str,
    title: Text,
    *,
    detail: Text | None = None,
    faults: Sequence[Fault] = (),
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    language = language_of(request)
    request_id = request.scope.get("request_id", "")
    body: dict[str, Any] = {
        "type": f"urn:wufei:problem:{code}",
        "title": title.in_(language),
        "status": status,
        "detail": (detail or title).in_(language),
        "instance": f"urn:wufei:request:{request_id}",
        "code": code,
        "errors": [
            {
                "pointer": fault.pointer,
                "code": fault.code,
                "detail": fault.detail.in_(language),
                "value": fault.value,
            }
            for fault in faults
        ],
        **(extra or {}),
    }
    return Response(
        to_json(body, fallback=str),
        status,
        {"Content-Language": language, "Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 (registered for this type only)
    headers = {}
    extra = dict(error.extra)
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="wufei"'
    if error.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = "1"
    etag = extra.pop("etag", None)
    if isinstance(etag, str):
        headers["ETag"] = etag
    return _problem(
        request,
        STATUS[error.kind],
        error.code,
        error.title,
        detail=error.detail,
        faults=error.faults,
        extra=extra,
        headers=headers,
    )


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    malformed = request.scope.get("malformed_body")
    if isinstance(malformed, MalformedBody):
        return await _domain_error(request, malformed)
    errors = list(error.errors())
    if any(one["loc"] == ("body",) and isinstance(one.get("input"), bytes) for one in errors):
        return await _domain_error(request, UnsupportedMediaType())
    body = [one for one in errors if one["loc"][0] == "body"]
    elsewhere = [one for one in errors if one["loc"][0] != "body"]
    faults = [*faults_of(body, skip=1), *faults_of(elsewhere)]
    return await _domain_error(request, InvalidInput(faults=faults))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, title = _HTTP.get(error.status_code, ("http-error", Text(error.detail, error.detail)))
    return _problem(request, error.status_code, code, title, headers=error.headers)


async def _database_error(request: Request, error: Exception) -> Response:
    """Tell an absent database (503) from a fault of ours (500)."""
    cause = getattr(error, "orig", None) or error
    gone = (
        isinstance(error, PoolTimeout | OSError | asyncpg.InterfaceError | TimeoutError)
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
        or isinstance(
            getattr(cause, "__cause__", None) or cause,
            asyncpg.PostgresConnectionError
            | asyncpg.OperatorInterventionError
            | asyncpg.CannotConnectNowError
            | asyncpg.TooManyConnectionsError
            | asyncpg.LockNotAvailableError
            | asyncpg.QueryCanceledError
            | asyncpg.DeadlockDetectedError
            | asyncpg.InterfaceError
            | OSError,
        )
    )
    if gone:
        logger.warning("database unavailable: %s", type(cause).__name__)
        return await _domain_error(request, DatabaseUnavailable())
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("unexpected error in request %s", request.scope.get("request_id"), exc_info=error)
    code, title = _HTTP[500]
    return _problem(request, 500, code, title)


def install(app: FastAPI) -> None:
    """Make `app` answer every refusal as a problem."""
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in (
        DBAPIError,
        OperationalError,
        PoolTimeout,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
        TimeoutError,
    ):
        app.add_exception_handler(kind, _database_error)
    app.add_exception_handler(Exception, _unexpected)


def query_pointer(name: str) -> str:
    """Return the pointer of a query parameter, as validation gives it too."""
    return pointer(("query", name))
