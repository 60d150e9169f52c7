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
"""What a request is counted among; the last two are a partner's own, by its contract."""

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
    """The most requests of a sort in a window, and the steps in which a process takes of them."""

    sort: Sort
    most: int
    window: timedelta = WINDOW

    @property
    def seconds(self) -> int:
        """How long the window is."""
        return int(self.window.total_seconds())

    @property
    def step(self) -> int:
        """How many a process takes at once of what all processes share.

        It loses no more when it ends, which matters to the quota of a day.
        """
        return max(1, min(self.most // _STEPS, _LONGEST_STEP))

    @cached_property
    def policy(self) -> tuple[bytes, bytes]:
        """The header that tells it."""
        said = f'"{self.sort}";q={self.most};w={self.seconds}'
        return b"ratelimit-policy", said.encode()

    @cached_property
    def form(self) -> bytes:
        """How what is left of it is told: with the number, and the seconds."""
        return f'"{self.sort}";r=%d;t=%d'.encode()


@dataclass(slots=True)
class Bucket:
    """What a process may still let through of a quota, until its window ends.

    `elsewhere` is what was left for all processes when it was last asked; `complete`: nothing more
    is to be had before the end. `alone`: nobody could be asked, and `spent_alone` were let through
    since.
    """

    quota: Quota
    ends: datetime
    left: int = 0
    elsewhere: int = 0
    complete: bool = False
    alone: bool = False
    spent_alone: int = 0

    def take(self) -> None:
        """Let one request through."""
        self.left -= 1
        if self.alone:
            self.spent_alone += 1

    def stand_alone(self) -> None:
        """Go on from what was left when it was last heard."""
        self.left, self.elsewhere = self.left + self.elsewhere, 0
        self.complete = self.alone = True

    def under(self, quota: Quota) -> "Bucket":
        """Return what is left of another quota in the same window; below zero: more was used."""
        room = quota.most - self.quota.most + self.left + self.elsewhere
        return Bucket(
            quota, self.ends, elsewhere=room, alone=self.alone, spent_alone=self.spent_alone
        )

    def is_over(self, now: datetime) -> bool:
        """Return whether its window has ended, or not begun: then the clock was set back."""
        return not self.ends - self.quota.window <= now < self.ends

    def shown(self, now: datetime) -> bytes:
        """Return the value of `RateLimit`."""
        return self.quota.form % (max(0, self.left + self.elsewhere), self.seconds(now))

    def seconds(self, now: datetime) -> int:
        """Return in how many seconds there is more, 1 at least."""
        return max(1, ceil((self.ends - now).total_seconds()))


def granted(quota: Quota, counted: int, step: int) -> int:
    """Return how many of a step are ours, where the count of all processes is `counted` with it."""
    return min(step, max(0, quota.most - (counted - step)))


def rate_limited(bucket: Bucket, now: datetime) -> RateLimited:
    """Return the refusal of a request that is one too many."""
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
    """Return the refusal of a request beside as many as may be under way."""
    return TooManyAtOnce(
        Text(
            f"一个凭据同时至多 {most} 个请求；请等其中一个得到答复",
            f"At most {most} requests of one credential at once: wait until one is answered",
        )
    )
