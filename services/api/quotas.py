"""Arithmetic of a credential's quotas, and the headers that report them. Pure.

The fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` is the quota,
`RateLimit` its remainder and for how many seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Literal

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text

Sort = Literal[
    "reads",
    "writes",
    "heavy",
    "tokens",
    "sign_ins",
    "provider_sign_ins",
    "partner-minute",
    "partner-day",
]
"""The sorts of requests that are counted; the last two are a partner's own, by its contract."""

WINDOW = timedelta(minutes=1)
_STEPS = 20
_LONGEST_STEP = 100


class RateLimited(DomainError):
    """The quota of this minute is used up; go on after as many seconds as `Retry-After` says."""

    code = "rate-limited"
    kind = RefusalKind.TOO_MANY
    title = Text("请求过于频繁", "Too many requests")


class TooManyAtOnce(DomainError):
    """Too many requests of this credential are under way; wait until one of them is answered."""

    code = "too-many-at-once"
    kind = RefusalKind.TOO_MANY
    title = Text("同时进行的请求过多", "Too many requests at once")


@dataclass(frozen=True)
class Quota:
    """The most requests of a sort in a window, and the steps in which a process takes them."""

    sort: Sort
    most: int
    window: timedelta = WINDOW

    @property
    def seconds(self) -> int:
        """Length of the window in seconds."""
        return int(self.window.total_seconds())

    @property
    def step(self) -> int:
        """How many requests a process takes at once from the shared quota.

        It is also the most that a process loses when it ends, which matters to a daily quota.
        """
        return max(1, min(self.most // _STEPS, _LONGEST_STEP))

    @cached_property
    def policy(self) -> tuple[bytes, bytes]:
        """The value of `RateLimit-Policy`."""
        said = f'"{self.sort}";q={self.most};w={self.seconds}'
        return b"ratelimit-policy", said.encode()

    @cached_property
    def form(self) -> bytes:
        """The template of `RateLimit`: the remainder and the seconds."""
        return f'"{self.sort}";r=%d;t=%d'.encode()


@dataclass(slots=True)
class Bucket:
    """The requests that a process may still admit under a quota, until its window ends.

    `elsewhere` is the remainder for all processes when Redis was last asked; `complete`: nothing
    more is available before the end. `alone`: Redis could not be asked, and `spent_alone` were
    admitted since.
    """

    quota: Quota
    ends: datetime
    left: int = 0
    elsewhere: int = 0
    complete: bool = False
    alone: bool = False
    spent_alone: int = 0

    def take(self) -> None:
        """Admit one request."""
        self.left -= 1
        if self.alone:
            self.spent_alone += 1

    def stand_alone(self) -> None:
        """Continue without Redis, from the remainder last read."""
        self.left, self.elsewhere = self.left + self.elsewhere, 0
        self.complete = self.alone = True

    def under(self, quota: Quota) -> "Bucket":
        """Return the remainder of another quota in the same window; below zero: more was used."""
        room = quota.most - self.quota.most + self.left + self.elsewhere
        return Bucket(
            quota, self.ends, elsewhere=room, alone=self.alone, spent_alone=self.spent_alone
        )

    def is_over(self, now: datetime) -> bool:
        """Return whether its window has ended, or lies ahead because the clock was set back."""
        return not self.ends - self.quota.window <= now < self.ends

    def shown(self, now: datetime) -> bytes:
        """Return the value of `RateLimit`."""
        return self.quota.form % (max(0, self.left + self.elsewhere), self.seconds(now))

    def seconds(self, now: datetime) -> int:
        """Return the seconds until the quota is renewed, at least 1."""
        return max(1, ceil((self.ends - now).total_seconds()))


def granted(quota: Quota, counted: int, step: int) -> int:
    """Return how many of a step were granted; `counted` is the shared count including the step."""
    return min(step, max(0, quota.most - (counted - step)))


def rate_limited(bucket: Bucket, now: datetime) -> RateLimited:
    """Return the refusal of a request over the quota."""
    quota, seconds = bucket.quota, bucket.seconds(now)
    most, window = quota.most, quota.seconds
    return RateLimited(
        Text(
            f"每 {window} 秒至多 {most} 次（{quota.sort}）；请在 {seconds} 秒后继续，"
            "并合并请求：批量填报、更长的列表页、长轮询",
            f"At most {most} in {window} s ({quota.sort}): go on in {seconds} s, and ask for more"
            " at a time: batches, longer pages, long polls",
        ),
        extra={"retry_after": seconds},
    )


def too_many_at_once(most: int) -> TooManyAtOnce:
    """Return the refusal of a request over the limit of requests in flight."""
    return TooManyAtOnce(
        Text(
            f"一个凭据同时至多 {most} 个请求；请等其中一个得到答复",
            f"At most {most} requests of one credential at once: wait until one is answered",
        )
    )
