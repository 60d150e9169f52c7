"""Plans as they stood a moment ago, kept so that a request need not read one from Postgres."""

from datetime import datetime, timedelta

from services.api.log_watch import LogWatch
from services.core.identity.actor import Actor
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.plan.errors import PlanNotFound
from services.core.plan.queries import PlanState, plan_state

KEPT = timedelta(seconds=5)
_MOST_KEPT = 200


class PlansKept:
    """The plans met lately; one is read again when its city's log moved on, or after 5 s."""

    def __init__(self, database: Database, watch: LogWatch) -> None:
        self._database = database
        self._watch = watch
        self._kept: dict[str, tuple[int, datetime, PlanState]] = {}

    async def get(self, plan_code: str, actor: Actor) -> PlanState:
        """Return a plan in the caller's scope.

        Raises:
            PlanNotFound: there is none of this code, or it is not the caller's to see.
        """
        city_code = plan_code.split("-", 1)[0]
        if not actor.every_city and city_code != actor.city_code:
            raise PlanNotFound
        if actor.plan_code is not None and actor.plan_code != plan_code:
            raise PlanNotFound
        return await self.of_city(city_code, plan_code)

    async def of_city(self, city_code: str, plan_code: str) -> PlanState:
        """Return a plan, whoever asks.

        Raises:
            PlanNotFound: there is none of this code.
        """
        generation = self._watch.generation(city_code)
        now = Clock.true_now()
        kept = self._kept.get(plan_code)
        if kept is not None and kept[0] == generation and kept[1] > now:
            return kept[2]
        async with self._database.sessions() as session:
            state = await plan_state(session, city_code, plan_code)
        if state is None:
            raise PlanNotFound
        if generation is not None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[plan_code] = (generation, now + KEPT, state)
        return state

    def forget(self, plan_code: str) -> None:
        """Read a plan again: this process changed it."""
        self._kept.pop(plan_code, None)
