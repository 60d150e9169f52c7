"""Claiming what is reported, and settling receipts, survive the loss of the connection anywhere.

Each try of a claim is a worker that knows nothing of the one before it; what is to be settled stays
in the memory of the one that sent it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from services.core.connectors import following
from services.core.connectors.dispatch import ClaimedBatch, claim_batches
from services.core.connectors.outcomes import ItemFate
from services.core.connectors.receipts import read_answer
from services.core.connectors.settling import ReportedBatch, settle_batch
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.webhooks.sending import Outcome
from tests.simulation.changes import keep
from tests.simulation.conftest import Stage
from tests.simulation.steps import CutSteps, happen
from tests.support.api import XINMI

CITY = XINMI.split("-", maxsplit=1)[0]
HAPPENED = (
    "POST /v1/plans/{plan}/submissions",
    "POST /v1/submissions/{submission_id}/approve",
    "POST /v1/submissions/{submission_id}/falsify",
)
_OTHERS = "UPDATE connector SET state = 'disabled', state_reason = 'manual' WHERE id <> $1"
_LATER = """
WITH due AS (
    UPDATE connector_item SET next_attempt_at = next_attempt_at - interval '9 hours'
)
UPDATE connector SET paused_until = NULL, lease_until = lease_until - interval '9 hours',
    consecutive_failures = 0, failing_since = NULL
"""
_IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL
"""


def _receipts(batch: ClaimedBatch) -> bytes:
    """Refuse the first of a batch and accept the others."""
    said = [
        {"item_id": str(one.id), "status": "accepted", "receipt": f"R-{place}"}
        if place
        else {"item_id": str(one.id), "status": "refused", "code": "E17", "message": "封账"}
        for place, one in enumerate(batch.items)
    ]
    return to_json({"code": 200, "data": {"receipts": said}})


SILENT = Outcome("timeout", 1, said="no answer", sent_seconds=0.1)


async def _queue(database: Database) -> None:
    for _ in range(3):
        async with database.transaction() as session:
            await number_committed(session, CITY)
        async with database.transaction() as session:
            await follow(session, CITY, following.FOLLOWER, Clock())


async def _stand_as_answered(stage: Stage, batch: ClaimedBatch) -> None:
    said: Mapping[str, Any] = from_json(_receipts(batch))
    wanted = {one["item_id"]: one["status"] for one in said["data"]["receipts"]}
    found = await stage.beside.fetch(
        "SELECT id::text, state FROM connector_item WHERE id = ANY($1::uuid[])", list(wanted)
    )
    assert {row["id"]: row["state"] for row in found} == wanted


async def test_a_report_is_claimed_and_settled_once_wherever_the_connection_is_lost(
    stage: Stage, database: Database, record_property: Callable[[str, object], None]
) -> None:
    await happen(stage, HAPPENED)
    await _queue(database)
    await stage.beside.execute(_OTHERS, UUID(stage.ground.connectors["disable_connector"]))
    await stage.beside.execute(_LATER)
    await keep(stage.beside)
    seal = stage.door.held.seal
    assert seal is not None
    cutting = CutSteps(stage)
    for answered in (False, True):
        claimed: list[ClaimedBatch] = []

        async def claim(claimed: list[ClaimedBatch] = claimed) -> None:
            # What another has locked is passed over, and a server needs a moment to see that the
            # other is gone.
            while await stage.beside.fetchval(_IN_TRANSACTION):  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.01)
            async with database.transaction() as session:
                found = await claim_batches(session, CITY, seal=seal, lease_seconds=6 * 3600)
            claimed.extend(found)

        await cutting.everywhere(f"claiming, answered: {answered}", claim)
        # What a worker had claimed that lost its answer is nobody's until its lease ends.
        await stage.beside.execute(_LATER)
        await claim()
        await keep(stage.beside)
        batch = claimed[-1]
        outcome = SILENT
        if answered:
            outcome = Outcome("delivered", 1, 200, body=_receipts(batch), sent_seconds=0.1)
        answer = read_answer(outcome, [one.id for one in batch.items])
        fates = {one.id: ItemFate("unknown", 3600, counted=True) for one in batch.items}
        reported = ReportedBatch(batch, answer, fates, None)

        async def settle(reported: ReportedBatch = reported) -> None:
            async with database.transaction() as session:
                await settle_batch(session, reported, now=Clock().now())

        await cutting.everywhere(f"settling, answered: {answered}", settle)
        await stage.beside.execute(_LATER)
        await keep(stage.beside)
    await _stand_as_answered(stage, batch)
    record_property("cuts of a connection", cutting.cuts)
