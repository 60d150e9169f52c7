"""`python -m bench [NAME …]`: run every benchmark, or those named; exit 0 whatever they show."""

import asyncio
import sys

import uvloop

from bench import deadlines, http, planning, recompute, webhooks
from bench.system import bare_app, running_system

NAMES = (
    *("lag", "hearing", "waiting", "creating", "parallel", "reading", "listing"),
    *("drain", "incremental", "full", "planning", "evaluating", "delivering", "beside"),
)


async def main(names: list[str]) -> None:
    """Run the benchmarks in `names`, all of them where it is empty."""
    wanted = names or list(NAMES)
    async with running_system() as system, bare_app(system) as bare:
        # Waits first: the others leave the worker a backlog to work through, and what they
        # create would wait for the office, beside what `waiting` plants.
        for name, waits in (("lag", http.lag), ("hearing", webhooks.hearing)):
            if name in wanted:
                print(await waits(system), flush=True)
        with system.worker_paused():
            for name in NAMES:
                if name in wanted and name in _HTTP:
                    for line in await _HTTP[name](system, bare):
                        print(line, flush=True)
                elif name in wanted and name in _WORK:
                    for line in await _WORK[name](system):
                        print(line, flush=True)


_HTTP = {
    "creating": http.creating,
    "parallel": http.parallel,
    "reading": http.reading,
    "listing": http.listing,
    "waiting": deadlines.waiting,
}
_WORK = {
    "drain": recompute.drain,
    "incremental": recompute.incremental,
    "full": recompute.full,
    "planning": planning.planning,
    "evaluating": deadlines.evaluating,
    "delivering": webhooks.delivering,
    "beside": webhooks.beside,
}


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(NAMES)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1:]))
