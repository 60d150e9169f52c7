"""Checks whether a database accepts writes: it may be read-only, or its disk full."""

import asyncpg

from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection
from services.core.kit.text import Text

# Some megabytes in temporary files, for which a full disk has no room.
_PROBE = """
CREATE TEMP TABLE wufei_room ON COMMIT DROP AS
SELECT number, repeat(md5(number::text), 30) AS filling FROM generate_series(1, 4000) AS number
"""


async def look_for_room(url: str) -> tuple[Text, bool]:
    """Return what was seen of writing to a database, and whether it is fine."""
    connection = await open_connection(url, timeout=5)
    try:
        async with connection.transaction():
            await connection.execute(_PROBE, timeout=30)
    except asyncpg.ReadOnlySQLTransactionError:
        said = Text(
            "只能读，像备机那样：把它提升为主库，或让 DATABASE_URL 指向主库",
            "it only reads, as a standby does: promote it, or name the primary in DATABASE_URL",
        )
        return said, False
    except (asyncpg.DiskFullError, asyncpg.PostgresIOError) as error:
        seen = told_of(error)
        said = Text(
            f"写不进：{seen}", f"{seen}: make room on its disk, then writing goes on by itself"
        )
        return said, False
    except asyncpg.InsufficientPrivilegeError:
        said = Text(
            "没有试：该角色不可建临时表", "not tried: the role may make no temporary tables"
        )
        return said, True
    finally:
        await connection.close()
    return Text("可以写", "takes writes"), True
