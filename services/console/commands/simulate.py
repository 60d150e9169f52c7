"""`wufei simulate country`: simulates the load of many cities on this machine."""

from argparse import Namespace
from importlib import import_module
from importlib.util import find_spec

from services.console.errors import ConsoleError


def country(arguments: Namespace) -> int:
    """Simulate the load of many cities in a system of its own, and print the results."""
    if find_spec("bench") is None:
        raise ConsoleError(
            "the simulation is not part of an installed Wufei: run it in the source tree"
        )
    running = import_module("bench.country.running")
    wanted = running.Wanted(
        stages=tuple(arguments.cities),
        rate=arguments.rate,
        seconds=arguments.seconds,
        processes=arguments.processes,
        submitters=arguments.submitters,
        deadline_rate=arguments.deadline_rate,
        deadline_seconds=arguments.deadline_seconds,
    )
    code: int = running.simulate(wanted, arguments.picture)
    return code
