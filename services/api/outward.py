"""Post-processing of responses: compression, and the path prefix in addresses.

Only responses to GET are compressed: secrets occur in responses to POST alone, so no compressed
length can leak one (BREACH). A compressed body has an ETag of its own, as RFC 9110 section 8.8.3.3
asks; a caller that sends it back means the same version.
"""

import re
from collections.abc import Mapping

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Scope

LARGE_BYTES = 4096
"""Responses are compressed from this length on."""

GZIP_MARK = ";gzip"
"""Suffix of a compressed body's ETag."""

_LEVEL = 5
_COMPRESSED_ALREADY = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/ofd",
    "application/pdf",
)
"""Media types that are archives: compressing them again makes them no shorter."""

_ACCEPTED = re.compile(
    rb"(?:^|,)\s*(?:gzip|x-gzip)\s*(?:;\s*q=(?:1|0\.0*[1-9])[\d.]*\s*)?(?:,|$)", re.IGNORECASE
)


def compressing(app: ASGIApp) -> ASGIApp:
    """Return `app` with its large answers compressed."""
    return GZipMiddleware(
        app,
        minimum_size=LARGE_BYTES,
        compresslevel=_LEVEL,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *_COMPRESSED_ALREADY),
    )


def wants_compressed(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the response to a request may be compressed, and the caller accepts that."""
    accepted = headers.get(b"accept-encoding", b"")
    return scope["method"] == "GET" and _ACCEPTED.search(accepted) is not None


def under_prefix(scope: Scope, prefix: str) -> None:
    """Set a request's path prefix of this service, which a proxy may have stripped."""
    if not prefix:
        return
    scope["root_path"] = prefix
    if not f"{scope['path']}/".startswith(f"{prefix}/"):
        scope["path"] = prefix + scope["path"]
        scope["raw_path"] = prefix.encode() + scope.get("raw_path", b"")


def mend(start: Message, prefix: str, headers: Mapping[bytes, bytes]) -> None:
    """Correct a response head: prefix `Location`, and mark the ETag of a compressed body."""
    encoded = any(name == b"content-encoding" for name, _ in start["headers"])
    mark = GZIP_MARK.encode()
    told = start["status"] == 304 and mark + b'"' in headers.get(b"if-none-match", b"")  # noqa: PLR2004
    for at, (name, value) in enumerate(start["headers"]):
        if name == b"location" and prefix and value.startswith(b"/v1/"):
            start["headers"][at] = (name, prefix.encode() + value)
        elif name == b"etag" and (encoded or told):
            start["headers"][at] = (name, value.removesuffix(b'"') + mark + b'"')
