"""Which database drops files from a store: one, and no copy of it.

A database that was restored knows nothing of the files that came after its instant: to it they are
what a dead process left behind. So a store says whose it is, and whoever is not its owner drops
nothing until an operator says that this database is the one that goes on.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from services.core.kit.file_store import FileMissing, FileStore

_KEY = "owner"
"""No key of a file: those stand in folders."""


async def owner_of(store: FileStore) -> str | None:
    """Return which database owns a store, as `queries.this_database` says it; None: none does yet.

    Raises:
        FileStoreUnavailable: it cannot be read now.
    """
    said = b""
    with suppress(FileMissing):
        async with aclosing(store.open(_KEY)) as parts:
            async for part in parts:
                said += part
    return said.decode() or None


async def own(store: FileStore, database: str) -> None:
    """Make a database the owner of a store.

    Raises:
        FileStoreUnavailable: it cannot be written now.
    """

    async def parts() -> AsyncIterator[bytes]:
        yield database.encode()

    await store.put(_KEY, parts())
