"""The subjects of conflicts: a description of what differs between them, one for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal

from services.core.conflicts.models import Conflict
from services.core.events.catalogue import EventType
from services.core.plan.visibility import Owned

LoggedStep = Literal["raised", "changed", "closed", "decided"]


@dataclass(frozen=True, slots=True)
class ConflictSubject(Generic[Conflict]):
    """What conflicts of one kind are over.

    `table` keeps them, and `owned` says whose each of them is. `events` are what the log tells, by
    step; `told` returns what such an event says of the thing and of what differs.
    """

    table: type[Conflict]
    owned: Owned
    events: Mapping[LoggedStep, EventType]
    told: Callable[[Conflict], Mapping[str, object]]
