"""Updates the gauges of connectors, at most every few seconds."""

import time
from collections import Counter

from services.api import metrics
from services.api.context import Resources
from services.core.connectors.queries import connector_queues
from services.core.connectors.rules import CONNECTOR_STATES, ITEM_STATES
from services.core.connectors.use import ConnectorQueue, total_of
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city

KEPT_SECONDS = 5.0
"""More frequent scrapes, which anybody may make, get the values of the last reading."""


class _Reading:
    """Reads the figures at most every few seconds, because the gauges are shared by the process."""

    def __init__(self) -> None:
        self._again_at = 0.0

    async def __call__(self, resources: Resources) -> None:
        """Update the gauges."""
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + KEPT_SECONDS
        async with resources.database.sessions() as session:
            queues = list[ConnectorQueue]()
            for city_code in await city_codes(session):
                with in_city(city_code):
                    queues += await connector_queues(session, city_code)
        states, numbers = Counter(one.state for one in queues), total_of(queues)
        for state in CONNECTOR_STATES:
            metrics.CONNECTORS.labels(state).set(states[state])
        for each in ITEM_STATES:
            if each != "superseded":
                metrics.CONNECTOR_ITEMS.labels(each).set(numbers.get(each, 0))
        at_work = [one.oldest_seconds for one in queues if one.state != "disabled"]
        metrics.CONNECTOR_OLDEST_DUE.set(max(at_work, default=0))


read_connector_figures = _Reading()
