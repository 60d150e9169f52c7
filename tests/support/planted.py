"""Endpoints and deliveries planted into the tables, so that a test of sending has what to send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import insert, text

from services.core.identity.models import ApiKey
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal
from services.core.webhooks.messages import headers_context, secret_context, url_context
from services.core.webhooks.models import (
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)

CITY = "410183"
KEY = "bm90aGluZyBidXQgYSB0ZXN0IG9mIHdlYmhvb2tzLi4="
SEAL = Seal.read(KEY)
SECRET = b"a secret of twenty-four.."


@dataclass
class Planted:
    """A database with endpoints, and what was planted to be delivered."""

    database: Database
    position: int = 0
    events: dict[UUID, UUID] = field(default_factory=dict)

    async def endpoint(
        self,
        url: str,
        *,
        format: str = "standard",  # noqa: A002 (its name)
        headers: Mapping[str, str] | None = None,
        secrets: tuple[bytes, ...] = (SECRET,),
        key: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> UUID:
        """Plant an endpoint that is well, of a key that is good unless `key` says otherwise."""
        endpoint_id, key_id, now = new_id(), new_id(), Clock.true_now()
        owner = {
            "city_code": CITY,
            "id": key_id,
            "name": "planted",
            "role": "office",
            "scopes": [],
            "every_city": False,
            "prefix": "planted",
            "secret_digest": key_id.bytes,
            "created_at": now,
            **(key or {}),
        }
        row = {
            "city_code": CITY,
            "id": endpoint_id,
            "url_sealed": SEAL.seal(url.encode(), url_context(endpoint_id)),
            "url_shown": url,
            "host": "127.0.0.1",
            "format": format,
            "signature": "v1",
            "event_types": [],
            "headers_sealed": SEAL.seal(to_json(headers or {}), headers_context(endpoint_id)),
            "header_names": list(headers or {}),
            "state": "active",
            "owner_credential_id": key_id,
            "owner": {"role": "office", "plan_code": None, "organization_code": None},
            "planned_from": 0,
            "warned": 0,
            "consecutive_failures": 0,
            "tokens": 0,
            "tokens_at": now - timedelta(days=1),
            "created_at": now,
            "updated_at": now,
            "version": 1,
        } | columns
        async with self.database.transaction() as session:
            await session.execute(insert(ApiKey).values(owner))
            await session.execute(insert(WebhookEndpoint).values(row))
            for secret in secrets:
                await self._secret(session, endpoint_id, secret)
        return endpoint_id

    async def _secret(self, session: Any, endpoint_id: UUID, secret: bytes) -> None:
        secret_id = new_id()
        await session.execute(
            insert(WebhookSecret).values(
                city_code=CITY,
                endpoint_id=endpoint_id,
                id=secret_id,
                kind="v1",
                secret_sealed=SEAL.seal(secret, secret_context(secret_id)),
                created_at=Clock.true_now(),
            )
        )

    async def deliveries(
        self,
        *endpoints: UUID,
        number: int = 1,
        type_: str = "submission.approved",
        data: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> list[UUID]:
        """Plant events that each of the endpoints is to be told of; return the deliveries."""
        now = Clock.true_now()
        bodies: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for _ in range(number):
            self.position += 1
            event_id = new_id()
            told = {"id": str(event_id), "position": self.position, "plan": None, **(data or {})}
            body = to_json({"type": type_, "timestamp": now, "data": told})
            bodies.append({"city_code": CITY, "event_id": event_id, "body": body})
            rows += [
                {
                    "city_code": CITY,
                    "id": new_id(),
                    "endpoint_id": endpoint,
                    "event_id": event_id,
                    "position": self.position,
                    "event_type": type_,
                    "state": "pending",
                    "attempts": 0,
                    "attempts_before": 0,
                    "next_attempt_at": now,
                    "manual": False,
                    "created_at": now,
                }
                | columns
                for endpoint in endpoints
            ]
        self.events |= {row["id"]: row["event_id"] for row in rows}
        async with self.database.transaction() as session:
            await session.execute(insert(WebhookBody), bodies)
            await session.execute(insert(WebhookDelivery), rows)
        return [row["id"] for row in rows]

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement; return its rows."""
        async with self.database.transaction() as session:
            found = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []  # type: ignore[attr-defined]

    async def delivery(self, delivery_id: UUID) -> WebhookDelivery:
        async with self.database.sessions() as session:
            found = await session.get(WebhookDelivery, (CITY, delivery_id))
        assert found is not None
        return found

    async def endpoint_row(self, endpoint_id: UUID) -> WebhookEndpoint:
        async with self.database.sessions() as session:
            found = await session.get(WebhookEndpoint, (CITY, endpoint_id))
        assert found is not None
        return found

    async def attempts(self, delivery_id: UUID) -> list[WebhookAttempt]:
        rows = await self.rows(
            "SELECT number FROM webhook_attempt WHERE delivery_id = :id ORDER BY number",
            id=delivery_id,
        )
        async with self.database.sessions() as session:
            found = [
                await session.get(WebhookAttempt, (CITY, delivery_id, row.number)) for row in rows
            ]
        return [one for one in found if one is not None]

    async def states(self) -> dict[str, int]:
        """How many deliveries are in which state."""
        rows = await self.rows("SELECT state, count(*) FROM webhook_delivery GROUP BY state")
        return {row[0]: row[1] for row in rows}

    async def happened(self, type_: str) -> list[Mapping[str, Any]]:
        """The data of the events of a type."""
        rows = await self.rows("SELECT data FROM event WHERE type = :type ORDER BY id", type=type_)
        return [row.data for row in rows]
