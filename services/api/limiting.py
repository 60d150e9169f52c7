"""Rate limiting: quotas counted in Redis in steps, or in this process without it.

A process takes a step of the quota at a time, so that an ordinary request costs a look into memory.
The part of a step that it does not use is lost to the other processes until the window ends.
Without Redis each process goes on from the count it last read, and reports what it let through
once Redis is back. Nothing is counted in database rows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import LRUCache

from services.api.limit_settings import LimitSettings
from services.api.places import Places
from services.api.quotas import Bucket, Quota, Sort, granted, rate_limited
from services.api.shared_counts import Counter, RedisCounter, Shared
from services.core.kit.tasks import end

_MOST_BUCKETS = 20_000
"""Anybody can use up addresses: beyond this many the least recently used is forgotten."""

_Key = tuple[UUID | str, Sort]


@dataclass(slots=True)
class Limited:
    """The limit state of one request, kept however its scope is changed on the way."""

    told: list[tuple[bytes, bytes]] = field(default_factory=list)
    counted: bool = False
    begun: "tuple[Limits, UUID | str] | None" = None
    """The limits in which it counts as in flight, and its credential."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.begun is not None:
            limits, who = self.begun
            limits.places.end(who)


class Limits:
    """The quotas of a process, their remainders by credential, and the requests in flight."""

    def __init__(
        self,
        quotas: Mapping[Sort, Quota],
        *,
        at_once: int,
        counter: Counter | None,
        true_now: Callable[[], datetime],
    ) -> None:
        self._quotas = quotas
        self._true_now = true_now
        self._shared = Shared(counter, true_now)
        self.places = Places(at_once, self._shared, true_now)
        self._buckets: LRUCache[_Key, Bucket] = LRUCache(_MOST_BUCKETS)
        # Weak values: a lock exists as long as somebody holds it or waits for it.
        self._filling: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def admit(self, told: list[tuple[bytes, bytes]], who: UUID | str, sort: Sort) -> None:
        """Count a request, and put its rate limit headers into `told`.

        Raises:
            RateLimited: the quota of the minute is used up.
        """
        quota = self._quotas.get(sort)
        if quota is not None:
            await self.admit_by(told, who, quota)

    async def admit_by(
        self, told: list[tuple[bytes, bytes]], who: UUID | str, quota: Quota
    ) -> None:
        """Count a request against a quota of its own, and put its headers into `told`.

        Raises:
            RateLimited: the quota of the window is used up.
        """
        now = self._true_now()
        bucket = self._buckets.get((who, quota.sort))
        if bucket is None or not self._will_do(bucket, quota, now):
            bucket = await self._filled(who, quota, now)
        told.append(quota.policy)
        if bucket.left < 1:
            told.append((b"ratelimit", bucket.shown(now)))
            raise rate_limited(bucket, now)
        bucket.take()
        told.append((b"ratelimit", bucket.shown(now)))

    def _will_do(self, bucket: Bucket, quota: Quota, now: datetime) -> bool:
        """Return whether a bucket can decide about a request from memory."""
        if bucket.quota != quota or bucket.is_over(now):
            return False
        if bucket.alone and self._shared.may_answer(now):
            return False
        return bucket.left > 0 or bucket.complete

    async def _filled(self, who: UUID | str, quota: Quota, now: datetime) -> Bucket:
        """Return the bucket of a credential with another step in it, if one is available."""
        key = who, quota.sort
        lock = self._filling.setdefault(key, asyncio.Lock())
        async with lock:
            bucket = self._buckets.get(key)
            if bucket is not None and self._will_do(bucket, quota, now):
                return bucket  # others waited for the same
            if bucket is None or bucket.is_over(now):
                bucket = Bucket(quota, now + quota.window, elsewhere=quota.most)
            elif bucket.quota != quota:
                bucket = bucket.under(quota)
            await self._fill(who, bucket, now)
            self._buckets[key] = bucket
        return bucket

    async def _fill(self, who: UUID | str, bucket: Bucket, now: datetime) -> None:
        quota = bucket.quota
        asked = bucket.spent_alone + quota.step
        shared = await self._shared.take(f"{who}:{quota.sort}", asked, quota.seconds)
        if shared is None:
            bucket.stand_alone()
            return
        counted, seconds = shared
        if bucket.alone:
            bucket.alone, bucket.left, bucket.spent_alone = False, 0, 0
        bucket.ends = now + timedelta(seconds=seconds)
        bucket.left += granted(quota, counted, quota.step)
        bucket.elsewhere = max(0, quota.most - counted)
        bucket.complete = bucket.elsewhere == 0


@asynccontextmanager
async def open_limits(
    settings: LimitSettings, redis_url: str | None, true_now: Callable[[], datetime]
) -> AsyncIterator[Limits | None]:
    """Yield the limits that settings configure; None: no limits at all."""
    if not settings.limits:
        yield None
        return
    counter = None if redis_url is None else RedisCounter(redis_url)
    limits = Limits(
        {sort: Quota(sort, most) for sort, most in settings.quotas.items() if most},
        at_once=settings.limit_at_once,
        counter=counter,
        true_now=true_now,
    )
    renewing = asyncio.create_task(limits.places.run())
    try:
        yield limits
    finally:
        await end(renewing)
        if counter is not None:
            await counter.close()
