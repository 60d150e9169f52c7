"""Shared components of the contract: headers, parameters, refusals with examples."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.api.context import PreconditionRequired
from services.api.contract.partial import without_defaults
from services.api.contract.refusals import MEANINGS, MEDIA_TYPE, NAMES, FaultOut, ProblemOut
from services.api.middleware import BodyTooLarge, MalformedAddress
from services.api.problems import Contended, DatabaseUnavailable, UnsupportedMediaType, problem_of
from services.api.quotas import RateLimited, TooManyAtOnce
from services.core.events.errors import PositionBeyondLog
from services.core.feed.errors import CursorExpired
from services.core.identity.errors import Unauthenticated
from services.core.kit.errors import DomainError, Fault, Forbidden, InvalidInput, Stale
from services.core.kit.exact_data import MalformedBody
from services.core.kit.idempotency import IdempotencyKeyReused
from services.core.kit.pagination import BadPageToken
from services.core.kit.text import Text
from services.core.plan.errors import PlanNotFound
from services.core.submissions.errors import (
    OwnReport,
    SubmissionExists,
    SubmissionNotFound,
    SubmissionTransitionRefused,
)

_ID = "019aafc0-0000-7000-8000-000000000000"
_ETAG = f'"{_ID}.2"'
_REQUEST_ID = "019bb0f1-6afc-7d52-b0a2-5f1c7f9a3e10"
_WAL_POSITION = "0/1A2B3C8"


def _header(description: str, example: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string"},
        "example": example,
    }


HEADERS: Mapping[str, dict[str, Any]] = {
    "XRequestId": _header(
        "The request's id: the caller's own, or one that was made. It stands in logs, history and"
        " problems.",
        _REQUEST_ID,
    ),
    "WufeiPosition": _header(
        "Up to where of the database's log the caller may have read or written: to be sent with a"
        " later request that must find nothing older. Absent where all is read from one server.",
        _WAL_POSITION,
        required=False,
    ),
    "ETag": _header("The strong version of the representation, for `If-Match`.", _ETAG),
    "Location": _header("Where what was made can be read.", f"/v1/submissions/{_ID}"),
    "IdempotencyReplayed": _header(
        "The answer is the one that an earlier request with this `Idempotency-Key` was given.",
        "true",
        required=False,
    ),
    "ContentLanguage": {
        "description": "The language of what is meant for people: a problem's `title` and `detail`,"
        " a score's `steps`.",
        "required": True,
        "schema": {"type": "string", "enum": ["zh-CN", "en"]},
        "example": "zh-CN",
    },
    "Link": _header(
        "Where to go on: the address of what comes after this answer (RFC 8288).",
        '</v1/events?after=17&limit=100>; rel="next"',
    ),
    "Vary": _header(
        "The request headers that the answer depends on.", "Authorization, Accept-Language"
    ),
    "WWWAuthenticate": _header("How to present a credential.", 'Bearer realm="wufei"'),
    "RetryAfter": {
        "description": "Seconds after which it may be worth to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "PresentETag": _header(
        "The version that stands now; absent where there is nothing yet.", _ETAG, required=False
    ),
}

_OF_STATUS: Mapping[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "WWWAuthenticate"),
    412: ("ETag", "PresentETag"),
    429: ("Retry-After", "RetryAfter"),
    503: ("Retry-After", "RetryAfter"),
}

COMMON_PARAMETERS: Mapping[str, dict[str, Any]] = {
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "description": "The language of problems and of the steps of a score: `zh-CN`, the default,"
        " or `en`.",
        "schema": {"type": "string"},
        "example": "zh-CN",
    },
    "XRequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": "The caller's own id of the request: up to 128 letters, digits and"
        " `._:/+=-`. For anything else one is made.",
        "schema": {"type": "string"},
        "example": _REQUEST_ID,
    },
    "WufeiPosition": {
        "name": "Wufei-Position",
        "in": "header",
        "required": False,
        "description": "What the answer must not be older than: a `Wufei-Position` of an earlier"
        " answer, or a position of the city's log. What one credential has seen or changed through"
        " one process it goes on seeing without this; anything else asks for the newest.",
        "schema": {"type": "string"},
        "example": _WAL_POSITION,
    },
}
"""Headers that every request may carry."""

_INVALID = InvalidInput(
    faults=[
        Fault(
            "/value",
            "decimal",
            Text("应为至多 38 位的有限十进制数（文本或数字）", "Must be a finite decimal number"),
            "NaN",
        ),
        Fault("/indicator_code", "unknown-indicator", Text("计划中没有该指标", ""), "U99"),
    ]
)
_SHOWN: Mapping[int, Sequence[DomainError]] = {
    400: [MalformedBody(), BadPageToken(), MalformedAddress()],
    401: [Unauthenticated()],
    403: [Forbidden(), OwnReport()],
    404: [PlanNotFound(), SubmissionNotFound()],
    409: [
        SubmissionTransitionRefused(
            extra={"state": "approved", "allowed_actions": ["reopen", "falsify"]}
        ),
        SubmissionExists(extra={"submission_id": _ID}),
    ],
    410: [CursorExpired(extra={"oldest_position": 1201}), PositionBeyondLog.after(1200)],
    412: [Stale(extra={"etag": _ETAG, "current": {"id": _ID, "state": "returned"}})],
    413: [BodyTooLarge()],
    415: [UnsupportedMediaType()],
    422: [_INVALID, IdempotencyKeyReused()],
    428: [PreconditionRequired()],
    429: [RateLimited(), TooManyAtOnce()],
    503: [DatabaseUnavailable(), Contended()],
}


def refusal_responses() -> dict[str, Any]:
    """Return the response component of every refusal status."""
    return {NAMES[status]: _refusal(status) for status in MEANINGS}


def _refusal(status: int) -> dict[str, Any]:
    headers = {"Content-Language": {"$ref": "#/components/headers/ContentLanguage"}}
    if status in _OF_STATUS:
        name, component = _OF_STATUS[status]
        headers[name] = {"$ref": f"#/components/headers/{component}"}
    return {
        "description": MEANINGS[status],
        "headers": headers,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemOut"},
                "examples": {
                    error.code: {
                        "summary": error.title.en,
                        "value": problem_of(error).body("zh-CN", _REQUEST_ID),
                    }
                    for error in _SHOWN[status]
                },
            }
        },
    }


def problem_schemas() -> dict[str, Any]:
    """Return the schemas of a refusal."""
    schemas = {}
    for model in (FaultOut, ProblemOut):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = without_defaults(schema)
    return schemas
