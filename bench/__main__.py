"""`python -m bench [NAME …]`: run every benchmark, or those named; exit 0 whatever they show.

`growing=N` grows its ledger to N submissions, up to 600,000.
"""

import asyncio
import sys

import uvloop

from bench import (
    auditing,
    batches,
    board,
    deadlines,
    exporting,
    growth,
    http,
    importing,
    papers,
    planning,
    proving,
    recompute,
    registers,
    sign_ins,
    starting,
    syncing,
    webhooks,
    whole_recompute,
)
from bench.system import System, bare_app, running_system

NAMES = (
    *(
        "starting",
        "registers",
        "lag",
        "hearing",
        "waiting",
        "creating",
        "parallel",
        "reading",
        "listing",
        "batching",
        "syncing",
        "exporting",
        "board",
        "importing",
    ),
    *("drain", "incremental", "full", "growing", "planning", "evaluating", "delivering", "beside"),
    *("auditing", "proving", "signing", "papers"),
)


async def main(names: list[str]) -> None:
    """Run the benchmarks in `names`, all of them where it is empty."""
    wanted = names or list(NAMES)
    if "starting" in wanted:  # in systems of its own, at their first start
        for line in await starting.starting():
            print(line, flush=True)
    if "importing" in wanted:  # by itself: it takes most of the places that there are
        async with running_system() as system:
            for line in await importing.importing(system):
                print(line, flush=True)
    if set(wanted) - {"starting", "importing"}:
        await _in_one_system(wanted)


async def _in_one_system(wanted: list[str]) -> None:
    async with running_system() as system, bare_app(system) as bare:
        # Waits first: the others leave the worker a backlog to work through, and what they
        # create would wait for the office, beside what `waiting` plants.
        for name, waits in (("lag", http.lag), ("hearing", webhooks.hearing)):
            if name in wanted:
                print(await waits(system), flush=True)
        await _beside_the_worker(system, wanted)
        with system.worker_paused():
            for name in NAMES:
                if name in wanted and name in _HTTP:
                    for line in await _HTTP[name](system, bare):
                        print(line, flush=True)
                elif name in wanted and name in _WORK:
                    for line in await _WORK[name](system):
                        print(line, flush=True)


async def _beside_the_worker(system: System, wanted: list[str]) -> None:
    for name, measure in _WITH_THE_WORKER.items():
        if name in wanted:
            for line in await measure(system):
                print(line, flush=True)


_WITH_THE_WORKER = {"registers": registers.registering}
_HTTP = {
    "creating": http.creating,
    "parallel": http.parallel,
    "reading": http.reading,
    "listing": http.listing,
    "batching": batches.batching,
    "syncing": syncing.syncing,
    "exporting": exporting.exporting,
    "board": board.board,
    "waiting": deadlines.waiting,
}
_WORK = {
    "drain": recompute.drain,
    "incremental": recompute.incremental,
    "full": whole_recompute.full,
    "growing": growth.growing,
    "planning": planning.planning,
    "evaluating": deadlines.evaluating,
    "delivering": webhooks.delivering,
    "beside": webhooks.beside,
    "auditing": auditing.auditing,
    "proving": proving.proving,
    "signing": sign_ins.signing,
    "papers": papers.papers,
}


def _sized(argument: str) -> str:
    """Return the name in an argument; a size behind it is that of the ledger to grow."""
    name, _, size = argument.partition("=")
    if size:
        most = int(size)
        _WORK["growing"] = lambda system: growth.growing(system, most)
    return name


if __name__ == "__main__":
    names = [_sized(argument) for argument in sys.argv[1:]]
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(names))
