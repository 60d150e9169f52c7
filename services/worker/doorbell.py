"""Listens for wake-up calls: arq's worker over Redis, restarted whenever Redis comes back.

Nothing that Redis does, holds or loses may end the process: without Redis the reactor's own timer
finds the work, only later.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSlow
from typing_extensions import override

from services.core.kit.outage import cause_in_words
from services.core.kit.process_metrics import DOORBELL_UP
from services.core.kit.tasks import end
from services.core.kit.wire import deserialize, serialize
from services.worker.jobs import FUNCTIONS, timetable
from services.worker.reactor import Reactor

logger = logging.getLogger("wufei.worker")

QUEUE = "wufei:doorbell"
_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 1.0
_CONNECT_SECONDS = 2
_ANSWER_SECONDS = 3
_END_SECONDS = 0.5
_JOBS_AT_ONCE = 20

_SILENCE = (RedisAway, RedisSlow, OSError)


class Doorbell:
    """Wakes a reactor on each ring; `answering` says whether rings can arrive."""

    def __init__(self, redis_url: str, reactor: Reactor) -> None:
        self._redis_url = redis_url
        self._reactor = reactor
        self._reported = False
        self.answering = False
        DOORBELL_UP.set_function(lambda: float(self.answering))

    async def run(self) -> None:
        """Listen forever."""
        while True:
            try:
                await self._listen()
            except asyncio.CancelledError as error:
                if _ends():
                    raise
                self._fell_silent(error)
            except Exception as error:  # noqa: BLE001 (whatever Redis holds, the worker lives on)
                self._fell_silent(error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self) -> None:
        pool = ConnectionPool.from_url(
            self._redis_url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS
        )
        redis = ArqRedis(
            pool,
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE,
        )
        try:
            await redis.ping()
            self._answers()
            await self._answer(redis)
        finally:
            with suppress(*_SILENCE):
                await redis.aclose(close_connection_pool=True)

    async def _answer(self, redis: ArqRedis) -> None:
        worker = HeardWorker(
            functions=FUNCTIONS,
            cron_jobs=timetable(),
            queue_name=QUEUE,
            redis_pool=redis,
            ctx={"reactor": self._reactor},
            poll_delay=_POLL_SECONDS,
            max_jobs=_JOBS_AT_ONCE,
            keep_result=0,
            # Signals are handled for the whole process, which has more to shut down than this.
            handle_signals=False,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        running = asyncio.create_task(worker.async_run())
        try:
            # Shielded, because a cancellation that goes through arq may be lost in it
            # (`kit.tasks`). This task sees its own, and `end` below cancels arq until it has ended.
            await asyncio.shield(running)
        except _SILENCE:
            raise
        except Exception:
            # An unreadable message would stop this again and again; rings carry nothing to lose.
            await redis.delete(QUEUE)
            raise
        finally:
            await end(running)
            await _end_jobs(worker)

    def _answers(self) -> None:
        if self._reported:
            logger.info("Redis recovered")
        self._reported = False
        self.answering = True
        self._reactor.wake()

    def _fell_silent(self, error: BaseException) -> None:
        """Log once per outage; with a traceback, unless Redis is merely away."""
        self.answering = False
        if self._reported:
            return
        self._reported = True
        expected = isinstance(error, _SILENCE)
        logger.warning(
            "Redis unavailable",
            extra={
                "cause": cause_in_words(error),
                "next": "looking for work every second by the timer; retrying",
            },
            exc_info=None if expected else error,
        )


class HeardWorker(Worker):
    """arq's worker, but the exception of every task is retrieved.

    It shields its message to Redis that a job is over from the end of the job's own task. If both
    end together with Redis, nobody would retrieve the exception, and asyncio would log an error.
    """

    @override
    async def finish_job(self, *args: Any, **members: Any) -> None:
        """Report to Redis that a job is done, or is to be retried."""
        _hear_end()
        await super().finish_job(*args, **members)

    @override
    async def finish_failed_job(self, *args: Any, **members: Any) -> None:
        """Report to Redis that a job has failed for good."""
        _hear_end()
        await super().finish_failed_job(*args, **members)


def _hear_end() -> None:
    """Retrieve the current task's exception at its end, whoever else awaits it."""
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _ends() -> bool:
    """Return whether this task itself was cancelled; arq cancels tasks of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _end_jobs(worker: Worker) -> None:
    """End arq's jobs; its own `close` would leave connections open after a fault.

    Jobs do no work, so running ones get a moment to report to Redis that they are done.
    """
    running = list(worker.tasks.values())
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=_END_SECONDS)
    for task in late:
        task.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.gather(*running, return_exceptions=True)
