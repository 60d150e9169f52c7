"""Lets through as many requests as quotas allow: counted in Redis in steps, or here without it.

A process takes a step of the quota at a time, so that an ordinary request costs a look into memory.
What it has taken and not used is lost to the others until the minute ends: a twentieth of the quota
at most. Without Redis each process counts for itself. Nothing is counted over rows.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, Self
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import LRUCache
from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from services.api.limit_settings import LimitSettings
from services.api.quotas import (
    Bucket,
    Quota,
    Sort,
    granted,
    rate_limited,
    too_many_at_once,
)
from services.core.kit.clock import is_recent
from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.api")

LIMITED = "limited"
"""Where a request's scope holds its `Limited`."""

_AWAY = timedelta(seconds=5)
_PATIENCE_SECONDS = 0.25
_MOST_BUCKETS = 20_000
"""Addresses may be anybody's: beyond so many the one that was longest unused is forgotten."""

_Key = tuple[UUID | str, Sort]


@dataclass(slots=True)
class Limited:
    """What becomes of one request with limits, whatever is made of its scope on the way."""

    told: list[tuple[bytes, bytes]] = field(default_factory=list)
    counted: bool = False
    begun: "tuple[Limits, UUID | str] | None" = None
    """Where it counts as under way, and of whom."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.begun is not None:
            limits, who = self.begun
            limits.end(who)


class Counter(Protocol):
    """A count that all processes share."""

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        """Add a step; return the count with it, and in how many seconds it begins anew."""
        ...


class RedisCounter:
    """The counts of the library `limits` in Redis or Valkey: one expiring number a key."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool = ConnectionPool.from_url(
            url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS
        )
        self._storage = RedisStorage(
            f"async+{url}",
            implementation="redispy",
            key_prefix="wufei:limits",
            connection_pool=self._pool,  # type: ignore[arg-type] # it is handed on as it is
        )

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        """Add a step; return the count with it, and in how many seconds it begins anew."""
        async with asyncio.timeout(2 * _PATIENCE_SECONDS):
            counted = await self._storage.incr(key, seconds, amount=step)
            if counted == step:
                return counted, float(seconds)
            ends = await self._storage.get_expiry(key)
        return counted, max(1.0, ends - time.time())

    async def close(self) -> None:
        """Close the connections."""
        with suppress(RedisError, OSError):
            await self._pool.aclose()


class Limits:
    """The quotas of a process, what is left of them by credential, and what is under way."""

    def __init__(
        self,
        quotas: Mapping[Sort, Quota],
        *,
        at_once: int,
        counter: Counter | None,
        true_now: Callable[[], datetime],
    ) -> None:
        self._quotas = quotas
        self._at_once = at_once
        self._counter = counter
        self._true_now = true_now
        self._buckets: LRUCache[_Key, Bucket] = LRUCache(_MOST_BUCKETS)
        # A lock is there as long as somebody holds it or waits for it.
        self._filling: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()
        self._under_way: dict[UUID | str, int] = {}
        self._away_since: datetime | None = None

    async def admit(self, told: list[tuple[bytes, bytes]], who: UUID | str, sort: Sort) -> None:
        """Count a request, and note in `told` the headers of its answer.

        Raises:
            RateLimited: the quota of the minute is used up.
        """
        quota = self._quotas.get(sort)
        if quota is not None:
            await self.admit_by(told, who, quota)

    async def admit_by(
        self, told: list[tuple[bytes, bytes]], who: UUID | str, quota: Quota
    ) -> None:
        """Count a request against a quota of its own, and note in `told` the headers of its answer.

        Raises:
            RateLimited: the quota of the window is used up.
        """
        now = self._true_now()
        bucket = self._buckets.get((who, quota.sort))
        if bucket is None or bucket.is_over(now) or (bucket.left < 1 and not bucket.complete):
            bucket = await self._filled(who, quota, now)
        told.append(quota.policy)
        if bucket.left < 1:
            told.append((b"ratelimit", bucket.shown(now)))
            raise rate_limited(bucket, now)
        bucket.left -= 1
        told.append((b"ratelimit", bucket.shown(now)))

    def begin(self, who: UUID | str) -> None:
        """Note that a request is under way; `end` has to follow.

        Raises:
            TooManyAtOnce: so many of its credential are, as may be.
        """
        under_way = self._under_way.get(who, 0)
        if self._at_once and under_way >= self._at_once:
            raise too_many_at_once(self._at_once)
        self._under_way[who] = under_way + 1

    def end(self, who: UUID | str) -> None:
        """Note that a request has been answered, to its last byte."""
        left = self._under_way.get(who, 0) - 1
        if left > 0:
            self._under_way[who] = left
        else:
            self._under_way.pop(who, None)

    async def _filled(self, who: UUID | str, quota: Quota, now: datetime) -> Bucket:
        """Return the bucket of a credential with another step in it, if there is one to be had."""
        key = who, quota.sort
        lock = self._filling.setdefault(key, asyncio.Lock())
        async with lock:
            bucket = self._buckets.get(key)
            if bucket is not None and not bucket.is_over(now):
                if bucket.left > 0 or bucket.complete:
                    return bucket  # others waited for the same
            else:
                bucket = None
            filled = self._buckets[key] = await self._shared(who, quota, now, bucket)
        return filled

    async def _shared(
        self, who: UUID | str, quota: Quota, now: datetime, bucket: Bucket | None
    ) -> Bucket:
        counter = self._counter
        if counter is None or is_recent(self._away_since, now, _AWAY):
            return Bucket(quota, now + quota.window, left=quota.most, complete=True)
        try:
            counted, seconds = await counter.take(f"{who}:{quota.sort}", quota.step, quota.seconds)
        except (RedisError, OSError, TimeoutError) as error:
            if self._away_since is None:
                logger.warning(
                    "limits counted here",
                    extra={
                        "cause": cause_in_words(error),
                        "next": "each process counts for itself until Redis answers",
                    },
                )
            self._away_since = now
            return Bucket(quota, now + quota.window, left=quota.most, complete=True)
        self._away_since = None
        ours = granted(quota, counted, quota.step)
        filled = bucket or Bucket(quota, now)
        filled.ends = now + timedelta(seconds=seconds)
        filled.left += ours
        filled.elsewhere = max(0, quota.most - counted)
        filled.complete = filled.elsewhere == 0
        return filled


@asynccontextmanager
async def open_limits(
    settings: LimitSettings, redis_url: str | None, true_now: Callable[[], datetime]
) -> AsyncIterator[Limits | None]:
    """Yield the limits that settings ask for; None: none at all."""
    if not settings.limits:
        yield None
        return
    counter = None if redis_url is None else RedisCounter(redis_url)
    try:
        yield Limits(
            {sort: Quota(sort, most) for sort, most in settings.quotas.items() if most},
            at_once=settings.limit_at_once,
            counter=counter,
            true_now=true_now,
        )
    finally:
        if counter is not None:
            await counter.close()
