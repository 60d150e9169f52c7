"""Usage figures of connectors: requests over some days, and items by state; also for gauges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.core.connectors.rules import ConnectorState


@dataclass(frozen=True, slots=True)
class BatchUse:
    """Usage figures of a connector's requests over some days."""

    batches: int
    faults: int
    reported: int
    accepted: int
    refused: int
    unanswered: int
    unasked: int
    p95_ms: int | None
    last_success_at: datetime | None


@dataclass(slots=True)
class ConnectorQueue:
    """A connector's number of items by state, and for how long the oldest has been due.

    `waiting_seconds` is, by state, that of items not sent or not answered. Since
    `secret_refused_since` the superior accepts only the former secret.
    """

    id: UUID
    name: str
    state: ConnectorState
    state_reason: str | None
    provisioned: bool
    secret_refused_since: datetime | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    waiting_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Return how many items wait to be sent or answered."""
        return self.numbers.get("pending", 0) + self.numbers.get("unknown", 0)

    @property
    def oldest_seconds(self) -> float:
        """Return for how many seconds the oldest item has been due."""
        return max((self.waiting_seconds.get(one, 0) for one in ("pending", "unknown")), default=0)


def total_of(queues: Sequence[ConnectorQueue]) -> Mapping[str, int]:
    """Return the number of items of all connectors by state."""
    found: dict[str, int] = {}
    for queue in queues:
        for state, number in queue.numbers.items():
            found[state] = found.get(state, 0) + number
    return found
