"""What the migration takes from keys of people who were erased before networks went with them."""

from uuid import UUID

import asyncpg

from services.console.schema import upgrade
from services.core.kit.ids import new_id
from tests.support.migrations import upgraded
from tests.support.servers import Addresses, empty_database

_PERSON = """
INSERT INTO person (city_code, id, former_passwords, totp_step, recovery_digests, failures,
    created_at, ended_at, erased_at, version)
VALUES ('410183', $1, '{}', 0, '{}', 0, now(), now(), CASE WHEN $2 THEN now() END, 1)
"""
_KEY = """
INSERT INTO api_key (city_code, id, name, role, scopes, every_city, prefix, secret_digest,
    created_at, last_used_from, person_id)
VALUES ('410183', $1, '岗位', 'office', '{}', false, $2, $3, now(), '203.0.113.0/24', $4)
"""


async def test_the_networks_of_those_who_were_erased_go(addresses: Addresses) -> None:
    erased, ended = new_id(), new_id()
    people: list[UUID | None] = [erased, ended, None]
    async with empty_database(addresses) as url:
        await upgraded(url, "0056")
        connection = await asyncpg.connect(url)
        await connection.execute("INSERT INTO city VALUES ('410183', '新密市')")
        for one in (erased, ended):
            await connection.execute(_PERSON, one, one == erased)
        for number, person in enumerate(people):
            digest = bytes([number]) * 32
            await connection.execute(_KEY, new_id(), f"p{number}", digest, person)
        await upgrade(url)
        found = await connection.fetch("SELECT last_used_from FROM api_key ORDER BY prefix")
        await connection.close()
    assert [row["last_used_from"] is None for row in found] == [True, False, False]
