"""Streams an uploaded file from the socket to the store, never holding the whole of it.

No database connection is held meanwhile, however slow the upload.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect

from services.api.context import ResourcesDep
from services.api.request_context import context_of
from services.core.evidence.inspection import FileClaim, Inspection, JudgedFile
from services.core.evidence.service import NewFile, key_of
from services.core.kit.errors import DomainError, InvalidInput
from services.core.kit.exact_data import MalformedBody
from services.core.kit.file_store import PART_BYTES, FileStore, FileStoreNotSet
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.plan.evidence_rules import EvidenceLimits

_LONGEST_SECONDS = 3600
"""Upload timeout: after that long no file still waits for its row."""

FileName = Annotated[
    str,
    Query(
        max_length=500,
        description="What the file is called, with its extension, and without a path",
        examples=["监测报告.txt"],
    ),
]

SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is. What it is follows from its content; a name or a"
        " `Content-Type` that says something else is refused. How long it may be says the plan,"
        " 20 MiB unless it says otherwise; compressed or not",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "examples": {"EvidenceFile": {}},
            },
        },
    }
}


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The destination of an upload: the city it is stored in, and the files the plan accepts."""

    city_code: str
    limits: EvidenceLimits


def receiving(place: Callable[..., Awaitable[FilePlace]]) -> Any:
    """Return the dependency that receives the file of a request; `place` returns its destination.

    `place` authorises the caller before a byte is read. If the request is refused after all, the
    file is deleted at once.
    """

    async def receive(
        request: Request,
        resources: ResourcesDep,
        found: Annotated[FilePlace, Depends(place)],
        file_name: FileName,
    ) -> AsyncIterator[NewFile]:
        async with _received(request, resources.files, found, file_name) as new:
            yield new

    return Depends(receive, scope="function")


@asynccontextmanager
async def _received(
    request: Request, store: FileStore | None, place: FilePlace, name: str
) -> AsyncIterator[NewFile]:
    """Yield the stored file of a request; a preview only inspects it.

    Raises:
        FileStoreNotSet: no store is configured.
        InvalidInput, FileTooLarge: the file is not accepted.
        FileStoreUnavailable: it cannot be stored now.
    """
    if store is None:
        raise FileStoreNotSet
    context = context_of(request)
    only_judged = bool(context.unread) or context.options.preview
    new = context.received
    if new is None:
        new = await _taken_in(request, None if only_judged else store, place, name)
        context.received = new
    named = False
    try:
        yield new
        named = not context.is_replayed
    except BaseException as error:
        # A refused request wrote nothing. After any other error its row may have been written: then
        # the file stays, and is deleted later if no row names it.
        named = not isinstance(error, DomainError)
        raise
    finally:
        if not (named or only_judged):
            await store.delete(key_of(place.city_code, new.id))


async def _taken_in(
    request: Request, store: FileStore | None, place: FilePlace, name: str
) -> NewFile:
    context = context_of(request)
    context.is_streamed = True
    claim = FileClaim(name, request.headers.get("content-type", ""))
    sent = _Sent(request, Inspection(claim, place.limits))
    evidence_id = new_id()
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            if store is None:
                async for _ in sent.parts():
                    pass
            else:
                await store.put(key_of(place.city_code, evidence_id), sent.parts())
    except ClientDisconnect:
        raise MalformedBody from None
    except TimeoutError:
        raise MalformedBody(_TOO_SLOW) from None
    except InvalidInput as error:
        raise InvalidInput(faults=[*error.faults, *context.unread]) from None
    judged = sent.judged
    assert judged is not None  # noqa: S101 (the parts came to their end)
    context.body_digest = hashlib.sha256(f"{judged.sha256} {judged.size}".encode()).digest()
    return NewFile(evidence_id, judged)


_TOO_SLOW = Text(
    "一小时内没有传完，请检查网络后重传", "It did not come whole within an hour: send it again"
)


class _Sent:
    """The incoming file of a request; `judged` is set once it is complete and valid."""

    def __init__(self, request: Request, inspection: Inspection) -> None:
        self._request = request
        self._inspection = inspection
        self.judged: JudgedFile | None = None

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the file in chunks of bounded length, each inspected in a thread.

        Raises:
            InvalidInput, FileTooLarge: it is not accepted; raised before its last chunk is stored.
        """
        gathered = bytearray()
        async for chunk in self._request.stream():
            gathered += chunk
            if len(gathered) >= PART_BYTES:
                yield await self._looked_at(gathered)
                gathered = bytearray()
        if gathered:
            yield await self._looked_at(gathered)
        self.judged = await asyncio.to_thread(self._inspection.judged)

    async def _looked_at(self, gathered: bytearray) -> bytes:
        part = bytes(gathered)
        await asyncio.to_thread(self._inspection.feed, part)
        return part
