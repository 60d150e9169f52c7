"""Wakes the worker after a commit: at most every 50 ms a process, and without delaying requests.

A ring may be lost; the worker's own timer then finds the work, because the queue is in Postgres.
"""

import asyncio
import logging
import time
from contextlib import suppress

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from services.core.kit.outage import cause_in_words
from services.core.kit.process_metrics import DOORBELL_UP
from services.core.kit.wire import deserialize, serialize

logger = logging.getLogger("wufei.api")

QUEUE = "wufei:doorbell"
JOB = "react"
_INTERVAL_SECONDS = 0.05
_PAUSE_SECONDS = 2
_CONNECT_SECONDS = 2
_ANSWER_SECONDS = 2
_LOOK_SECONDS = 3
"""After this long without a ring Redis is asked whether it still answers."""

_MOST_WAITING = 64
"""At most this many ring ids exist, so that rings nobody takes cannot fill Redis."""


class Doorbell:
    """Coalesces rings and enqueues them as arq jobs in the background."""

    def __init__(self, redis_url: str | None) -> None:
        self._redis_url = redis_url
        self._rung = asyncio.Event()
        self._lost = False
        self.answering = False
        DOORBELL_UP.set_function(lambda: float(self.answering))

    def ring(self) -> None:
        """Ask for the worker to wake up; returns at once."""
        self._rung.set()

    async def run(self) -> None:
        """Enqueue rings for ever."""
        if self._redis_url is None:
            return
        while True:
            try:
                await self._pass_on(self._redis_url)
            except (RedisError, OSError, TimeoutError) as error:
                if self.answering:
                    logger.warning(
                        "Redis unavailable",
                        extra={
                            "cause": cause_in_words(error),
                            "next": "workers look for work every second by themselves; retrying",
                        },
                    )
                    self._lost = True
                self.answering = False
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _pass_on(self, redis_url: str) -> None:
        pool = ConnectionPool.from_url(
            redis_url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS
        )
        redis = ArqRedis(
            pool,
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE,
        )
        try:
            while True:
                await redis.ping()
                self.answering = True
                if self._lost:
                    self._lost = False
                    logger.info("Redis recovered")
                while await self._is_rung():
                    self._rung.clear()
                    await redis.enqueue_job(JOB, _job_id=ring_id(time.time()), _expires=60)
                    await asyncio.sleep(_INTERVAL_SECONDS)
        finally:
            await redis.aclose(close_connection_pool=True)

    async def _is_rung(self) -> bool:
        """Wait for a ring; return False if none came for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._rung.wait()
        return self._rung.is_set()


def ring_id(at: float) -> str:
    """Return the id of a ring at a second since the epoch.

    It changes with the interval, because a job that already runs may have read too early.
    """
    return f"{JOB}:{int(at / _INTERVAL_SECONDS) % _MOST_WAITING}"
