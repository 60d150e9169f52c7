"""Makes files from the log and writes them: each step in the caller's transaction.

A file is a row with its number and its bytes before any folder has it. So numbers have no gap, and
after a worker is killed at any line, it or another writes the same file again.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.drops import queries
from services.core.drops.drop_lines import DropCover, drop_file
from services.core.drops.lifecycle import close_drop, hears
from services.core.drops.models import DroppedFile, FileDrop
from services.core.drops.statements import EMPTY_OLD, WRITTEN
from services.core.feed.queries import EventFilter, Positioned, events_after
from services.core.identity.actor import system
from services.core.identity.queries import actor_of_key
from services.core.kit.signatures import Signer
from services.core.webhooks.bodies import body_of

EVENTS_AT_MOST = 500
"""Most events of a file, and most positions of the log read at once."""

KEPT = timedelta(days=90)
"""How long the bytes of a file are kept."""

_MOST_READ = 20
"""Most stretches of the log read for a file while none has an event for it."""

_TEST = "webhook.test"
"""The type of events that test an endpoint, which are for that endpoint only."""


async def make_file(
    session: AsyncSession, city_code: str, drop_id: UUID, *, signer: Signer | None, now: datetime
) -> bool:
    """Make the next file of a drop, or advance if no event is for it; return whether to go on.

    A drop whose owner's key is no longer valid, or may no longer read events, is disabled.
    """
    drop = await queries.drop_for_update(session, city_code, drop_id)
    if drop is None or drop.state != "active":
        return False
    actor = await actor_of_key(session, city_code, drop.owner_id, channel="drop", now=now)
    if actor is None or not hears(actor, city_code, drop.plan_code):
        await close_drop(session, drop, "owner-lost", actor=system("drops"), now=now)
        return False
    wanted = EventFilter(tuple(drop.event_types), drop.plan_code)
    after = drop.position if drop.reached is None else drop.reached
    goes_on = True
    found: list[Positioned] = []
    for _ in range(_MOST_READ):
        stretch = await events_after(
            session,
            actor,
            city_code=city_code,
            position=drop.position,
            wanted=wanted,
            limit=EVENTS_AT_MOST,
        )
        found = [one for one in stretch.events if one.event.type != _TEST]
        drop.position, goes_on = stretch.last_position, stretch.has_more
        if found or not goes_on:
            break
    if found:
        await _keep(session, drop, found, after, signer, now)
    await session.flush()
    return goes_on


async def _keep(
    session: AsyncSession,
    drop: FileDrop,
    found: list[Positioned],
    after: int,
    signer: Signer | None,
    now: datetime,
) -> None:
    bodies = [_body(one) for one in found]
    number = drop.number + 1
    cover = DropCover(drop.folder, number, drop.digest, after, drop.position, now)
    digest, content = await asyncio.to_thread(drop_file, cover, bodies, signer)
    session.add(
        DroppedFile(
            city_code=drop.city_code,
            drop_id=drop.id,
            number=number,
            digest=digest,
            events=len(bodies),
            content=content,
            made_at=now,
            written_at=None,
        )
    )
    drop.number, drop.digest, drop.reached, drop.updated_at = number, digest, drop.position, now


def _body(one: Positioned) -> bytes:
    event = one.event
    return body_of(
        event_id=event.id,
        position=one.position,
        type_=event.type,
        plan_code=event.plan_code,
        subject=(event.subject_kind, event.subject_id),
        actor=event.actor,
        data=event.data,
        occurred_at=event.occurred_at,
    )


async def note_written(
    session: AsyncSession, city_code: str, drop_id: UUID, number: int, *, now: datetime
) -> None:
    """Note that a file is in its folder."""
    given = {"city": city_code, "drop": drop_id, "number": number, "now": now}
    await session.execute(WRITTEN, given)


async def empty_old(session: AsyncSession, city_code: str, *, now: datetime) -> None:
    """Delete the bytes of a city's old files; a file that waits to be written keeps them."""
    await session.execute(EMPTY_OLD, {"city": city_code, "before": now - KEPT})
