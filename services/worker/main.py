"""The worker process: the reactor, the doorbell's listener, and a timer for when Redis is gone."""

import asyncio
import logging
import signal

from arq.connections import RedisSettings
from arq.worker import Worker
from redis.exceptions import RedisError

from services.core.kit.database import connect
from services.core.kit.schema import require_current
from services.core.kit.wire import deserialize, serialize
from services.worker.jobs import CRON, FUNCTIONS
from services.worker.reactor import Reactor
from services.worker.settings import WorkerSettings

logger = logging.getLogger("wufei.worker")

QUEUE = "wufei:doorbell"
_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 1.0
_SWEEP_EVERY_SECONDS = 30.0
_CONNECTIONS = 4


async def run(settings: WorkerSettings | None = None) -> None:
    """Work until SIGTERM or SIGINT. Refuses to start on an old schema."""
    chosen = settings or WorkerSettings()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    dsn = chosen.database_url.get_secret_value()
    async with connect(dsn, size=_CONNECTIONS, application_name="wufei-worker") as database:
        await require_current(database.engine)
        reactor = Reactor(database, chosen.clock)
        async with asyncio.TaskGroup() as tasks:
            work = [tasks.create_task(reactor.run()), tasks.create_task(_tick(reactor))]
            if chosen.redis_url is not None:
                url = chosen.redis_url.get_secret_value()
                work.append(tasks.create_task(_answer_doorbell(url, reactor)))
            await stop.wait()
            for task in work:
                task.cancel()


async def _tick(reactor: Reactor) -> None:
    """Sweep by a plain timer: arq's cron does not run while Redis is gone."""
    while True:
        try:
            await reactor.sweep()
        except Exception as error:  # noqa: BLE001 (a sweep put off is found by the next)
            logger.warning("sweep put off: %s", type(error).__name__)
        await asyncio.sleep(_SWEEP_EVERY_SECONDS)


async def _answer_doorbell(redis_url: str, reactor: Reactor) -> None:
    """Run arq's worker for ever: it ends whenever Redis does, and begins again with it."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    settings.conn_timeout = 2
    answering = True
    while True:
        worker = Worker(
            functions=FUNCTIONS,
            cron_jobs=CRON,
            queue_name=QUEUE,
            redis_settings=settings,
            ctx={"reactor": reactor},
            poll_delay=_POLL_SECONDS,
            max_jobs=20,
            keep_result=0,
            max_tries=1,
            handle_signals=False,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        try:
            await worker.async_run()
            answering = True
        except (RedisError, OSError, TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_ours():
                raise
            if answering:
                logger.warning("doorbell silent, the timer goes on: %s", type(error).__name__)
            answering = False
        finally:
            await _close(worker)
        await asyncio.sleep(_PAUSE_SECONDS)


def _is_ours() -> bool:
    """Return whether this task itself was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _close(worker: Worker) -> None:
    try:
        await worker.close()
    except (RedisError, OSError, AttributeError, asyncio.CancelledError):
        if _is_ours():
            raise
