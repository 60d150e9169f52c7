"""Opens the engines of the configured replicas, and polls how far each has replayed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.api.settings import ApiSettings
from services.core.kit.database import Database, connect
from services.core.kit.replicas import Reads, Replica, checking
from services.core.kit.server_address import server_name
from services.core.kit.tasks import end
from services.core.kit.wal_watch import WalWatch


@asynccontextmanager
async def open_reads(primary: Database, settings: ApiSettings) -> AsyncIterator[Reads]:
    """Yield the databases to read from; a replica that does not answer is retried for ever."""
    if not settings.replica_urls:
        yield Reads(primary)
        return
    async with AsyncExitStack() as opened:
        watch, replicas = WalWatch(settings.notices_url), list[Replica]()
        for url in settings.replica_urls:
            own = WalWatch(url)
            database = await opened.enter_async_context(
                connect(
                    url,
                    size=settings.database_connections,
                    application_name="wufei-api",
                    replica=checking(own),
                )
            )
            replicas.append(Replica(server_name(url), database, own))
        reads = Reads(primary, watch, replicas, within=settings.replica_lag)
        asking = (watch.run(), *(one.watch.run() for one in replicas), reads.run())
        tasks = [asyncio.create_task(work) for work in asking]
        try:
            yield reads
        finally:
            await end(*tasks)
