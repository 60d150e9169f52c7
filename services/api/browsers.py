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
"""The same headers as raw lines, for a response that no route makes."""

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
    """Add the security headers to a response head.

    `reading` says whether it answers a GET. The response to a change may contain a secret, so it
    must not be cached, nor must a GET response without a version.
    """
    headers = start["headers"]
    said = {name for name, _ in headers}
    headers.extend(one for one in _EVERY_ANSWER if one[0] not in said)
    if _NO_PAGE[0] not in said:
        headers.append(_NO_PAGE)
    if _NOT_KEPT[0] not in said and not (reading and b"etag" in said):
        headers.append(_NOT_KEPT)


def policy_of_page(html: str) -> str:
    """Return the Content-Security-Policy of a page of ours: only its own scripts may run.

    Inline styles are allowed, because the viewer on the page writes styles into it.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(html))
    inline = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        f"default-src 'none'; script-src 'self' {inline}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def origins_of(setting: str) -> list[str]:
    """Return the origins in a setting, as browsers write them in `Origin`.

    Raises:
        ValueError: one of them is not an origin, or is `*`.
    """
    return [_origin(one.strip()) for one in setting.split(",") if one.strip()]


def checked_origins(setting: str) -> str:
    """Return the setting of origins unchanged, if it is valid.

    Raises:
        ValueError: one of them is not an origin, or is `*`.
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
    """Return `app` with CORS for pages of these origins, never with cookies."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=_SENT,
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_KEPT_SECONDS,
    )
