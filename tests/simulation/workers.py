"""Workers of a simulation: the real reactor and deliverer, taken one pass at a time."""

import math
from collections.abc import Awaitable
from dataclasses import dataclass

from services.core.kit.outage import is_away
from services.worker.delivering import Delivering, Terms
from services.worker.reactor import Reactor
from tests.simulation.receivers import Receivers, SlowSender
from tests.simulation.world import World

_TERMS = Terms(schedule=(0, 3600, 3600, 3600), lease_seconds=6 * 3600)
"""In hours, so that what is due hangs on the hours that the simulation lets pass."""


@dataclass
class Worker:
    """One worker, begun anew whenever its process died."""

    number: int
    world: World
    receivers: Receivers

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Come to life, knowing nothing."""
        database = self.world.workers[self.number]
        self._reactor = Reactor(database, self.world.clock, chance=lambda: 0.5)
        # What is done by the true time now and then says and changes nothing that matters here.
        self._reactor._beat_again_at = self._reactor._count_again_at = math.inf
        self._delivering = Delivering(
            database,
            self.world.clock,
            seal=self.world.seal,
            sender=SlowSender(self.number, self.receivers),  # type: ignore[arg-type]
            terms=_TERMS,
            chance=lambda: 0.5,
        )
        self._delivering._clock_good_until = math.inf

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        return f"worker {self.number + 1}"

    @property
    def has_outcomes(self) -> bool:
        """Whether something came of messages that is not written yet."""
        return bool(self._delivering._done)

    async def go_round(self) -> None:
        """Follow the log."""
        self._reactor._troubles.clear()
        await _unless_away(self._reactor.go_round())

    async def sweep(self) -> None:
        """Do what no event asks for."""
        await _unless_away(self._reactor.sweep())

    async def claim(self) -> None:
        """Take deliveries that are due, and send them."""
        await _unless_away(self._delivering._claim_all())

    async def settle(self) -> None:
        """Write what came of them."""
        await _unless_away(self._delivering._settle_all())

    def die(self) -> None:
        """Lose all that is in memory; nobody hears what receivers answer."""
        sending = list(self._delivering._under_way)
        for task in sending:
            task.cancel()
        self.begin()


async def _unless_away(work: Awaitable[object]) -> None:
    """Do some work; where its connection is lost it is left for the next time."""
    try:
        await work
    except Exception as error:
        if not is_away(error):
            raise
