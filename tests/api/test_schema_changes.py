"""A process goes on answering while the schema grows under it."""

import asyncio

import asyncpg
import pytest

from tests.support.api import XINMI, a_submission, open_door

READS = (
    "submissions",
    "submissions?changed_after=0",
    "milestones",
    "milestones?changed_after=0",
    "obligations",
    "alerts",
    "extensions",
    "scoreboard",
    "tasks/progress",
    "periods",
    "reporting-rates",
    "alert-rules",
    "indicators/U08/score",
    "indicators/U08/series",
)


async def _add_a_column_everywhere(database_url: str) -> None:
    """Do to every table what the next migration may do to some."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r'"
        )
        assert len(tables) > 30
        for table in tables:
            await connection.execute(
                f"ALTER TABLE {table['relname']} ADD COLUMN of_the_next_release text"
            )
    finally:
        await connection.close()


@pytest.mark.parametrize("callers", [1, 4])
async def test_a_column_more_in_every_table_costs_no_answer(
    database_url: str, callers: int
) -> None:
    async with open_door(database_url) as door, await door.as_("office") as office:
        async with await door.as_("reporter", "UN15") as unit:
            made = await unit.post(f"/plans/{XINMI}/submissions", json=a_submission())
        await door.react()
        one = f"/submissions/{made.json()['id']}"
        paths = [one, f"{one}/history", "/me/todo", "/events", "/plans", "/organizations"]
        paths += [f"/plans/{XINMI}/{read}" for read in READS]

        async def refused() -> list[str]:
            await door.forget_everything()
            asked = [office.get(path) for path in paths for _ in range(callers)]
            answers = await asyncio.gather(*asked)
            return [f"{one.url}: {one.text}" for one in answers if one.status_code != 200]

        for _ in range(2):  # statements are prepared with the first, and used again
            assert await refused() == []
        await _add_a_column_everywhere(database_url)
        assert await refused() == []
        edited = await office.post(f"{one}/return", json={"reason": "数据来源不明"})
        assert edited.status_code == 200, edited.text
        await door.react()
        assert await refused() == []
