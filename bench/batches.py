"""Ten thousand rows in one call, beside COPY into a staging table and one merge of it.

The ceiling writes the same four tables with what was made ready before: nothing is read, judged
or told.
"""

import asyncio
import json
import time
from itertools import count, islice

import asyncpg
import httpx

from bench.places import batch_rows, fresh, place, untraced
from bench.report import Measure
from bench.system import PLAN, System
from services.core.events.statements import event_inserts
from services.core.submissions.models import Submission

_ROWS = 10_000
_ROUNDS = 3
_beside = count(200_000)
"""Places of the ceiling, in months that have not begun: there are too few others."""

_PATH = f"/v1/plans/{PLAN}/submissions/batch"

_STAGED = """CREATE TEMP TABLE staged (LIKE submission, image jsonb, event_id uuid,
    event_data jsonb) ON COMMIT DROP"""

_NAMES = [column.name for column in Submission.__table__.columns]
_COLUMNS = ", ".join(_NAMES)
_MERGE = untraced(f"""
WITH added AS (
    INSERT INTO submission ({_COLUMNS}) SELECT {_COLUMNS} FROM staged
    ON CONFLICT (city_code, plan_code, indicator_code, organization_code, period)
        WHERE state <> 'withdrawn' DO NOTHING
    RETURNING id
), remembered AS (
    INSERT INTO submission_history
        (city_code, submission_id, version, action, after, actor, occurred_at)
    SELECT s.city_code, s.id, 1, 'submitted', s.image, '{{}}', s.created_at
    FROM staged s JOIN added USING (id)
), {
    event_inserts(
        "staged s JOIN added USING (id)",
        city_code="s.city_code",
        id="s.event_id",
        plan_code="s.plan_code",
        type="'submission.submitted'",
        subject_kind="'submission'",
        subject_id="CAST(s.id AS text)",
        organization_code="s.organization_code",
        actor="'{}'",
        data="s.event_data",
        occurred_at="s.created_at",
    )
}
SELECT count(*) FROM happened
""")


async def batching(system: System, _bare: int) -> list[str]:
    """Measure a batch of new rows, the same rows again, and its preview with the scores."""
    made, merged, again, previews = [], [], [], []
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}",
        headers={"Authorization": f"Bearer {system.office}", "Content-Type": "application/json"},
        timeout=120,
    ) as client:
        for number in range(_ROUNDS + 1):
            body = _body()
            preview = await _timed(client, body, "created", preview=True)
            live = await _timed(client, body, "created")
            same = await _timed(client, body, "unchanged")
            ceiling = await _merged(system)
            if number:  # the first round warms everything up
                made.append(_ROWS / live)
                merged.append(_ROWS / ceiling)
                again.append(_ROWS / same)
                previews.append(1000 * preview)
    lives = [1000 * _ROWS / rate for rate in made]
    return [
        Measure("batch of 10,000 new rows", made, "COPY and one merge", merged, 0.60).line(),
        Measure("the same again, unchanged", again, "batch of new rows", made, 3.0).line(),
        Measure(
            "its preview, with the scores", previews, "batch of new rows", lives, 2.0, "ms"
        ).line(),
    ]


def _body() -> bytes:
    items = []
    for number in fresh(_ROWS):
        indicator, unit, period = place(number)
        items.append(
            {
                "indicator_code": indicator,
                "organization_code": unit,
                "period": period,
                "value": "94.78",
                "source": "bench",
            }
        )
    return json.dumps({"items": items, "strategy": "upsert"}).encode()


async def _timed(
    client: httpx.AsyncClient, body: bytes, outcome: str, *, preview: bool = False
) -> float:
    """Return how many seconds a batch took; every row has to have this outcome.

    A preview has to tell of scores.
    """
    query = "?validate_only=true" if preview else ""
    started = time.perf_counter()
    answer = await client.post(f"{_PATH}{query}", content=body)
    taken = time.perf_counter() - started
    said = answer.json()
    assert said[outcome] == _ROWS, answer.text[:2000]
    assert not preview or said["preview"]["scores"], answer.text[-2000:]
    return taken


async def _merged(system: System) -> float:
    """Return how many seconds COPY and one merge take for as many rows, made ready before."""
    records = await asyncio.to_thread(batch_rows, list(islice(_beside, _ROWS)))
    connection = await asyncpg.connect(system.database_url)
    try:
        started = time.perf_counter()
        async with connection.transaction():
            await connection.execute(_STAGED)
            await connection.copy_records_to_table(
                "staged", records=records, columns=[*_NAMES, "image", "event_id", "event_data"]
            )
            await connection.execute(_MERGE)
        return time.perf_counter() - started
    finally:
        await connection.close()
