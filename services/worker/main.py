"""The worker process: reactor, deliverer, importer, file makers, a doorbell, and a timer.

The timer replaces the doorbell while Redis is away.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.util import find_spec

from services.core.followers import date_followers
from services.core.kit.database import Database, connect
from services.core.kit.garbage import collect_seldom
from services.core.kit.process_metrics import tell_of_connections
from services.core.kit.schema import require_current
from services.core.kit.span_sending import span_export
from services.core.partitions import cut_tables
from services.core.webhooks.schedule import read_schedule
from services.outgoing.guard import system_lookup
from services.outgoing.own_servers import OwnServers
from services.worker.archiving import Archiving
from services.worker.delivering import Delivering, Terms
from services.worker.doorbell import Doorbell
from services.worker.dropping import Dropping
from services.worker.fetching import open_fetch
from services.worker.filing import Filing
from services.worker.importing import Importing
from services.worker.metrics_server import served_metrics
from services.worker.papering import WRITERS, Papering
from services.worker.reactor import Reactor
from services.worker.reporting import Reporting
from services.worker.sender import open_sender
from services.worker.settings import WorkerSettings
from services.worker.token_upkeep import TokenUpkeep

logger = logging.getLogger("wufei.worker")

_SWEEP_EVERY_SECONDS = 30.0
_CONNECTIONS = 5
_LEASE_OF_TIMEOUT = 3
"""A lease lasts this multiple of an attempt's timeout, so it expires only if a worker is lost."""


async def run(settings: WorkerSettings | None = None) -> None:
    """Work until SIGTERM or SIGINT, which end it cleanly.

    Raises:
        SchemaBehind: the database is at another revision.
    """
    chosen = settings or WorkerSettings()
    with served_metrics(chosen.worker_metrics), span_export("worker", sends=chosen.sends_spans):
        await _until_told(chosen)
    logger.info("worker stopped")


async def _until_told(settings: WorkerSettings) -> None:
    working = asyncio.create_task(_work(settings))
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        working.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await working
    except asyncio.CancelledError:
        if not told:
            raise


async def _work(settings: WorkerSettings) -> None:
    dsn = settings.database_url.get_secret_value()
    async with connect(dsn, size=_CONNECTIONS, application_name="wufei-worker") as database:
        await require_current(database.engine)
        tell_of_connections(database, _CONNECTIONS)
        async with _sending(settings, database) as sending, asyncio.TaskGroup() as tasks:
            importing = Importing(database, settings.clock, seal=settings.seal)

            def tell() -> None:
                importing.wake()
                for each in sending:
                    each.wake()

            reactor = Reactor(
                database,
                settings.clock,
                tell=tell,
                tables=cut_tables(audit_kept=settings.audit_kept),
                by_date=date_followers(seal=settings.seal, audit_kept=settings.audit_kept),
            )
            doorbell = None
            if settings.redis_url is not None:
                doorbell = Doorbell(settings.redis_url.get_secret_value(), reactor)
                tasks.create_task(doorbell.run())
            for each in sending:
                tasks.create_task(each.run())
            tasks.create_task(reactor.run())
            tasks.create_task(importing.run())
            tasks.create_task(_keep_tokens(settings, database))
            store = settings.file_store
            if _can_write_papers():
                tasks.create_task(
                    Papering(database, settings.clock, store, seal=settings.seal).run()
                )
            if store is not None:
                tasks.create_task(Filing(database, store, settings.clock).run())
                tasks.create_task(Archiving(database, store, settings.clock).run())
            if (drops := settings.drop_sink) is not None:
                clock, seal = settings.clock, settings.seal
                tasks.create_task(Dropping(database, drops, clock, seal=seal).run())
            tasks.create_task(_tick(reactor, doorbell))
            collect_seldom()
            logger.info("worker started")


def _can_write_papers() -> bool:
    """Return whether the libraries that write papers are installed, as in the worker's image."""
    lacking = [name for name in WRITERS if find_spec(name) is None]
    if lacking:
        logger.warning(
            "papers not made here",
            extra={
                "cause": f"not installed: {', '.join(lacking)}",
                "next": "papers wait for a worker that has them (deploy/papers.lock)",
            },
        )
    return not lacking


@asynccontextmanager
async def _sending(
    settings: WorkerSettings, database: Database
) -> AsyncIterator[tuple[Delivering | Reporting, ...]]:
    """Yield the senders, and keep their policy up to date on our own servers; none without a key.

    Webhooks and reports to superiors share one guarded sender.
    """
    if settings.seal is None:
        logger.warning(
            "webhook sending off",
            extra={
                "cause": "WUFEI_SECRET_KEY is not set",
                "next": "deliveries and reports are planned and wait for a worker with the key",
            },
        )
        yield ()
        return
    if settings.webhook_allow_loopback:
        logger.warning(
            "webhook loopback allowed",
            extra={
                "cause": "WUFEI_WEBHOOK_ALLOW_LOOPBACK is set",
                "next": "webhooks may go to this machine",
            },
        )
    async with system_lookup() as lookup:
        servers = OwnServers(settings.webhook_addresses, lookup)
        await servers.find()
        finding = asyncio.create_task(servers.keep_finding())
        try:
            async with open_sender(
                servers,
                lookup=lookup,
                seconds=settings.webhook_timeout,
                ca_file=settings.webhook_ca_file,
            ) as sender:
                clock, seal, terms = settings.clock, settings.seal, _terms(settings)
                yield (
                    Delivering(database, clock, seal=seal, sender=sender, terms=terms),
                    Reporting(database, clock, seal=seal, sender=sender, terms=terms),
                )
        finally:
            finding.cancel()


async def _keep_tokens(settings: WorkerSettings, database: Database) -> None:
    """Maintain the keys of tokens forever; only foreign issuers need outgoing requests."""
    clock, seal, issuers = settings.clock, settings.seal, settings.issuers
    if not issuers:
        await TokenUpkeep(database, clock, seal=seal, issuers=issuers).run()
        return
    async with (
        system_lookup() as lookup,
        open_fetch(
            settings.webhook_addresses, lookup=lookup, ca_file=settings.webhook_ca_file
        ) as fetch,
    ):
        await TokenUpkeep(database, clock, seal=seal, issuers=issuers, fetch=fetch).run()


def _terms(settings: WorkerSettings) -> Terms:
    return Terms(
        schedule=read_schedule(settings.webhook_schedule),
        lease_seconds=_LEASE_OF_TIMEOUT * settings.webhook_timeout,
        disabled_after=timedelta(seconds=settings.webhook_disable_after),
    )


async def _tick(reactor: Reactor, doorbell: Doorbell | None) -> None:
    """Sweep at the start, then by a timer whenever the doorbell's timetable does not run."""
    reactor.wake(sweep=True)
    while True:
        await asyncio.sleep(_SWEEP_EVERY_SECONDS)
        if doorbell is None or not doorbell.answering:
            reactor.wake(sweep=True)
