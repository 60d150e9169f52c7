"""The verb to decide a conflict, whatever its subject."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from typing_extensions import override

from services.api.conflicts.views import ConflictViews
from services.api.turns import Shown, Turn
from services.core.conflicts.models import Conflict
from services.core.plan.state import PlanState

Thing = TypeVar("Thing")
Desk = TypeVar("Desk")


@dataclass(frozen=True)
class ConflictTurn(Turn[Conflict], Generic[Conflict]):
    """A conflict's turn, with how it is shown and the plan that its thing is judged by."""

    views: ConflictViews[Conflict]
    plan: PlanState

    @override
    async def shown(self) -> Shown:
        return self.views.shown(self.item, self.plan, self.actor)


@dataclass(frozen=True)
class DeviceConflictTurn(ConflictTurn[Conflict], Generic[Conflict, Thing, Desk]):
    """A turn of what a device said, with the thing that it is over and what that is judged by."""

    thing: Thing
    desk: Desk
