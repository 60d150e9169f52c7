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
    """The description of one kind of conflict.

    `table` stores them, `owned` has the columns that decide who sees one. `events` are the event
    types by step; `told` returns the event's data about the thing and the differences.
    """

    table: type[Conflict]
    owned: Owned
    events: Mapping[LoggedStep, EventType]
    told: Callable[[Conflict], Mapping[str, object]]
