"""Which database may delete files from a store: exactly one, and no copy of it.

A restored database does not know the files added after its backup, and would delete them as
leftovers of a dead process. So the store records its owner, and no other database deletes files
until an operator declares that it is the one in use.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from services.core.kit.file_store import FileMissing, FileStore

_KEY = "owner"
"""Not the key of a file: those are in folders."""


async def owner_of(store: FileStore) -> str | None:
    """Return the database that owns a store, as given by `queries.this_database`; None: none yet.

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
