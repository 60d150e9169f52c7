"""Each step of a worker survives the loss of its connection at any statement of it.

What the step does uncut is the measure: a cut leaves all of it or nothing, and the next try the
whole.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from services.core.events.reading import follow, pass_over
from services.core.events.service import number_committed
from services.core.followers import DATE_FOLLOWERS, FOLLOWERS
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.idempotency import forget_old
from tests.simulation.changes import keep
from tests.simulation.conftest import Stage
from tests.simulation.invariants import boards_differ, chain_broken
from tests.simulation.steps import CutSteps, happen
from tests.support.api import XINMI

CITY = XINMI.split("-", maxsplit=1)[0]
HAPPENED = (
    "POST /v1/plans/{plan}/periods/{period}/open",
    "POST /v1/plans/{plan}/submissions",
    "POST /v1/submissions/{submission_id}/approve",
    "POST /v1/submissions/{submission_id}/reopen",
    "POST /v1/obligations/{obligation_id}/extensions",
    "POST /v1/milestones/{milestone_id}/accept",
    "POST /v1/milestones/{milestone_id}/close",
    "POST /v1/extensions/{extension_id}/approve",
    "PUT /v1/plans/{plan}/indicators/{code}/targets/{year}",
    "POST /v1/webhook-endpoints/{endpoint_id}/test",
    "POST /v1/connectors",
)
"""What the worker meets: something for each of its readers."""

_DAYS_LATER = dict.fromkeys(
    ("webhook-retention", "import-retention", "evidence-retention", "paper-retention"), 60
)
"""How much later than the log's readers what is done by the date looks, so that it has to do."""

_AN_OLD_REQUEST = """
INSERT INTO connector_batch (city_code, id, connector_id, kind, items, started_at, accepted,
    refused, unanswered, unasked)
SELECT city_code, '018e0000-0000-7000-8000-000000000001', id, 'report', 1, '2024-03-03', 0, 0, 1, 0
FROM connector LIMIT 1
"""

_A_PAPER_NEVER_MADE = """
INSERT INTO paper (city_code, id, plan_code, kind, year, wanted, state, made_by, credential_id,
    operation_id, attempts, created_at, updated_at)
SELECT k.city_code, gen_random_uuid(), p.code, 'bulletin', 2025, '{}', 'over', '{}', k.id,
    gen_random_uuid(), 1, now(), now()
FROM api_key AS k JOIN plan AS p ON p.city_code = k.city_code LIMIT 1
"""

_A_ROW_CONFIRMED_BEFORE = """
INSERT INTO register_row (city_code, id, plan_code, register_code, key, organization_code, state,
    cells, counted, authors, created_at, updated_at, version)
SELECT p.city_code, gen_random_uuid(), p.code, 'GREEN-FACTORY', '["1"]', 'UN22', 'confirmed', said,
    said, '{}', now(), now(), 1
FROM plan AS p, jsonb_build_object('credit_code', '1', 'enterprise', '示例') AS said
WHERE p.code = '410183-2025'
"""

Step = Callable[[Database, Clock], Awaitable[object]]


async def _number(database: Database, _clock: Clock) -> None:
    async with database.transaction() as session:
        await number_committed(session, CITY)


async def _pass_over(database: Database, _clock: Clock) -> None:
    async with database.transaction() as session:
        await pass_over(session, CITY, FOLLOWERS)


def _steps() -> Sequence[tuple[str, Step]]:
    """Every step in the order of a pass, what is done by the date, and what of that is passed over.

    Each reader reads for itself here; a worker has them pass over at once what they do not hear.
    """

    def reading(number: int) -> Step:
        async def step(database: Database, clock: Clock) -> None:
            async with database.transaction() as session:
                await follow(session, CITY, FOLLOWERS[number], clock)

        return step

    def by_date(name: str) -> Step:
        async def step(database: Database, clock: Clock) -> None:
            async with database.transaction() as session:
                later = clock.offset + timedelta(days=_DAYS_LATER.get(name, 1))
                await DATE_FOLLOWERS[name](session, CITY, Clock(later))

        return step

    async def forget(database: Database, clock: Clock) -> None:
        async with database.transaction() as session:
            await forget_old(session, CITY, now=clock.true_now() + timedelta(days=2))

    return (
        ("numbering", _number),
        *((one.reader, reading(number)) for number, one in enumerate(FOLLOWERS)),
        *((f"{name} by the date", by_date(name)) for name in DATE_FOLLOWERS),
        ("forgetting replies", forget),
        ("numbering what the date did", _number),
        ("passing over it", _pass_over),
    )


async def test_a_step_that_loses_its_connection_at_any_statement_is_taken_whole_once(
    stage: Stage, database: Database, record_property: Callable[[str, object], None]
) -> None:
    await happen(stage, HAPPENED)
    # The last head of the audit was kept yesterday, so that one is to be kept today.
    await stage.beside.execute("UPDATE audit_checkpoint SET day = day - 1")
    await keep(stage.beside)
    clock = Clock(timedelta(days=1))
    cutting = CutSteps(stage)
    for name, step in _steps():
        if name.startswith("webhook-owners"):
            await stage.beside.execute(
                "UPDATE api_key SET revoked_at = now() WHERE role = 'office'"
            )
            await keep(stage.beside)
        if name.startswith("connector-retention"):
            await stage.beside.execute(_AN_OLD_REQUEST)
            await keep(stage.beside)
        if name.startswith("register-deadlines"):
            await stage.beside.execute(_A_ROW_CONFIRMED_BEFORE)
            await keep(stage.beside)
        if name.startswith("paper-retention"):
            await stage.beside.execute(_A_PAPER_NEVER_MADE)
            await keep(stage.beside)
        await cutting.everywhere(name, partial(step, database, clock))
    for _ in range(3):
        for _name, step in _steps()[: 1 + len(FOLLOWERS)]:
            await step(database, clock)
    assert await boards_differ(database, CITY, XINMI, clock) == ""
    assert await chain_broken(database, CITY) == ""
    record_property("cuts of a connection", cutting.cuts)
