"""`make chaos`: play seeds, one or a night of them, and say which one broke a law."""

import asyncio
import logging
import os
import random
import sys
import time

from tests.simulation.play import STEPS, Failed, Play
from tests.simulation.world import opened, prepared
from tests.support.servers import Servers


async def _play(seeds: list[int], steps: int, *, loud: bool) -> int:
    servers = Servers().start()
    began, faults = time.monotonic(), 0
    try:
        async with prepared(servers.addresses) as template:
            for number, seed in enumerate(seeds, start=1):
                print(f"seed {seed} ({number} of {len(seeds)})", flush=True)
                async with opened(servers.addresses, template) as world:
                    played = await Play(world, seed).run(steps)
                faults += played.faults
                if loud:
                    print("\n".join(played.trace))
    except Failed as failed:
        print(failed)
        print(f"again: make chaos SEED={seed} STEPS={steps}")
        return 1
    finally:
        servers.stop()
    passed = time.monotonic() - began
    print(f"{len(seeds)} seeds, {faults} faults, every law held; {passed:.0f} s")
    return 0


def main() -> int:
    """Play what SEED, RUNS and STEPS say; return 1 where a law was broken."""
    logging.disable(logging.WARNING)
    runs, steps = int(os.environ.get("RUNS") or 1), int(os.environ.get("STEPS") or STEPS)
    given = os.environ.get("SEED")
    first = int(given) if given else random.SystemRandom().randrange(10**9)
    seeds = [first + number for number in range(runs)]
    return asyncio.run(_play(seeds, steps, loud=bool(given)))


if __name__ == "__main__":
    sys.exit(main())
