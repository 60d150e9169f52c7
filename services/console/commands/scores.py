"""`wufei score recompute`: every score anew from the log, and whether anything differed."""

import asyncio
from argparse import Namespace

from services.console.ledger import Ledger, open_ledger
from services.core.identity.actor import operator
from services.core.plan.models import Plan
from services.core.plan.queries import visible_plans
from services.core.scoring.service import rebuild_inputs, recompute_plan


def recompute(arguments: Namespace) -> int:
    """Recompute one plan, or all of them."""
    return asyncio.run(_recompute(arguments.plan))


async def _recompute(plan_code: str | None) -> int:
    async with open_ledger() as ledger:
        async with ledger.database.sessions() as session:
            plans = await visible_plans(session, operator(""), plan_code=plan_code)
        for plan in plans:
            await _recompute_one(ledger, plan)
    if plan_code is not None and not plans:
        print(f"there is no plan {plan_code}")
        return 1
    return 0


async def _recompute_one(ledger: Ledger, plan: Plan) -> None:
    async with ledger.database.transaction() as session:
        differed = await rebuild_inputs(session, plan.city_code, plan.code)
        done = await recompute_plan(session, plan.city_code, plan.code, clock=ledger.clock)
    inputs = "inputs differed and were made anew" if differed else "inputs as they were"
    print(f"{plan.code}: {done.boards} scoreboards, {done.changed} changed, {inputs}")
