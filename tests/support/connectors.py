"""Connectors made over the API, with something that was reported by them."""

from typing import Any

from sqlalchemy import insert

from services.core.connectors.models import ConnectorBatch
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door, a_submission

WANTED: dict[str, Any] = {
    "name": "省无废城市平台",
    "plan": XINMI,
    "url": "https://report.example.org/report",
    "receipts_url": "https://report.example.org/receipts",
    "profile": "wufei-hmac",
    "app_id": "xinmi-1",
    "secret": "handed-out-on-paper",
    "mapping": {
        "indicators": {"U08": "ZB-08"},
        "organizations": {"UN15": "4101830015"},
        "periods": None,
        "units": {"%": {"code": "pct", "factor": "1"}},
    },
    "indicator_codes": ["U08"],
}


_REFUSE_ONE = """
UPDATE connector_item SET state = 'refused', their_code = 'E17', refusal_code = 'refused',
    receipts = 1, settled_at = now(), payload = '{}', attempts = 1
WHERE id = (SELECT id FROM connector_item WHERE connector_id = $1 ORDER BY id LIMIT 1)
"""
_REFUSED = "SELECT id FROM connector_item WHERE connector_id = $1 AND state = 'refused'"


async def a_connector(
    door: Door, *, tested: bool = False, enabled: bool = False, **settings: Any
) -> str:
    """Make a connector, and return its id; only one that is enabled has to have been tested."""
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/connectors", json={**WANTED, **settings})
        assert made.status_code == 201, made.text
        connector_id = str(made.json()["id"])
        if tested or enabled:
            tried = await admin.post(f"/connectors/{connector_id}/test")
            assert tried.json()["missing"] == [], tried.text
        if enabled:
            done = await admin.post(f"/connectors/{connector_id}/enable")
            assert done.status_code == 200, done.text
    return connector_id


async def connector_for(operation_id: str, door: Door) -> str:
    """Make a connector in the state that an operation begins from."""
    return await a_connector(
        door,
        tested=operation_id == "enable_connector",
        enabled=operation_id == "disable_connector",
    )


async def reporting_connector(door: Door) -> str:
    """Make a connector that has items of what was approved, and a request in its log."""
    connector_id = await a_connector(door)
    await door.react()
    await door.held.database.pool.execute(_REFUSE_ONE, connector_id)
    async with door.held.database.transaction() as session:
        await session.execute(
            insert(ConnectorBatch).values(
                city_code="410183",
                id=new_id(),
                connector_id=connector_id,
                kind="report",
                items=1,
                started_at=Clock.true_now(),
                outcome="connect",
                duration_ms=12,
                accepted=0,
                refused=0,
                unanswered=1,
                unasked=0,
            )
        )
    return connector_id


async def connectors_named(door: Door) -> dict[str, str]:
    """Make a connector for each operation that changes its state, by the operation.

    `item` is the id of an item of the one for the others, which was refused.
    """
    reporting = await reporting_connector(door)
    refused = await door.held.database.pool.fetchval(_REFUSED, reporting)
    return {
        "item": str(refused),
        "enable_connector": await a_connector(door, tested=True),
        "disable_connector": await a_connector(door, enabled=True),
        "edit_connector": await a_connector(door),
        "end_connector": await a_connector(door),
        "": reporting,
    }


async def approved(door: Door, period: str, value: str = "39") -> str:
    """Have a value of U08 approved, and followed."""
    async with await door.as_("reporter", "UN15") as unit:
        body = a_submission(period=period, value=value, numerator=None, denominator=None)
        made = await unit.post(f"/plans/{XINMI}/submissions", json=body)
        assert made.status_code == 201, made.text
    async with await door.as_("office") as office:
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()
    return str(made.json()["id"])
