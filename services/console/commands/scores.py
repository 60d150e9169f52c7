"""`wufei score recompute`: recomputes every score from the log, and says whether any differed.

Each plan is one transaction: when interrupted, finished plans are kept, the current one rolled
back.
"""

import asyncio
import sys
import time
from argparse import Namespace

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from services.console.ledger import Ledger, open_ledger
from services.core.identity.actor import operator
from services.core.kit.city_scope import in_city
from services.core.plan.models import Plan
from services.core.plan.queries import visible_plans
from services.core.scoring.service import rebuild_inputs, recompute_plan


def recompute(arguments: Namespace) -> int:
    """Recompute one plan, or all of them."""
    done: list[str] = []
    try:
        return asyncio.run(_recompute(arguments.plan, done))
    except KeyboardInterrupt:
        kept = ", ".join(done) or "nothing"
        print(f"cancelled: kept {kept}; of the plan under way nothing was changed", file=sys.stderr)
        return 130


async def _recompute(plan_code: str | None, done: list[str]) -> int:
    async with open_ledger() as ledger:
        async with ledger.database.sessions() as session:
            plans = await visible_plans(session, operator(""), plan_code=plan_code)
        for plan in plans:
            await _recompute_one(ledger, plan)
            done.append(plan.code)
    if plan_code is not None and not plans:
        print(f"there is no plan {plan_code}")
        return 1
    return 0


async def _recompute_one(ledger: Ledger, plan: Plan) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        shown = _Shown(bar, bar.add_task(plan.code, total=None, said=""))
        with in_city(plan.city_code):
            async with ledger.database.transaction() as session:
                differed = await rebuild_inputs(session, plan.city_code, plan.code)
                done = await recompute_plan(
                    session, plan.city_code, plan.code, clock=ledger.clock, tell=shown.tell
                )
    inputs = "inputs differed and were made anew" if differed else "inputs as they were"
    print(f"{plan.code}: {done.boards} scoreboards, {done.changed} changed, {inputs}")


class _Shown:
    """A plan's progress bar: scoreboards done of the total, and the rate per second."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task
        self._begun = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        """Show the progress; the time begins with the first board."""
        if not done:
            self._begun = time.monotonic()
        rate = round(done / max(time.monotonic() - self._begun, 0.001))
        self._bar.update(self._task, completed=done, total=total, said=f"{rate}/s" if done else "")
