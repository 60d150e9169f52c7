"""State of a PostgreSQL server: its version, its size, whether it takes writes, its clock."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.core.kit.statements import DriverStatement

_STANDING = DriverStatement("""
SELECT current_setting('server_version') AS version,
    CAST(current_setting('server_version_num') AS integer) AS version_number,
    pg_database_size(current_database()) AS size,
    pg_is_in_recovery() AS standby,
    current_setting('transaction_read_only') = 'on' AS only_reads,
    CAST(extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp()) AS float8)
        AS clock_ahead_seconds
""")


@dataclass(frozen=True, slots=True)
class ServerStanding:
    """The state of a server.

    `version_number` is such as 150018 for 15.18, `size` the database's in bytes.
    `clock_ahead_seconds` is how far the caller's clock is ahead of the server's.
    """

    version: str
    version_number: int
    size: int
    standby: bool
    only_reads: bool
    clock_ahead_seconds: float


async def server_standing(connection: asyncpg.Connection, true_now: datetime) -> ServerStanding:
    """Query the state of a server."""
    return ServerStanding(*await connection.fetchrow(*_STANDING.bind({"now": true_now})))
