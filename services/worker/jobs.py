"""The arq jobs behind the doorbell. They do no work themselves: they only wake the reactor.

So a job that fails, gets lost or runs twice does no harm: all state is in Postgres.
"""

from typing import Any

from arq import cron, func
from arq.cron import CronJob
from arq.worker import Function

from services.worker.reactor import Reactor

_TRIES = 5
_TIMEOUT_SECONDS = 10


async def react(ctx: dict[str, Any]) -> None:
    """Wake the reactor."""
    reactor: Reactor = ctx["reactor"]
    reactor.wake()


async def sweep(ctx: dict[str, Any]) -> None:
    """Wake the reactor, and let it do the work that no event triggers."""
    reactor: Reactor = ctx["reactor"]
    reactor.wake(sweep=True)


FUNCTIONS: list[Function] = [
    func(react, name="react", keep_result=0, max_tries=_TRIES, timeout=_TIMEOUT_SECONDS)
]


def timetable() -> list[CronJob]:
    """Return new cron jobs: a reused one would make up for all that it missed.

    A slot's result is kept longer than the clocks of two workers may differ, so that only one
    worker runs it.
    """
    return [
        cron(
            sweep,
            name="sweep",
            second={5, 35},
            keep_result=600,
            max_tries=_TRIES,
            timeout=_TIMEOUT_SECONDS,
            unique=True,
        )
    ]
