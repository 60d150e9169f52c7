"""Claiming deliveries and writing what came of them survive the loss of the connection anywhere.

Each try of a claim is a worker that knows nothing of the one before it; what is to be settled stays
in the memory of the one that sent it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.webhooks import planning
from services.core.webhooks.dispatch import Key
from services.core.webhooks.sending import Message, Outcome
from services.core.webhooks.settling import Result
from services.worker.delivering import Delivering, Terms
from tests.simulation.changes import keep
from tests.simulation.conftest import Stage
from tests.simulation.steps import CutSteps, happen
from tests.support.api import XINMI

CITY = XINMI.split("-", maxsplit=1)[0]
HAPPENED = (
    "POST /v1/plans/{plan}/submissions",
    "POST /v1/submissions/{submission_id}/approve",
    "POST /v1/webhook-endpoints/{endpoint_id}/test",
)
_HOURS_LATER = """
WITH due AS (
    UPDATE webhook_delivery SET next_attempt_at = next_attempt_at - interval '9 hours',
        lease_until = lease_until - interval '9 hours' WHERE state = 'pending'
)
UPDATE webhook_endpoint SET paused_until = paused_until - interval '9 hours',
    tokens_at = tokens_at - interval '9 hours', consecutive_failures = 0, failing_since = NULL
"""
_ALL = 200
_FEW = """
UPDATE webhook_delivery SET state = 'cancelled', settled_at = now() WHERE state = 'pending'
    AND (city_code, id) NOT IN (
        SELECT city_code, id FROM (
            SELECT city_code, id, row_number() OVER (PARTITION BY endpoint_id ORDER BY id) AS n
            FROM webhook_delivery WHERE state = 'pending'
        ) due WHERE n <= 4
    )
"""
"""So few that one claim takes all: what a second one takes is then what the first lost."""

_IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL
"""
_TERMS = Terms(schedule=(0, 3600, 3600), lease_seconds=6 * 3600)


class _Sender:
    """Takes every message, and remembers which it took."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Outcome:
        """Answer at once."""
        self.taken.append(message)
        return self._outcome


def _worker(stage: Stage, database: Database, sender: _Sender) -> Delivering:
    """Return one that has just begun."""
    seal = stage.door.held.seal
    assert seal is not None
    return Delivering(
        database,
        Clock(timedelta()),
        seal=seal,
        sender=sender,  # type: ignore[arg-type] # it asks for no more than `send`
        terms=_TERMS,
        chance=lambda: 0.5,
    )


async def _sent(worker: Delivering) -> None:
    while worker._under_way:
        await asyncio.gather(*worker._under_way)


async def _due(stage: Stage, database: Database) -> None:
    """Have deliveries planned. None for a robot: what it hears at once hangs on the time."""
    await happen(stage, HAPPENED)
    for _ in range(3):
        async with database.transaction() as session:
            await number_committed(session, CITY)
        async with database.transaction() as session:
            await follow(session, CITY, planning.FOLLOWER, Clock(timedelta()))


async def test_a_delivery_is_claimed_and_settled_once_wherever_the_connection_is_lost(
    stage: Stage, database: Database, record_property: Callable[[str, object], None]
) -> None:
    await _due(stage, database)
    await stage.beside.execute(_FEW)
    await keep(stage.beside)
    cutting = CutSteps(stage)
    outcomes = (
        Outcome("status", 1, status_code=500, said="500"),
        Outcome("delivered", 1, status_code=204, said="204"),
    )
    for outcome in outcomes:
        sender = _Sender(outcome)
        claimed: list[Delivering] = []

        async def claim(sender: _Sender = sender, claimed: list[Delivering] = claimed) -> None:
            # What another has locked is passed over, and a server needs a moment to see that the
            # other is gone.
            while await stage.beside.fetchval(_IN_TRANSACTION):  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.01)
            worker = _worker(stage, database, sender)
            await worker._claim_from(CITY, _ALL)
            await _sent(worker)
            claimed.append(worker)

        await cutting.everywhere(f"claiming, {outcome.said}", claim)
        # What a worker had claimed that lost its answer is nobody's until its lease ends.
        await stage.beside.execute(_HOURS_LATER)
        await claim()
        await keep(stage.beside)
        sent = claimed[-1]
        assert sent._done, "what was given up is claimed again"
        done = {city: list(results) for city, results in sent._done.items()}
        busy = Counter(sent._busy)

        async def settle(
            sent: Delivering = sent,
            done: Mapping[str, list[Sequence[Result]]] = done,
            busy: Counter[Key] = busy,
        ) -> None:
            sent._done = {city: list(results) for city, results in done.items()}
            sent._busy = Counter(busy)
            await sent._settle_all()

        await cutting.everywhere(f"settling, {outcome.said}", settle)
        await stage.beside.execute(_HOURS_LATER)
        await keep(stage.beside)
    record_property("cuts of a connection", cutting.cuts)
