"""Ready-made JSON answers with their ETags, and the conditions that callers set."""

import hashlib

from fastapi import Response


def etags(header: str) -> set[str]:
    """Return the entity tags of an If-Match or If-None-Match header."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def json_answer(
    body: bytes, *, etag: str, if_none_match: str | None = None, status: int = 200
) -> Response:
    """Return ready-made JSON with its ETag, or 304 where the caller has it already."""
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if if_none_match is not None and not etags(if_none_match).isdisjoint({etag, "*"}):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")


def body_etag(body: bytes) -> str:
    """Return a strong ETag made from the body itself."""
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'
