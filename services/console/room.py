"""Says whether a database takes writes: it may only read, or its disk may be full."""

import asyncpg

from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection

# Some megabytes, in files of their own that are gone at the end: what a full disk has no room for.
_PROBE = """
CREATE TEMP TABLE wufei_room ON COMMIT DROP AS
SELECT number, repeat(md5(number::text), 30) AS filling FROM generate_series(1, 4000) AS number
"""


async def look_for_room(url: str) -> tuple[str, bool]:
    """Return what was seen of writing to a database, and whether that is as it should be."""
    connection = await open_connection(url, timeout=5)
    try:
        async with connection.transaction():
            await connection.execute(_PROBE, timeout=30)
    except asyncpg.ReadOnlySQLTransactionError:
        said = "it only reads, as a standby does: promote it, or name the primary in DATABASE_URL"
        return said, False
    except (asyncpg.DiskFullError, asyncpg.PostgresIOError) as error:
        return f"{told_of(error)}: make room on its disk, then writing goes on by itself", False
    except asyncpg.InsufficientPrivilegeError:
        return "not tried: the role may make no temporary tables", True
    finally:
        await connection.close()
    return "takes writes", True
