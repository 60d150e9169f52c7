"""What the doorbell can ask for. Jobs carry no meaning: all state is in Postgres."""

from typing import Any

from arq import cron, func
from arq.worker import Function

from services.worker.reactor import Reactor


async def react(ctx: dict[str, Any]) -> None:
    """Wake the reactor."""
    reactor: Reactor = ctx["reactor"]
    reactor.wake()


async def sweep(ctx: dict[str, Any]) -> None:
    """Do what no event asks for."""
    reactor: Reactor = ctx["reactor"]
    await reactor.sweep()


FUNCTIONS: list[Function] = [func(react, name="react", keep_result=0, max_tries=1, timeout=10)]

CRON = [cron(sweep, second={5, 35}, keep_result=600, max_tries=1, timeout=120, unique=True)]
"""A slot's result is kept longer than clocks of two workers may differ, so it runs once."""
