"""`wufei files own`: makes this database the owner of its file store."""

import asyncio
from argparse import Namespace

from services.console.data_directory import DataDirectory
from services.console.errors import ConsoleError
from services.console.ledger import open_ledger
from services.console.settings import Settings
from services.core.evidence import queries
from services.core.evidence.ownership import own, owner_of
from services.core.kit.file_places import open_store


def own_store(_arguments: Namespace) -> int:
    """Make the database of this environment the owner of its file store."""
    settings = Settings.read()
    place = settings.files
    if place is None and settings.database_url is None:  # what `wufei up` started
        place = str(DataDirectory(settings.data_dir).files)
    if place is None:
        raise ConsoleError("WUFEI_FILES is not set: there is no store of files")
    print(asyncio.run(_owned(place)))
    return 0


async def _owned(place: str) -> str:
    store = open_store(place)
    async with open_ledger() as ledger:
        async with ledger.database.sessions() as session:
            ours = await queries.this_database(session)
        before = await owner_of(store)
        if before == ours:
            return f"{place} is this database's already"
        await own(store, ours)
    return (
        f"{place} is this database's from now on ({ours}), and no more that of"
        f" {before or 'nobody'}: what no row names is dropped within six hours"
    )
