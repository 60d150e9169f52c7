"""The worker process: the reactor, the doorbell's listener, and a timer for when Redis is gone."""

import asyncio
import logging
import signal

from services.core.kit.database import connect
from services.core.kit.schema import require_current
from services.worker.doorbell import Doorbell
from services.worker.reactor import Reactor
from services.worker.settings import WorkerSettings

logger = logging.getLogger("wufei.worker")

_SWEEP_EVERY_SECONDS = 30.0
_CONNECTIONS = 4


async def run(settings: WorkerSettings | None = None) -> None:
    """Work until SIGTERM or SIGINT, which are a good end.

    Raises:
        SchemaBehind: the database is at another revision.
    """
    working = asyncio.create_task(_work(settings or WorkerSettings()))
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
    logger.info("the worker has stopped")


async def _work(settings: WorkerSettings) -> None:
    dsn = settings.database_url.get_secret_value()
    async with connect(dsn, size=_CONNECTIONS, application_name="wufei-worker") as database:
        await require_current(database.engine)
        reactor = Reactor(database, settings.clock)
        doorbell = None
        if settings.redis_url is not None:
            doorbell = Doorbell(settings.redis_url.get_secret_value(), reactor)
        logger.info("the worker is at work")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reactor.run())
            tasks.create_task(_tick(reactor, doorbell))
            if doorbell is not None:
                tasks.create_task(doorbell.run())


async def _tick(reactor: Reactor, doorbell: Doorbell | None) -> None:
    """Sweep at the start, then by a plain timer while the doorbell's timetable does not run."""
    reactor.wake(sweep=True)
    while True:
        await asyncio.sleep(_SWEEP_EVERY_SECONDS)
        if doorbell is None or not doorbell.answering:
            reactor.wake(sweep=True)
