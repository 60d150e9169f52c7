"""Receivers in a database, and what happens for them to hear: keys, endpoints, events, passes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import NewEvent, number_committed, record
from services.core.identity.actor import Actor, operator
from services.core.identity.giving import KeyRequest
from services.core.identity.rules import GRANTABLE_SCOPES, Role
from services.core.identity.service import create_key
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.sealing import Seal, new_seal_key
from services.core.webhooks import planning, recovery, service
from services.core.webhooks.addresses import AddressPolicy
from services.core.webhooks.models import WebhookEndpoint
from services.core.webhooks.rules import Manner, SettingsContext
from tests.support.api import xinmi

CITY = "410183"
PLAN = "410183-2025"
OTHER_PLAN = "410183-2026"
_UNITS = {"UN15": ("市城管局",), "UN01": ("市发改委",)}
ACTOR = {"kind": "test"}


@dataclass
class Receivers:
    """A database with a city's organizations in it, and the clock."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    seal: Seal = field(default_factory=lambda: Seal.read(new_seal_key()))
    stretch: int = 2000

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), values)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.sessions() as session:
            return list(await session.execute(text(statement), values))

    async def found_city(self) -> None:
        """Make the city, two units of which one leads an indicator, and nothing else."""
        await self.execute("INSERT INTO city VALUES (:city, '新密市')", city=CITY)
        for ordinal, unit in enumerate(("UN15", "UN01")):
            await self.execute(
                "INSERT INTO organization (city_code, code, ordinal, name, kind, aliases, members,"
                " submits, defined_by) VALUES (:city, :unit, :n, :unit, 'x', '{}', '{}', TRUE, '')",
                city=CITY,
                unit=unit,
                n=ordinal,
            )
        await self.execute("INSERT INTO plan VALUES (:city, :plan, 1)", city=CITY, plan=PLAN)
        # What falls due by the date is asked of every plan, by its document.
        await self.execute(
            "INSERT INTO plan_version VALUES (:city, :plan, 1, CAST(:document AS jsonb), '', now(),"
            " '{}')",
            city=CITY,
            plan=PLAN,
            document=xinmi().model_dump_json(),
        )
        await self.execute(
            "INSERT INTO indicator_lead VALUES (:city, :plan, 'UN15', 'U08')", city=CITY, plan=PLAN
        )

    async def owner(self, role: Role, unit: str | None = None, plan: str | None = None) -> Actor:
        """Make a key that may manage webhooks, and return who has it."""
        scopes = tuple(sorted(GRANTABLE_SCOPES[role]))
        async with self.database.transaction() as session:
            key, _ = await create_key(
                session,
                request=KeyRequest("test", role, unit, plan, scopes=scopes),
                actor=operator(CITY),
                plan_codes=[PLAN, OTHER_PLAN],
                now=self.clock.true_now(),
            )
        return Actor(
            credential_id=key.id,
            name=key.name,
            role=role,
            city_code=CITY,
            organization_code=unit,
            plan_code=plan,
            scopes=frozenset(scopes),
            every_city=False,
            channel="test",
            request_id="",
        )

    async def endpoint(
        self, owner: Actor, *, format_: Any = "standard", **settings: Any
    ) -> WebhookEndpoint:
        """Make an endpoint of an owner's."""
        async with self.database.transaction() as session:
            endpoint, _ = await service.create_endpoint(
                session,
                settings={"url": "https://example.org/hook", "headers": {}, **settings},
                manner=Manner(format_),
                actor=owner,
                ground=SettingsContext(AddressPolicy(), [PLAN, OTHER_PLAN], _UNITS),
                seal=self.seal,
                clock=self.clock,
            )
        return endpoint

    async def happen(self, *happenings: NewEvent) -> list[UUID]:
        async with self.database.transaction() as session:
            return await record(session, *happenings)

    async def pass_over(self, most: int = 200) -> None:
        """Number what was committed, plan what it makes due, and do one stretch of replays."""
        async with self.database.transaction() as session:
            while await number_committed(session, CITY):
                pass
        while await self.turn(most):
            pass
        while await self.replay_turn():
            pass

    async def turn(self, most: int = 200) -> bool:
        async with self.database.transaction() as session:
            return await follow(session, CITY, planning.FOLLOWER, self.clock, most=most) is not None

    async def replay_turn(self) -> bool:
        async with self.database.transaction() as session:
            return (
                await follow(session, CITY, recovery.FOLLOWER, self.clock, most=self.stretch)
                is not None
            )

    async def due(self, endpoint: WebhookEndpoint, state: str = "pending") -> list[int]:
        """Return the positions of an endpoint's deliveries in a state, as they come due."""
        rows = await self.rows(
            "SELECT position FROM webhook_delivery WHERE endpoint_id = :id AND state = :state"
            " ORDER BY next_attempt_at, position",
            id=endpoint.id,
            state=state,
        )
        return [row.position for row in rows]

    async def settle(self, endpoint: WebhookEndpoint, state: str, positions: Sequence[int]) -> None:
        """Let deliveries have come to an end."""
        await self.execute(
            "UPDATE webhook_delivery SET state = :state, attempts = 10, settled_at = now()"
            " WHERE endpoint_id = :id AND position = ANY(:positions)",
            state=state,
            id=endpoint.id,
            positions=list(positions),
        )

    async def state(self, endpoint: WebhookEndpoint) -> tuple[str, str | None]:
        [row] = await self.rows(
            "SELECT state, state_reason FROM webhook_endpoint WHERE id = :id", id=endpoint.id
        )
        return row.state, row.state_reason


def happening(
    type_: EventType = "submission.approved",
    unit: str | None = "UN15",
    plan: str | None = PLAN,
    *,
    subject: tuple[str, str] = ("submission", "1"),
    **data: object,
) -> NewEvent:
    """Return something that happened just now."""
    return NewEvent(
        city_code=CITY,
        plan_code=plan,
        type=type_,
        subject_kind=subject[0],
        subject_id=subject[1],
        organization_code=unit,
        actor=ACTOR,
        data=data,
        occurred_at=Clock.true_now(),
    )
