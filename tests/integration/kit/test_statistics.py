"""Tables are counted as they grow, and not oftener."""

from sqlalchemy import text

from services.core.kit.database import connect
from services.core.kit.statistics import count_grown

_GROW = text("""
INSERT INTO log_head
SELECT CAST(n AS text), 0 FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
""")


async def test_a_table_is_counted_first_and_whenever_it_has_doubled(database_url: str) -> None:
    async with connect(database_url, size=1) as database, database.transaction() as session:

        async def grown(first: int, last: int) -> bool:
            await session.execute(_GROW, {"first": first, "last": last})
            return "log_head" in await count_grown(session)

        counted = [await grown(1, 1), await grown(2, 100), await grown(101, 5000)]
        counted += [await grown(5001, 6000), await grown(6001, 20_000)]
        assert counted == [True, False, True, False, True]
        known = "SELECT reltuples FROM pg_class WHERE relname = 'log_head'"
        assert await session.scalar(text(known)) == 20_000


async def test_who_owns_no_table_has_them_counted_all_the_same(database_url: str) -> None:
    async with connect(database_url, size=1) as database, database.transaction() as session:
        await session.execute(_GROW, {"first": 1, "last": 5000})
        assert "log_head" in await count_grown(session)
        owner = "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE relname = 'log_head'"
        assert await session.scalar(text(owner)) is False
