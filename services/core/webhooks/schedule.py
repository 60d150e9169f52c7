"""The retry schedule of failed deliveries, and when retrying ends. Pure: chance is passed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from services.core.webhooks.sending import FREE, Outcome

MINUTE, HOUR = 60, 3600
LONGEST = 24 * HOUR
"""No receiver can put us off for longer."""

DEFAULT_SCHEDULE: tuple[float, ...] = (
    *(0, 5, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Seconds before each attempt."""

ROBOT_PAUSE = 10 * MINUTE
"""For so long a robot is mute that was sent too many messages."""

_JITTER = 0.2
_FREE_STEP = 2
_MOST_ATTEMPTS = 50
_MOST_DIGITS = 9
_LATER_BY_ITSELF = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class DeliveryFate:
    """What becomes of a delivery: its state, and in how many seconds it is due again.

    `counted` says that the attempt was one of those the schedule has.
    """

    state: Literal["pending", "delivered", "failed"]
    delay: float = 0
    counted: bool = True


def delivery_fate(
    outcome: Outcome,
    *,
    tries: int,
    manual: bool,
    schedule: Sequence[float],
    chance: float,
    now: datetime,
) -> DeliveryFate:
    """Return what follows from an outcome.

    `tries` counts the attempts of the schedule with this one; `chance` in [0, 1) decides the
    jitter. What a person asked for is tried once.
    """
    if outcome.kind == "delivered":
        return DeliveryFate("delivered")
    # We were told to stop in the middle of it: the receiver is not to blame, so nothing counts.
    if outcome.kind == "interrupted":
        return DeliveryFate("pending", counted=False)
    if outcome.kind in FREE:
        step = min(_FREE_STEP, len(schedule) - 1)
        pause = pause_of(outcome, now) or _jittered(schedule, step, chance)
        return DeliveryFate("pending", pause, counted=False)
    if manual or tries >= len(schedule):
        return DeliveryFate("failed")
    asked = asked_pause(outcome.retry_after, now) or 0
    return DeliveryFate("pending", max(_jittered(schedule, tries, chance), asked))


def _jittered(schedule: Sequence[float], step: int, chance: float) -> float:
    return schedule[step] * (1 + _JITTER * (2 * chance - 1))


def pause_of(outcome: Outcome, now: datetime) -> float | None:
    """Return for how many seconds a receiver wants to hear nothing at all; None: it did not say.

    Only 429 and 503 speak for the receiver as a whole, and a robot that had too many; that one
    rests for ten minutes where it names no time.
    """
    if outcome.kind == "throttled":
        return asked_pause(outcome.retry_after, now) or ROBOT_PAUSE
    if outcome.status_code not in _LATER_BY_ITSELF:
        return None
    return asked_pause(outcome.retry_after, now)


def asked_pause(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for, at most a day; None: it asks for none.

    It may be seconds or an HTTP date; what is neither, or is over already, is passed over.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return LONGEST if len(text) > _MOST_DIGITS else min(int(text), LONGEST)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    seconds = (aware - now).total_seconds()
    return min(seconds, LONGEST) if seconds > 0 else None


def read_schedule(text: str) -> tuple[float, ...]:
    """Return a schedule written as seconds separated by commas.

    Raises:
        ValueError: it is not that, is too long, or waits longer than a day.
    """
    try:
        seconds = tuple(float(one) for one in text.split(","))
    except ValueError:
        raise ValueError("must be seconds separated by commas, such as 0,5,300") from None
    if len(seconds) > _MOST_ATTEMPTS or not all(0 <= one <= LONGEST for one in seconds):
        raise ValueError(f"a schedule is up to {_MOST_ATTEMPTS} pauses of 0 to {LONGEST} seconds")
    return seconds
