"""Security headers for browsers, and CORS.

The headers are those that OWASP's REST Security Cheat Sheet asks of an API. HSTS is left to the
proxy that ends TLS (docs/production.md), because this process never sees TLS.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message

_EVERY_ANSWER = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NOT_KEPT = (b"cache-control", b"no-store")

RAW_HEAD = b"".join(
    name + b": " + value + b"\r\n" for name, value in (*_EVERY_ANSWER, _NO_PAGE)
).decode()
"""The same as lines, for an answer that no route gives."""

_EXPOSED = (
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
_SENT = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-Id",
    "traceparent",
)
_PREFLIGHT_KEPT_SECONDS = 600
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def harden(start: Message, *, reading: bool) -> None:
    """Add to an answer's head what a browser has to be told.

    `reading` says whether it answers a GET. What a change answers may show a secret, so nobody
    keeps it, nor what is read without a version.
    """
    headers = start["headers"]
    said = {name for name, _ in headers}
    headers.extend(one for one in _EVERY_ANSWER if one[0] not in said)
    if _NO_PAGE[0] not in said:
        headers.append(_NO_PAGE)
    if _NOT_KEPT[0] not in said and not (reading and b"etag" in said):
        headers.append(_NOT_KEPT)


def policy_of_page(html: str) -> str:
    """Return the Content-Security-Policy of a page of ours: its own scripts, and nobody else's.

    The viewer on the page writes styles into it, so styles cannot be told apart.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(html))
    inline = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        f"default-src 'none'; script-src 'self' {inline}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def origins_of(setting: str) -> list[str]:
    """Return the sites of a setting, as browsers name them in `Origin`.

    Raises:
        ValueError: one of them is none, or `*`.
    """
    return [_origin(one.strip()) for one in setting.split(",") if one.strip()]


def checked_origins(setting: str) -> str:
    """Return the setting of sites as it is.

    Raises:
        ValueError: one of them is none, or `*`.
    """
    origins_of(setting)
    return setting


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(
            f"{text!r} is no site: write scheme, name and port only, such as"
            " https://board.example.gov.cn, and never *, which would let in every page"
        )
    if not parts.hostname or parts.username is not None or text != text.lower():
        raise ValueError(f"{text!r} is no site: write its name in small letters, and no user")
    return text


def readable_by(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return `app` with its answers readable by pages of these sites (CORS), never with cookies."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=_SENT,
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_KEPT_SECONDS,
    )
