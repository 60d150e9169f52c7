"""What other rows come to is found among the rows of the unit, however many others there are."""

from collections.abc import AsyncIterator

import pytest
from pydantic_core import to_json
from sqlalchemy import text

from services.core.kit.database import Database, connect
from services.core.registers.neighbours.statements import SUMS
from tests.support.owner import as_owner

_ROWS = """
INSERT INTO register_row (city_code, id, plan_code, register_code, key, organization_code, state,
    cells, counted, authors, created_at, updated_at, version)
SELECT '410183', gen_random_uuid(), '410183-2025', 'HW-MANIFEST', CAST(n AS text),
    'UN' || lpad(CAST(n % 40 + 1 AS text), 2, '0'),
    CASE n % 80 WHEN 4 THEN 'draft' ELSE 'confirmed' END, said,
    CASE n % 80 WHEN 4 THEN CASE n WHEN 4 THEN said || '{"amount": "9"}' END ELSE said END,
    '{}', now(), now(), 1
FROM generate_series(1, 4000) AS n, LATERAL (SELECT jsonb_build_object(
    'month', CASE WHEN n < 400 THEN '2025-09' ELSE '2025-10' END, 'amount', '1.5') AS said) AS s
"""
"""Of UN05 100 rows, 10 of them of September: half are drafts, and one of those was confirmed."""

_GIVEN = {
    "city": "410183",
    "plan": "410183-2025",
    "unit": "UN05",
    "registers": ["HW-MANIFEST"],
    "columns": ["amount"],
    "matching": [to_json({"month": "2025-09"}).decode()],
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with rows of forty units."""
    await as_owner(database_url, _ROWS)
    await as_owner(database_url, "ANALYZE register_row")
    async with connect(database_url, size=1) as opened:
        yield opened


async def test_what_is_said_and_what_was_confirmed_are_summed_at_once(database: Database) -> None:
    async with database.sessions() as session:
        (found,) = (await session.execute(SUMS, _GIVEN)).all()
    assert (str(found.present), str(found.confirmed)) == ("15.0", "16.5")


async def test_only_the_rows_of_the_unit_are_read(database: Database) -> None:
    explained = text(f"EXPLAIN {SUMS.text}")
    async with database.sessions() as session:
        plan = "\n".join((await session.scalars(explained, _GIVEN)).all())
    assert "ix_register_row_unit" in plan
    assert plan.index("organization_code = ") < plan.index("Filter:"), plan
