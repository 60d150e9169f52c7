"""A cache of plans, valid at the log position where this process last stopped following.

Every change of a plan is an event of the log. So a plan that was read at one position is still
valid at a later one if no event between the two concerns it, and if no other process has moved
the cursor meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import LogEvent
from services.core.scoring.affected import alters_plan
from services.core.scoring.board import ScoringContext


@dataclass(frozen=True, slots=True)
class _Left:
    position: int
    benches: dict[str, ScoringContext]


class PlansFollowed:
    """Scoring contexts by database, city and plan, with the position where a city was left."""

    def __init__(self) -> None:
        self._left: WeakKeyDictionary[Engine | Connection, dict[str, _Left]] = WeakKeyDictionary()

    def resume(
        self, session: AsyncSession, city_code: str, after: int, events: Iterable[LogEvent]
    ) -> dict[str, ScoringContext]:
        """Take out the contexts stored for position `after` that these events do not alter."""
        # Popped and not only read, so that a failed transaction leaves no half-done state behind.
        left = self._cities(session).pop(city_code, None)
        if left is None or left.position != after:
            return {}
        altered = {event.plan_code for event in events if alters_plan(event)}
        return {code: bench for code, bench in left.benches.items() if code not in altered}

    def leave(
        self,
        session: AsyncSession,
        city_code: str,
        position: int,
        benches: dict[str, ScoringContext],
    ) -> None:
        """Store contexts for the next reading, which begins at `position`.

        If this transaction does not commit, the next reading begins at another position, and finds
        nothing.
        """
        self._cities(session)[city_code] = _Left(position, benches)

    def _cities(self, session: AsyncSession) -> dict[str, _Left]:
        return self._left.setdefault(session.get_bind(), {})
