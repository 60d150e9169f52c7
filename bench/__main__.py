"""`python -m bench [NAME …]`: run every benchmark, or those named; exit 0 whatever they show."""

import asyncio
import sys

from bench import http, recompute
from bench.system import bare_app, running_system

NAMES = ("creating", "reading", "lag", "incremental", "full", "drain")


async def main(names: list[str]) -> None:
    """Run the benchmarks in `names`, all of them where it is empty."""
    wanted = names or list(NAMES)
    async with running_system() as system, bare_app(system) as bare:
        # The lag first: the others leave the worker a backlog to work through.
        if "lag" in wanted:
            print(await http.lag(system), flush=True)
        for name, work in (("creating", http.creating), ("reading", http.reading)):
            if name in wanted:
                for measure in await work(system, bare):
                    print(measure.line(), flush=True)
        with system.worker_paused():
            for name in ("drain", "incremental", "full"):
                if name in wanted:
                    for line in await getattr(recompute, name)(system):
                        print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
