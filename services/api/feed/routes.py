"""The path of the numbered log."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query

from services.api.context import Held
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.feed import examples
from services.api.feed.schemas import FeedOut, event_out
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.feed.queries import events_after
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

router = versioned_router("events")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_EVENTS))]

_LOOK_EVERY_SECONDS = 1.0


@router.get("/events", responses={**answering(examples.EVENTS), **refusals(403)})
async def read_events(
    actor: Reader,
    held: Held,
    after: Annotated[int, Query(ge=0, le=2**62, description="The last position you have")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most positions to read")] = 100,
    types: Annotated[
        str, Query(max_length=2000, description="Types, separated by commas; empty for all")
    ] = "",
    wait: Annotated[
        float, Query(ge=0, le=30, description="Seconds to wait for the first event")
    ] = 0,
) -> FeedOut:
    """Return the events after a position, gap-free, in order. Nothing ever appears behind it.

    With `wait` the answer comes with the first event, or empty after so many seconds.
    """
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    give_up = asyncio.get_running_loop().time() + wait
    while True:
        async with held.database.sessions() as session:
            found, last, more = await events_after(
                session,
                actor,
                city_code=actor.city_code,
                position=after,
                types=wanted,
                limit=limit,
            )
        left = give_up - asyncio.get_running_loop().time()
        if found or left <= 0:
            return FeedOut(
                items=[event_out(one) for one in found], last_position=last, has_more=more
            )
        after = last
        if not more:
            await held.watch.wait(actor.city_code, min(left, _LOOK_EVERY_SECONDS))
