"""Keys of an installation that is brought up to date: each goes on working, as before."""

from datetime import UTC, datetime

import asyncpg

from services.api.security import Keys
from services.console.schema import upgrade
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.kit.ids import new_id
from services.core.kit.secrets import mint
from tests.support.migrations import upgraded
from tests.support.servers import Addresses, empty_database

_KEY = """
INSERT INTO api_key (
    city_code, id, name, role, scopes, every_city, prefix, secret_digest, created_at
)
VALUES ('410183', $1, '办公室', 'office', '{plan:read}', false, $2, $3, now())
"""


async def test_a_key_of_an_older_installation_works_from_everywhere(addresses: Addresses) -> None:
    minted, key_id = mint("wufei_410183"), new_id()
    async with empty_database(addresses) as url:
        await upgraded(url, "0020")
        connection = await asyncpg.connect(url)
        await connection.execute("INSERT INTO city VALUES ('410183', '新密市')")
        await connection.execute(_KEY, key_id, minted.prefix, minted.digest)
        await connection.close()
        await upgrade(url)
        async with connect(url, size=2) as database:
            keys = Keys(database, Clock.true_now)
            actor = await keys.actor(minted.text, "r", "198.51.100.4")
            row = await database.pool.fetchrow("SELECT * FROM api_key")
    assert (actor.credential_id, actor.role) == (key_id, "office")
    assert row is not None
    assert (row["version"], row["allowed_networks"], row["last_used_from"]) == (1, [], None)
    assert row["created_at"] < datetime.now(UTC)  # noqa: TID251
