"""What follows from what was committed: who reads the log of a city, and who the calendar.

The order is the order of a pass; each step runs in a transaction of its own and remembers by
itself how far it has come, so that one in trouble holds up no other.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import following as alerts
from services.core.kit.clock import Clock
from services.core.milestones import following as milestones
from services.core.obligations import service as obligations
from services.core.scoring import service as scoring
from services.core.webhooks import planning, recovery, retention

Follow = Callable[[AsyncSession, str, Clock, int], Coroutine[Any, Any, bool]]
"""Takes a session, a city, the clock and the most events of one turn; whether it did any."""

FollowDate = Callable[[AsyncSession, str, Clock], Coroutine[Any, Any, object]]
"""Takes a session, a city and the clock; does what fell due by the date alone."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A reader of the log: `reader` is the name of its cursor."""

    reader: str
    follow: Follow
    at_once: int = 500


FOLLOWERS = (
    # First, for it waits for nothing that the others do: what they cause is planned a round later.
    Follower(planning.READER, planning.follow_log, at_once=200),
    Follower(obligations.READER, obligations.follow_log),
    Follower(scoring.READER, scoring.follow_log),
    Follower(milestones.READER, milestones.follow_log),
    Follower(alerts.READER, alerts.follow_log),
    Follower(recovery.READER, recovery.follow_replays, at_once=2000),
)

READERS = tuple(follower.reader for follower in FOLLOWERS)

DATE_FOLLOWERS: tuple[FollowDate, ...] = (
    scoring.follow_date,
    alerts.follow_date,
    retention.follow_date,
)
"""Asked every half minute, so each is cheap where nothing fell due."""
