"""Who hears of what, in the log and at receivers."""

from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.feed.queries import APPROVED_EVENTS, heard, heard_by_owners
from services.core.identity.actor import Actor
from services.core.identity.rules import ROLES, Permission
from services.core.plan.visibility import (
    sees,
)
from tests.support.visibility import (
    ACTORS,
    ANOTHERS,
    CITY,
    LEADS,
    MINE,
    PLACES,
    UNITS,
    Leads,
    Row,
    an_actor,
    ids_seen,
    let_lead,
    put_rows,
    rows_of,
    who_leads,
)

_TOLD = rows_of(
    **PLACES,
    organization_code=("UN10", "UN15", None),
    subject_kind=("submission", "milestone", "extension", "plan", "webhook_endpoint"),
    type=("submission.approved", "milestone.closed", "score.updated", "webhook.disabled"),
    data=(
        '{"indicator_code": "i1", "basis": "submitted"}',
        '{"measure_code": "m1", "basis": "approved"}',
        f'{{"owner_credential_id": "{MINE}"}}',
        f'{{"owner_credential_id": "{ANOTHERS}", "indicator_code": "i2"}}',
    ),
)


def _hears(actor: Actor, row: Row, leads: Leads) -> bool:
    """Return what `heard` decides of one event, in Python."""
    kind, data = row["subject_kind"], row["data"]
    provisional = row["type"] == "score.updated" and '"submitted"' in data
    ours = row["type"] == "score.updated" and "basis" not in data  # says not which: counts as none
    indicator = next((name for name in ("i1", "i2") if f'"{name}"' in data), None)
    measure = "m1" if '"m1"' in data else None
    public = not provisional and not ours
    seen = sees(
        actor,
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        units=() if row["organization_code"] is None else (row["organization_code"],),
        leads=who_leads(
            leads,
            row,
            indicator if kind in {"submission", "obligation", "extension"} else None,
            measure if kind in {"milestone", "extension"} else None,
        ),
        shared=row["organization_code"] is None and public,
        approved=row["type"] in APPROVED_EVENTS and public,
    )
    every = actor.may(Permission.HEAR_OF_EVERY_WEBHOOK)
    return seen and (every or kind != "webhook_endpoint" or MINE in data)


async def _place_events(session: AsyncSession) -> None:
    await put_rows(session, "event", _TOLD)


@pytest.mark.parametrize("leads", LEADS[1:3])
async def test_the_log_tells_what_python_decides(session: AsyncSession, leads: Leads) -> None:
    await _place_events(session)
    await let_lead(session, leads)
    for role, unit, plan in ACTORS:
        actor = an_actor(role, unit, plan)
        expected = {row["id"] for row in _TOLD if _hears(actor, row, leads)}
        assert await ids_seen(session, "event", heard(actor)) == expected, (role, unit, plan)


@pytest.mark.parametrize("leads", LEADS[1:3])
async def test_many_receivers_hear_what_each_of_their_owners_does(
    session: AsyncSession, leads: Leads
) -> None:
    """And nobody's does who may manage none."""
    await _place_events(session)
    await let_lead(session, leads)
    owners = list(product(ROLES, (*UNITS, None)))
    given = [
        {"number": number, "role": role, "unit": unit, "credential": MINE}
        for number, (role, unit) in enumerate(owners)
    ]
    await put_rows(session, "owner", given)
    told = heard_by_owners(
        CITY, "event", role="owner.role", unit="owner.unit", credential="owner.credential"
    )
    rows = await session.execute(
        text(f"SELECT number, id FROM owner, event WHERE city_code = '{CITY}' AND {told.text}"),
        {"scope_city": CITY},
    )
    expected = {
        (number, row["id"])
        for number, (role, unit) in enumerate(owners)
        for row in _TOLD
        if role in Permission.MANAGE_WEBHOOKS.roles
        and row["city_code"] == CITY
        and _hears(an_actor(role, unit, None), row, leads)
    }
    assert {(number, found) for number, found in rows} == expected
