"""A clock that stands still, for what happens at the last second and the first."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from typing_extensions import override

from services.core.kit.clock import Clock
from tests.support.api import Door


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    """A clock whose domain hand stands at one instant."""

    instant: datetime = field(default=datetime.max.replace(tzinfo=UTC))

    @override
    def now(self) -> datetime:
        return self.instant


def stopped_at(day: str, time: str) -> StoppedClock:
    """Return a clock that stands at an instant by the clocks of Shanghai."""
    return StoppedClock(instant=datetime.fromisoformat(f"{day}T{time}+08:00").astimezone(UTC))


def at(door: Door, day: str, time: str = "09:00:00") -> None:
    """Let the API's domain clock stand at an instant of Shanghai's."""
    door.app.state.resources = replace(door.held, clock=stopped_at(day, time))
