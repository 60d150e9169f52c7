"""What the migration tells open conflicts of whoever recorded what another source says."""

import asyncpg
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.schema import configuration, upgrade
from tests.support.migrations import empty_url, execute, rows
from tests.unit.scoring.builders import CITY, PLAN

__all__ = ["empty_url"]

_PLACE = "indicator_code, organization_code, period"
_HERE = "'U08', 'UN15', '2025'"


def _id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012}"


def _observation(number: int, stamp: str) -> str:
    return (
        f"INSERT INTO observation (city_code, id, plan_code, source_code, {_PLACE}, reference,"
        " value, recorded_by, created_at, updated_at, version)"
        f" VALUES ('{CITY}', '{_id(number)}', '{PLAN}', 'S{number}', {_HERE}, 'r', 1, '{stamp}',"
        " now(), now(), 1);"
    )


def _conflict(number: int, state: str) -> str:
    taken = "'ledger'" if state == "decided" else "NULL"
    return (
        f"INSERT INTO conflict (city_code, id, plan_code, kind, submission_id, observation_id,"
        f" {_PLACE}, reason, fields, ledger, device, observed, due_date, raised_by, raised_at,"
        " state, taken, version)"
        f" VALUES ('{CITY}', '{_id(100 + number)}', '{PLAN}', 'observation', '{_id(9)}',"
        f" '{_id(number)}', {_HERE}, 'over-tolerance', '{{form}}', '{{}}', '{{}}',"
        ' \'{"value": "1"}\', now(), \'{"kind": "system"}\', now(),'
        f" '{state}', {taken}, 1);"
    )


async def test_an_open_conflict_is_told_who_recorded_and_a_decided_one_stays(
    empty_url: str,
) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(empty_url),
    )
    async with engine.connect() as connection:
        await connection.run_sync(lambda bound: command.upgrade(configuration(bound), "0053"))
    await engine.dispose()
    of_unit = f'{{"id": "{_id(7)}", "name": "n", "organization_code": "UN10"}}'
    await execute(
        empty_url,
        f"INSERT INTO city VALUES ('{CITY}', '新密市');"
        + _observation(1, of_unit)
        + _observation(2, '{"kind": "system", "name": "registers"}')
        + _observation(3, of_unit)
        + _conflict(1, "open")
        + _conflict(2, "open")
        + _conflict(3, "decided"),
    )
    await upgrade(empty_url)
    found = await rows(
        empty_url,
        "SELECT observed -> 'recorded_by' ->> 'id', observed -> 'recorded_by' ->>"
        " 'organization_code', observed ? 'recorded_by', observed ->> 'value'"
        " FROM conflict ORDER BY id",
    )
    assert [tuple(row) for row in found] == [
        (_id(7), "UN10", True, "1"),
        (None, None, True, "1"),
        (None, None, False, "1"),
    ]
