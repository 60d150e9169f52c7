"""JSON responses with ETags, and the conditional request headers (If-Match, If-None-Match)."""

import hashlib
import re
from uuid import UUID

from fastapi import Response
from pydantic_core import PydanticCustomError

from services.api.outward import GZIP_MARK

_COMPRESSED = f'{GZIP_MARK}"'
_TAG = r'"[\x21\x23-\x7e\x80-\xff]*"'
_ITEM_TAG = re.compile(r'("[0-9a-f-]{36}\.[0-9]+)\.[0-9a-f]{16}"')
_TAGS = re.compile(rf"\s*(?:\*|(?:W/)?{_TAG})(?:\s*,\s*(?:\*|(?:W/)?{_TAG}))*\s*")


def strong_tags(header: str | None) -> str | None:
    """Return an If-Match header that names strong entity tags, or `*`, or nothing.

    Raises:
        PydanticCustomError: a tag lacks its quotes, or is weak: changes need a strong tag.
    """
    if header is None or header == "*":
        return header
    if not _TAGS.fullmatch(header):
        raise PydanticCustomError(
            "entity_tag",
            'Not a valid tag: send the ETag with its quotes, such as "019aafc0.2", or *',
            {"zh": '不是有效的标记：请原样发送 ETag，连同双引号，如 "019aafc0.2"，或 *'},
        )
    if re.search(r'(^|,)\s*W/"', header):
        raise PydanticCustomError(
            "weak_entity_tag",
            "A weak tag names no version that a change can be based on: leave out W/",
            {"zh": "弱标记（W/）不能作为修改的依据，请去掉 W/"},
        )
    return header


def etags(header: str) -> set[str]:
    """Return the entity tags of an If-Match or If-None-Match header, as of uncompressed bodies."""
    return {tag.strip().removeprefix("W/").replace(_COMPRESSED, '"') for tag in header.split(",")}


def json_answer(
    body: bytes, *, etag: str, if_none_match: str | None = None, status: int = 200
) -> Response:
    """Return a JSON body with its ETag, or 304 if the caller has it already."""
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if if_none_match is not None and not etags(if_none_match).isdisjoint({etag, "*"}):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")


def created(body: bytes, *, etag: str, location: str) -> Response:
    """Return 201 with the JSON of a new item and its location."""
    return Response(body, 201, {"ETag": etag, "Location": location}, "application/json")


def body_etag(body: bytes) -> str:
    """Return a strong ETag computed from the body."""
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def item_etag(identifier: UUID, version: int, body: bytes) -> str:
    """Return the strong ETag of an item whose JSON depends on the day and the caller.

    It contains the version that a change is based on, and a digest of the bytes that were sent.
    """
    return f'"{identifier}.{version}.{hashlib.sha256(body).hexdigest()[:16]}"'


def same_version(tag: str, other: str) -> bool:
    """Return whether two tags name one version: equal tags, or two renderings of the same item."""
    return _version(tag) == _version(other)


def _version(tag: str) -> str:
    item = _ITEM_TAG.fullmatch(tag)
    return item[1] if item else tag
