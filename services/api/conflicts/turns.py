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
    """The turn of a verb on a conflict, with its views and the plan of its subject."""

    views: ConflictViews[Conflict]
    plan: PlanState

    @override
    async def shown(self) -> Shown:
        return self.views.shown(self.item, self.plan, self.actor)


@dataclass(frozen=True)
class DeviceConflictTurn(ConflictTurn[Conflict], Generic[Conflict, Thing, Desk]):
    """The turn of a conflict with a device's write, with its subject and the subject's desk."""

    thing: Thing
    desk: Desk
