"""Keeps the store and the tables consistent: deletes unreferenced files, reports missing ones.

A file is stored before its row is written. A process that dies between the two leaves a file that
nobody can reach; it is deleted before it is a day old.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.core.evidence.models import Evidence
from services.core.evidence.service import folder_of, key_of
from services.core.kit.file_store import FileMissing, FileStore
from services.core.kit.ids import made_at

UNCLAIMED = timedelta(hours=3)
"""How long a file may lack its row: longer than any request takes to send and write it."""

SWEPT_EVERY = timedelta(hours=6)
"""How often the store is swept: with `UNCLAIMED` well within a day."""

_AT_ONCE = 500

KeptAmong = Callable[[Sequence[UUID]], Coroutine[Any, Any, frozenset[UUID]]]
"""Returns which ids belong to files that must be kept."""

SomeKept = Callable[[UUID | None, int], Coroutine[Any, Any, Sequence[Evidence]]]
"""Returns up to this many files that must be kept, by id, after the given id."""


@dataclass(slots=True)
class Swept:
    """How many files were seen, and how many of them were deleted."""

    seen: int = 0
    removed: int = 0


async def sweep_folder(
    store: FileStore, folder: str, kept_among: KeptAmong, *, now: datetime
) -> Swept:
    """Delete the unreferenced files of a folder; `now` is the real time.

    File names are the ids of rows; the temporary file of a dead process has another name and is
    deleted too.
    """
    done = Swept()
    waiting: dict[UUID, str] = {}
    async for file in store.list(folder):
        done.seen += 1
        made = _id_in(file.key)
        if made is not None and made_at(made) < now - UNCLAIMED:
            if _is_draft(file.key):
                await store.delete(file.key)
                done.removed += 1
                continue
            waiting[made] = file.key
        if len(waiting) >= _AT_ONCE:
            done.removed += await _drop(store, waiting, kept_among)
            waiting = {}
    done.removed += await _drop(store, waiting, kept_among)
    return done


async def _drop(store: FileStore, keys: dict[UUID, str], kept_among: KeptAmong) -> int:
    if not keys:
        return 0
    kept = await kept_among(list(keys))
    gone = [key for one, key in keys.items() if one not in kept]
    for key in gone:
        await store.delete(key)
    return len(gone)


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _is_draft(key: str) -> bool:
    return _name(key).startswith(".")


def _id_in(key: str) -> UUID | None:
    """Return the id at the end of a key; None: it is not a key of ours."""
    with suppress(ValueError):
        return UUID(_name(key).rpartition(".")[2] if _is_draft(key) else _name(key))
    return None


async def missing_files(
    store: FileStore, city_code: str, some_kept: SomeKept
) -> AsyncIterator[Evidence]:
    """Yield the files of a city that have a row but are missing in the store."""
    # 142 bytes each: even a million files fit in memory when a deployment is examined.
    there = {
        found async for file in store.list(folder_of(city_code)) if (found := _id_in(file.key))
    }
    after: UUID | None = None
    while rows := await some_kept(after, _AT_ONCE):
        for row in rows:
            # A file added since the listing was made does exist.
            if row.id not in there and not await _is_there(store, key_of(city_code, row.id)):
                yield row
        after = rows[-1].id


async def _is_there(store: FileStore, key: str) -> bool:
    parts = store.open(key)
    try:
        await anext(parts, None)
    except FileMissing:
        return False
    await parts.aclose()
    return True
