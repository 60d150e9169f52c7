"""The route of the event log."""

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from services.api.context import ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import LINK, answering
from services.api.feed.schemas import FeedOut, event_out
from services.api.filters import OrganizationFilter
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import authenticate, permitted
from services.core.events.catalogue import subject_faults, type_faults
from services.core.feed.queries import EventFilter, Stretch, events_after
from services.core.identity.actor import Actor
from services.core.identity.errors import CityNotFound
from services.core.identity.queries import organization_names, organizations_by_code
from services.core.identity.rules import Permission
from services.core.identity.unknown import unknown_organization
from services.core.kit.errors import InvalidInput
from services.core.plan.errors import PlanNotFound

router = versioned_router("events")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_EVENTS))]

_LOOK_EVERY_SECONDS = 1.0

_STRETCH = 1000
"""Positions read at once by a long poll that waits for a matching event."""
_MOST_STRETCHES = 20
"""At most this many batches are read in one answer; an empty answer says how far it came."""


@router.get("/events", responses={**answering("Events", LINK), **refusals(403, 404, 410)})
async def read_events(
    request: Request,
    response: Response,
    actor: Reader,
    resources: ResourcesDep,
    after: Annotated[int, Query(ge=0, le=2**62, description="The last position you have")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most positions to read")] = 100,
    types: Annotated[
        str, Query(max_length=2000, description="Types, separated by commas; empty for all")
    ] = "",
    plan: Annotated[
        str | None, Query(max_length=60, description="Only what belongs to this plan")
    ] = None,
    organization_code: OrganizationFilter = None,
    subject: Annotated[
        str | None,
        Query(
            max_length=300,
            description="Only what is about this kind of thing, or this one: `submission`, or"
            " `submission/` and its id",
        ),
    ] = None,
    city: Annotated[
        str | None,
        Query(max_length=60, description="The city whose log is read; default: the credential's"),
    ] = None,
    wait: Annotated[
        float, Query(ge=0, le=30, description="Seconds to wait for the first event")
    ] = 0,
) -> FeedOut:
    """Return the events after a position, gap-free, in order. Nothing ever appears behind it.

    With `wait` the answer comes with the first event, or empty after so many seconds; 401 within
    5 s after the key was revoked. Where the
    events that come next are kept no more, it is 410 with the oldest position there is; where
    the log ends before `after`, 410 too, with the newest.
    """
    if city is not None and city != actor.city_code:
        raise CityNotFound
    wanted = EventFilter(
        types=_wanted(types, subject),
        plan_code=plan,
        organization_code=organization_code,
        subject=tuple((subject or "").split("/", 1)) if subject else (),
    )
    if plan is not None:
        known = await resources.plans.get(plan, actor)
        if known.city_code != actor.city_code:
            raise PlanNotFound
    if organization_code is not None:
        await _check_organization(resources, actor, organization_code)
    found = await _first(request, resources, after, wanted=wanted, limit=limit, wait=wait)
    asked = {**request.query_params, "after": str(found.last_position)}
    response.headers["Link"] = f'<{request.url.path}?{urlencode(asked)}>; rel="next"'
    return FeedOut(
        items=[event_out(one) for one in found.events],
        last_position=found.last_position,
        has_more=found.has_more,
    )


async def _check_organization(resources: ResourcesDep, actor: Actor, code: str) -> None:
    """Refuse a unit that no plan of the city ever had, because no event will ever match it.

    Raises:
        InvalidInput: there is no such unit; the nearest ones are named.
    """
    async with resources.database.sessions() as session:
        if await organizations_by_code(session, city_code=actor.city_code, codes=[code]):
            return
        names = await organization_names(session, actor.city_code)
    fault = unknown_organization(code, names, "/query/organization_code", "unknown-organization")
    raise InvalidInput(faults=[fault])


def _wanted(named: str, subject: str | None) -> tuple[str, ...]:
    """Return the requested event types.

    Raises:
        InvalidInput: there is no such type of event, or no event about such a subject.
    """
    types = tuple(name.strip() for name in named.split(",") if name.strip())
    faults = [fault for name in types for fault in type_faults(name, "/query/types")]
    if subject is not None:
        faults += subject_faults(subject.split("/", 1)[0], "/query/subject")
    if faults:
        raise InvalidInput(faults=faults)
    return types


async def _first(
    request: Request,
    resources: ResourcesDep,
    position: int,
    *,
    wanted: EventFilter,
    limit: int,
    wait: float,
) -> Stretch:
    """Return the first batch with an event in it, or the last one before the time is up.

    Of existing events it reads at most 20,000 positions: a caller that wants rare events asks again
    from where that ended. The caller is authenticated again at every poll, and the wait ends when
    it disconnects.

    Raises:
        Unauthenticated: the key was revoked or expired meanwhile.
    """
    clock = asyncio.get_running_loop().time
    # A retry keeps the deadline of the first try.
    context = context_of(request)
    give_up = context.waits_until = context.waits_until or clock() + wait
    read, at_once = 0, limit
    while True:
        actor = await authenticate(request)
        kept_since = None
        if resources.feed_kept is not None:
            kept_since = resources.clock.true_now() - resources.feed_kept
        async with resources.reads.sessions() as session:
            found = await events_after(
                session,
                actor,
                city_code=actor.city_code,
                position=position,
                wanted=wanted,
                limit=at_once,
                kept_since=kept_since,
            )
        left, read = give_up - clock(), read + found.has_more
        ended = left <= 0 or read >= _MOST_STRETCHES
        if found.events or ended or await request.is_disconnected():
            return _cut(found, limit)
        position, at_once = found.last_position, _STRETCH
        if not found.has_more:
            await resources.watch.wait(actor.city_code, min(left, _LOOK_EVERY_SECONDS))
            await resources.reads.look_again()


def _cut(found: Stretch, limit: int) -> Stretch:
    """Return a batch cut to so many events; the rest follows in the next answer."""
    if len(found.events) <= limit:
        return found
    events = found.events[:limit]
    return Stretch(events, events[-1].position, has_more=True)
