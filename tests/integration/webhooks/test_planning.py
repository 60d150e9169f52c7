"""Deliveries are planned once, for whom the feed would tell, and for what comes after them."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.feed.queries import EventFilter, events_after
from services.core.identity.actor import Actor, operator
from services.core.identity.service import key_to_revoke, revoke_key
from services.core.kit.clock import Clock
from services.core.kit.ids import first_id_at, new_id
from services.core.webhooks import lifecycle
from services.core.webhooks.models import WebhookEndpoint
from services.core.webhooks.planning import FOLLOWER
from services.core.webhooks.retention import disown, follow_date
from tests.integration.webhooks.receivers import (
    CITY,
    OTHER_PLAN,
    PLAN,
    Receivers,
    happening,
)

TYPES: tuple[EventType, ...] = get_args(EventType)
UNITS = (None, "UN15", "UN01")
PLANS = (None, PLAN, OTHER_PLAN)
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"event_types": ["submission.approved", "alert.raised", "score.updated"]},
    {"plan_code": PLAN},
    {"organization_code": "UN15"},
    {"event_types": ["alert.raised"], "plan_code": PLAN, "organization_code": "UN15"},
)


async def _everything_happens(receivers: Receivers, own: WebhookEndpoint) -> None:
    """Let an event of every type happen to nobody and to each unit, in every plan and in none."""
    happenings = [
        happening(type_, unit, plan, subject=_subject(type_, own), **data)
        for type_, unit, plan in product(TYPES, UNITS, PLANS)
        for data in _datas(type_, own)
        if type_ != "webhook.test"
    ]
    await receivers.happen(*happenings)


def _subject(type_: str, own: WebhookEndpoint) -> tuple[str, str]:
    kind = type_.split(".", maxsplit=1)[0]
    return ("webhook_endpoint", str(own.id)) if kind == "webhook" else (kind, "1")


def _datas(type_: str, own: WebhookEndpoint) -> list[dict[str, object]]:
    if type_ == "score.updated":
        return [{"basis": "approved"}, {"basis": "submitted"}]
    if type_.startswith("submission."):
        return [{"indicator_code": "U08"}, {"indicator_code": "U01"}]
    if type_.startswith("webhook."):
        nothing: dict[str, object] = {"operation_id": str(new_id())}
        return [nothing, {**nothing, "owner_credential_id": str(own.owner_credential_id)}]
    return [{}]


async def _heard(receivers: Receivers, owner: Actor, wanted: EventFilter) -> list[int]:
    async with receivers.database.sessions() as session:
        found = await events_after(
            session, owner, city_code=CITY, position=0, wanted=wanted, limit=100_000
        )
    return [each.position for each in found.events]


async def test_an_endpoint_is_told_exactly_what_the_feed_shows_its_owner(
    receivers: Receivers,
) -> None:
    owners = [
        await receivers.owner(role, unit, plan)  # type: ignore[arg-type]
        for role, unit, plan in product(("office", "integrator"), UNITS, (None, PLAN))
        if role == "integrator" or unit is None
    ]
    subject = await receivers.endpoint(owners[-1], event_types=["plan.published"])
    endpoints = [
        (owner, filters, await receivers.endpoint(owner, **filters))
        for owner in owners
        for filters in FILTERS
        if filters.get("organization_code") in {None, owner.organization_code}
        or owner.organization_code is None
    ]
    await _everything_happens(receivers, subject)
    await receivers.pass_over(most=37)

    told: Counter[tuple[str, str | None, str | None]] = Counter()
    for owner, filters, endpoint in endpoints:
        wanted = EventFilter(
            types=tuple(filters.get("event_types", ())),
            plan_code=filters.get("plan_code"),
            organization_code=filters.get("organization_code"),
        )
        due = await receivers.due(endpoint)
        assert due == await _heard(receivers, owner, wanted), (owner.role, owner, filters)
        told[owner.role, owner.organization_code, owner.plan_code] += len(due)
    assert all(told.values()), "each owner hears something"
    assert len(set(told.values())) > len(owners) // 2, "and they do not all hear the same"


async def test_what_befalls_an_endpoint_is_not_told_to_itself(receivers: Receivers) -> None:
    office = await receivers.owner("office")
    one, other = await receivers.endpoint(office), await receivers.endpoint(office)
    await receivers.happen(
        happening("webhook.failing", None, None, subject=("webhook_endpoint", str(one.id)))
    )
    await receivers.pass_over()
    assert await receivers.due(one) == []
    assert await receivers.due(other) == [1]


async def test_a_test_is_for_its_endpoint_alone_whatever_that_wants(receivers: Receivers) -> None:
    office = await receivers.owner("office")
    tested = await receivers.endpoint(office, event_types=["plan.published"], plan_code=PLAN)
    other = await receivers.endpoint(office)
    async with receivers.database.transaction() as session:
        await lifecycle.send_test(session, tested, actor=office, now=receivers.clock.now())
    await receivers.pass_over()
    assert await receivers.due(tested) == [1]
    assert await receivers.due(other) == []


async def test_nothing_that_happened_before_an_endpoint_is_told_to_it(
    receivers: Receivers,
) -> None:
    office = await receivers.owner("office")
    first = await receivers.endpoint(office)
    await receivers.happen(happening(), happening())
    await receivers.pass_over()
    second = await receivers.endpoint(office)
    await receivers.happen(happening())
    await receivers.pass_over()
    assert await receivers.due(first) == [1, 2, 3]
    assert await receivers.due(second) == [3]


async def test_a_city_without_receivers_is_passed_over_and_the_next_one_misses_nothing(
    receivers: Receivers,
) -> None:
    await receivers.happen(*(happening() for _ in range(50)))
    await receivers.pass_over(most=1)
    [cursor] = await receivers.rows(
        "SELECT position FROM reader_cursor WHERE reader = :reader", reader=FOLLOWER.reader
    )
    assert cursor.position == 50
    endpoint = await receivers.endpoint(await receivers.owner("office"))
    await receivers.happen(happening())
    await receivers.pass_over()
    assert await receivers.due(endpoint) == [51]


async def test_an_event_is_written_down_once_and_says_what_the_feed_says(
    receivers: Receivers,
) -> None:
    office = await receivers.owner("office")
    endpoints = [await receivers.endpoint(office, format_=f) for f in ("standard", "standard")]
    told = happening(indicator_code="U08", subject=("submission", "9"), position="其三")
    [event_id] = await receivers.happen(told)
    await receivers.pass_over()
    [kept] = await receivers.rows("SELECT event_id, body FROM webhook_body")
    assert kept.event_id == event_id
    assert json.loads(kept.body) == {
        "type": "submission.approved",
        "timestamp": told.occurred_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": str(event_id),
            "position": 1,
            "plan": PLAN,
            "subject": {"kind": "submission", "id": "9"},
            "actor": {"kind": "test"},
            "indicator_code": "U08",
            "data_position": "其三",
        },
    }
    assert "其三".encode() in kept.body, "text is not escaped away"
    for endpoint in endpoints:
        assert await receivers.due(endpoint) == [1]


async def test_whoever_plans_at_the_same_time_plans_each_delivery_once(
    receivers: Receivers,
) -> None:
    office = await receivers.owner("office")
    endpoints = [await receivers.endpoint(office) for _ in range(5)]

    async def write() -> None:
        for _ in range(20):
            await receivers.happen(happening(), happening("alert.raised"))

    async def plan() -> None:
        for _ in range(15):
            await receivers.pass_over(most=7)

    await asyncio.gather(*(write() for _ in range(3)), *(plan() for _ in range(4)))
    await receivers.pass_over()
    for endpoint in endpoints:
        assert await receivers.due(endpoint) == list(range(1, 121))
    [bodies] = await receivers.rows("SELECT count(*) FROM webhook_body")
    assert bodies.count == 120


async def test_a_pass_that_is_lost_leaves_nothing_behind(receivers: Receivers) -> None:
    endpoint = await receivers.endpoint(await receivers.owner("office"))
    await receivers.happen(happening())
    await receivers.pass_over()
    await receivers.happen(happening())
    with pytest.raises(ZeroDivisionError):
        await _planned_and_lost(receivers)
    assert await receivers.due(endpoint) == [1]
    await receivers.pass_over()
    assert await receivers.due(endpoint) == [1, 2]


async def _planned_and_lost(receivers: Receivers) -> None:
    async with receivers.database.transaction() as session:
        await number_committed(session, CITY)
        assert await follow(session, CITY, FOLLOWER, receivers.clock)
        raise ZeroDivisionError


async def test_an_endpoint_whose_owner_is_gone_hears_no_more(receivers: Receivers) -> None:
    owner = await receivers.owner("integrator", "UN15")
    office = await receivers.owner("office")
    lost, kept = await receivers.endpoint(owner), await receivers.endpoint(office)
    await receivers.happen(happening())
    await receivers.pass_over()
    async with receivers.database.transaction() as session:
        key = await key_to_revoke(session, owner.credential_id, actor=operator(CITY))
        await revoke_key(session, key, actor=operator(CITY), now=receivers.clock.now())
    await receivers.happen(happening())
    await receivers.pass_over()
    await receivers.pass_over()
    assert await receivers.state(lost) == ("disabled", "scope-lost")
    assert await receivers.due(lost, "cancelled") == [1]
    assert await receivers.due(lost) == []
    assert await receivers.due(kept) == [1, 2, 3], "and its owner's office hears of it"
    [event] = await receivers.rows("SELECT * FROM event WHERE type = 'webhook.disabled'")
    assert (event.subject_id, event.organization_code) == (str(lost.id), "UN15")
    assert event.data["reason"] == "scope-lost"
    [noted] = await receivers.rows(
        "SELECT actor FROM audit_entry WHERE action = 'webhook_endpoint.disabled'"
    )
    assert noted.actor == {"kind": "system", "name": "webhooks"}


async def test_a_lost_scope_shows_by_the_date_too(receivers: Receivers) -> None:
    owner = await receivers.owner("office")
    endpoint = await receivers.endpoint(owner)
    await receivers.execute(
        "UPDATE api_key SET expires_at = now() - interval '1 s' WHERE id = :id",
        id=owner.credential_id,
    )
    for _ in range(2):
        async with receivers.database.transaction() as session:
            await disown(session, CITY, receivers.clock)
    assert await receivers.state(endpoint) == ("disabled", "scope-lost")
    [said] = await receivers.rows("SELECT count(*) FROM event WHERE type = 'webhook.disabled'")
    assert said.count == 1


async def test_what_is_older_than_ninety_days_goes_with_its_attempts(
    receivers: Receivers,
) -> None:
    endpoint = await receivers.endpoint(await receivers.owner("office"))
    await receivers.happen(happening(), happening())
    await receivers.pass_over()
    await receivers.execute(
        "INSERT INTO webhook_attempt (city_code, delivery_id, number, started_at, lease_until)"
        " SELECT city_code, id, 1, now(), now() FROM webhook_delivery"
    )
    for table, key in (
        ("webhook_attempt", "delivery_id"),
        ("webhook_delivery", "id"),
        ("webhook_body", "event_id"),
    ):
        await receivers.execute(
            f"UPDATE {table} SET {key} = CAST(CAST(:old AS text) || substr({key}::text, 9) AS uuid)"
            f" WHERE {key}::text = (SELECT min({key}::text) FROM {table})",
            # Attempts and bodies go when all of their month is too old.
            old=str(first_id_at(Clock.true_now() - timedelta(days=90 + 31 + 1)))[:8],
        )
    async with receivers.database.transaction() as session:
        await follow_date(session, CITY, receivers.clock)
    for table in ("webhook_attempt", "webhook_delivery", "webhook_body"):
        [left] = await receivers.rows(f"SELECT count(*) FROM {table}")
        assert left.count == 1, table
    assert len(await receivers.due(endpoint)) == 1
