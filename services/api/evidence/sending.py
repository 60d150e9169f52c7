"""Streams a file from the store, once it is known to exist."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from fastapi import Response
from fastapi.responses import StreamingResponse

from services.api.answers import etags
from services.core.kit.file_store import FileStore, FileStoreNotSet


async def stored_file(
    store: FileStore | None,
    key: str,
    described: Mapping[str, str],
    *,
    sha256: str,
    if_none_match: str | None,
) -> Response:
    """Return a file of the store, or 304 if the caller has it already.

    Its digest is its ETag; `described` are the headers that describe it.

    Raises:
        FileStoreNotSet: no store is configured.
        FileMissing, FileStoreUnavailable: the store does not have it, or does not answer.
    """
    if store is None:
        raise FileStoreNotSet
    etag = f'"{sha256}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if if_none_match is not None and not etags(if_none_match).isdisjoint({etag, "*"}):
        return Response(status_code=304, headers=headers)
    parts = store.open(key)
    # Opened before the response begins: a missing file must be a refusal, not half a file.
    first = await anext(parts)

    async def content() -> AsyncIterator[bytes]:
        async with aclosing(parts):
            yield first
            async for part in parts:
                yield part

    return StreamingResponse(content(), headers={**headers, **described})
