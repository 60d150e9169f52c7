"""The retry schedule of failed deliveries, and when retrying ends. Pure: chance is passed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from services.core.webhooks.sending import FREE, Outcome

MINUTE, HOUR = 60, 3600
LONGEST = 24 * HOUR
"""The longest pause that a receiver can ask for."""

DEFAULT_SCHEDULE: tuple[float, ...] = (
    *(0, 5, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
"""Seconds before each attempt."""

ROBOT_PAUSE = 10 * MINUTE
"""How long a robot stays muted after too many messages."""

_JITTER = 0.2
_FREE_STEP = 2
_MOST_ATTEMPTS = 50
_MOST_DIGITS = 9
_LATER_BY_ITSELF = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class DeliveryFate:
    """The next state of a delivery, and the seconds until it is due again.

    `counted` means that the attempt counts as one of the schedule.
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
    """Return the fate of a delivery after an outcome.

    `tries` counts the attempts of the schedule including this one; `chance` in [0, 1) sets the
    jitter. A delivery that a person requested is tried once.
    """
    if outcome.kind == "delivered":
        return DeliveryFate("delivered")
    # The worker was stopped in the middle: the receiver is not to blame, so the attempt does not
    # count.
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
    """Return for how many seconds a receiver wants no messages at all; None: it did not say.

    Only 429, 503 and a robot's answer about too many messages apply to the receiver as a whole. A
    robot that names no time pauses for ten minutes.
    """
    if outcome.kind == "throttled":
        return asked_pause(outcome.retry_after, now) or ROBOT_PAUSE
    if outcome.status_code not in _LATER_BY_ITSELF:
        return None
    return asked_pause(outcome.retry_after, now)


def asked_pause(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` header, at most a day; None: it asks for none.

    It may be seconds or an HTTP date; anything else, or a date in the past, is ignored.
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
    """Parse a schedule: seconds separated by commas.

    Raises:
        ValueError: it is not that, is too long, or has a pause of more than a day.
    """
    try:
        seconds = tuple(float(one) for one in text.split(","))
    except ValueError:
        raise ValueError("must be seconds separated by commas, such as 0,5,300") from None
    if len(seconds) > _MOST_ATTEMPTS or not all(0 <= one <= LONGEST for one in seconds):
        raise ValueError(f"a schedule is up to {_MOST_ATTEMPTS} pauses of 0 to {LONGEST} seconds")
    return seconds
