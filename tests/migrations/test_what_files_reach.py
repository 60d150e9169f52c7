"""What the migration finds out about drops of before: how far the last file of each reaches."""

import asyncpg

from services.console.schema import upgrade
from services.core.kit.ids import new_id
from tests.support.migrations import upgraded
from tests.support.servers import Addresses, empty_database

_DROP = """
INSERT INTO file_drop (city_code, id, folder, owner_id, event_types, state, position, number,
    digest, created_at, updated_at)
VALUES ('410183', $1, $2, $1, '{}', 'active', 900, $3, '', now(), now())
"""
_FILE = """
INSERT INTO dropped_file (city_code, drop_id, number, digest, events, content, made_at, written_at)
VALUES ('410183', $1, $2, '', 1, $3, now(), now())
"""


def a_file(upto: int) -> bytes:
    return f'{{"upto_position": {upto}}}\n{{"data": "无废"}}\n'.encode()


async def test_the_last_file_of_a_drop_says_how_far_it_reaches(addresses: Addresses) -> None:
    kept, gone, none = new_id(), new_id(), new_id()
    async with empty_database(addresses) as url:
        await upgraded(url, "0060")
        connection = await asyncpg.connect(url)
        await connection.execute("INSERT INTO city VALUES ('410183', '新密市')")
        for drop, folder, number in ((kept, "a", 2), (gone, "b", 1), (none, "c", 0)):
            await connection.execute(_DROP, drop, folder, number)
        for drop, number, content in (
            (kept, 1, a_file(300)),
            (kept, 2, a_file(700)),
            (gone, 1, None),
        ):
            await connection.execute(_FILE, drop, number, content)
        await upgrade(url)
        found = await connection.fetch("SELECT reached FROM file_drop ORDER BY folder")
        await connection.close()
    assert [row["reached"] for row in found] == [700, None, None]
