"""Counters that all processes share in Redis, while it answers.

The count of a window is one expiring number. Places for requests in flight are leased: a process
states how many it holds, and for how long, so that those of a killed process lapse. After Redis
fails to answer, nobody waits for it again for five seconds.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

from services.core.kit.clock import is_recent
from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.api")

Answer = TypeVar("Answer")

AWAY = timedelta(seconds=5)
"""After a failure Redis is not asked for this long."""

_PATIENCE_SECONDS = 0.25
_PREFIX = "wufei:limits"

# Each field is a process: how many places it holds, and when they lapse, by the clock of Redis.
# Requests in flight cannot be undone, so their places are held even beyond the limit.
_LEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, wanted, under_way = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local most, life = tonumber(ARGV[4]), tonumber(ARGV[5])
local held, others = redis.call('HGETALL', KEYS[1]), 0
for at = 1, #held, 2 do
    local places, ends = string.match(held[at + 1], '^(%d+):(%d+)$')
    if tonumber(ends) <= now then
        redis.call('HDEL', KEYS[1], held[at])
    elseif held[at] ~= me then
        others = others + tonumber(places)
    end
end
local granted = math.max(0, math.min(wanted, most - others))
local holds = math.max(under_way, granted)
if holds > 0 then
    redis.call('HSET', KEYS[1], me, string.format('%d:%.0f', holds, now + life))
    redis.call('PEXPIRE', KEYS[1], life)
else
    redis.call('HDEL', KEYS[1], me)
end
return granted
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A process's claim on the places of a credential: so many of `most`, for a `life`.

    It counts those `under_way` in any case, even if it is granted fewer.
    """

    process: str
    wanted: int
    under_way: int
    most: int
    life: timedelta


class Counter(Protocol):
    """Counts that all processes share."""

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        """Add a step; return the count including it, and the seconds until the window ends."""
        ...

    async def lease(self, key: str, claim: Claim) -> int:
        """Replace the claim of a process with a new one; return the places granted."""
        ...


class RedisCounter:
    """The counts of the library `limits` in Redis or Valkey, and one hash of leases a key."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool = ConnectionPool.from_url(
            url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS
        )
        self._storage = RedisStorage(
            f"async+{url}",
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type] # it is handed on as it is
        )
        self._lease = Redis(connection_pool=self._pool).register_script(_LEASE)

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        """Add a step; return the count including it, and the seconds until the window ends."""
        async with asyncio.timeout(2 * _PATIENCE_SECONDS):
            counted = await self._storage.incr(key, seconds, amount=step)
            if counted == step:
                return counted, float(seconds)
            ends = await self._storage.get_expiry(key)
        return counted, max(1.0, ends - time.time())

    async def lease(self, key: str, claim: Claim) -> int:
        """Replace the claim of a process with a new one; return the places granted."""
        life = int(claim.life.total_seconds() * 1000)
        said: list[str | int] = [claim.process, claim.wanted, claim.under_way, claim.most, life]
        async with asyncio.timeout(2 * _PATIENCE_SECONDS):
            return int(await self._lease(keys=[f"{_PREFIX}:at-once:{key}"], args=said))

    async def close(self) -> None:
        """Close the connections."""
        with suppress(RedisError, OSError):
            await self._pool.aclose()


class Shared:
    """A counter that may be down or not configured: then each process counts for itself."""

    def __init__(self, counter: Counter | None, true_now: Callable[[], datetime]) -> None:
        self._counter = counter
        self._true_now = true_now
        self._away_since: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Whether a counter is configured."""
        return self._counter is not None

    def may_answer(self, now: datetime) -> bool:
        """Return whether it is worth asking."""
        return self._counter is not None and not is_recent(self._away_since, now, AWAY)

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float] | None:
        """Return the result of `Counter.take`; None: count locally."""
        counter = self._counter
        if counter is None:
            return None
        return await self._asked(lambda: counter.take(key, step, seconds))

    async def lease(self, key: str, claim: Claim) -> int | None:
        """Return the result of `Counter.lease`; None: count locally."""
        counter = self._counter
        if counter is None:
            return None
        return await self._asked(lambda: counter.lease(key, claim))

    async def _asked(self, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        now = self._true_now()
        if not self.may_answer(now):
            return None
        try:
            answer = await ask()
        # The event loop raises RuntimeError if a connection is closed during a write.
        except (RedisError, OSError, TimeoutError, RuntimeError) as error:
            if self._away_since is None:
                logger.warning(
                    "limits counted here",
                    extra={
                        "cause": cause_in_words(error),
                        "next": "each process counts for itself until Redis answers",
                    },
                )
            self._away_since = now
            return None
        self._away_since = None
        return answer
