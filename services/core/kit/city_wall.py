"""Row-level security by city: policies that show a connection only the rows of its city.

The owner of the tables switches it on and off, table by table, without downtime; `city_scope` sets
each connection's city. ADR 0048 explains why this is a command of its own and not a migration, and
where it cannot work.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.core.kit.city_scope import EVERY_CITY, SETTING
from services.core.kit.server_address import read_address
from services.core.kit.service_role import Login

_ONE, _EVERY = "one_city", "every_city"
# IS NOT NULL because the planner assumes that almost every row passes it. It would count an
# equality as a second filter beside the statement's own: without statistics it would expect one row
# in two hundred, and sort a whole city to return a page of it.
_HERE = f"(CASE WHEN city_code = current_setting('{SETTING}', true) THEN true END) IS NOT NULL"
_EVERYWHERE = f"current_setting('{SETTING}', true) = '{EVERY_CITY}'"

# The default partition is queried directly, to see whether a row went astray.
_TABLES = """
SELECT format('%I.%I', current_schema(), c.relname) AS place, c.relname AS name,
    c.relrowsecurity AS guarded, c.relispartition AS is_part,
    coalesce(pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', false) AS is_rest,
    ARRAY(SELECT CAST(p.polname AS text) FROM pg_policy AS p WHERE p.polrelid = c.oid) AS policies
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'city_code' AND NOT a.attisdropped
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
    AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
ORDER BY c.relname
"""

_ON_A_CLUSTER = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"

_STANDING = """
SELECT count(*) AS tables, count(*) FILTER (WHERE c.relrowsecurity) AS guarded,
    coalesce(bool_or(row_security_active(c.oid)), false) AS holds
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'city_code' AND NOT a.attisdropped
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
    AND c.relkind IN ('r', 'p')
"""


@dataclass(frozen=True, slots=True)
class WallStanding:
    """How many tables have cities, how many are guarded, and whether the caller is restricted."""

    tables: int
    guarded: int
    holds: bool

    @property
    def is_up(self) -> bool:
        """Whether every table of cities is guarded."""
        return self.tables > 0 and self.guarded == self.tables


class WallCannotStand(RuntimeError):
    """Row-level security would restrict nobody here, or hide every row from everybody."""


async def check_ground(connection: asyncpg.Connection, *, owner: str, service: str | None) -> None:
    """Check that row-level security can work between the services and the tables.

    `connection` is the owner's, at the address `owner`; `service` is the services' address (None:
    they connect as the owner).

    Raises:
        WallCannotStand: it cannot, and why.
    """
    if service is None or Login.of(service).name == Login.of(owner).name:
        raise WallCannotStand(
            "the services are the owner of the tables, whom row-level security does not hold: give"
            " DATABASE_URL a role of its own, and DATABASE_OWNER_URL the present address"
        )
    if read_address(service).pooled:
        raise WallCannotStand(
            "behind a pooler in transaction mode a connection's city would be another's: have the"
            " pooler give connections by session, and take pool_mode=transaction away"
        )
    if await connection.fetchval(_ON_A_CLUSTER):
        raise WallCannotStand(
            "on a cluster of Citus the other nodes do not hear which city a connection is in: there"
            " each statement goes to the node of its city"
        )


async def standing(connection: asyncpg.Connection) -> WallStanding:
    """Return the state of row-level security; any role may ask."""
    row = await connection.fetchrow(_STANDING)
    return WallStanding(row["tables"], row["guarded"], row["holds"])


async def put_up(connection: asyncpg.Connection, read_across: Collection[str]) -> int:
    """Guard every table of cities that is not guarded yet; return how many were not.

    Statements across cities see the rows of the tables in `read_across`. The connection is the
    owner's, outside a transaction: each table is guarded in a transaction of its own, once its
    present users have finished. Idempotent, and safe when two run it at once.
    """
    number = 0
    async with _alone(connection):
        for table in await connection.fetch(_TABLES):
            for name, condition in _policies(table, read_across):
                if name not in table["policies"]:
                    await connection.execute(
                        f"CREATE POLICY {name} ON {table['place']} {condition}"
                    )
            if not table["guarded"]:
                await connection.execute(f"ALTER TABLE {table['place']} ENABLE ROW LEVEL SECURITY")
                number += 1
    return number


async def take_down(connection: asyncpg.Connection) -> int:
    """Disable row-level security everywhere; return how many tables had it. Policies stay."""
    async with _alone(connection):
        guarded = [table for table in await connection.fetch(_TABLES) if table["guarded"]]
        for table in guarded:
            await connection.execute(f"ALTER TABLE {table['place']} DISABLE ROW LEVEL SECURITY")
    return len(guarded)


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Hold the advisory lock, so that only one caller changes the policies at a time."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended('row security', 0))")
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock(hashtextextended('row security', 0))")


def _policies(table: asyncpg.Record, read_across: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the policies that a table needs; a partition needs none, as its parent is queried."""
    if not table["is_part"]:
        yield _ONE, f"USING ({_HERE})"
    if table["name"] in read_across or table["is_rest"]:
        yield _EVERY, f"FOR SELECT USING ({_EVERYWHERE})"
