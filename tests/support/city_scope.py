"""Tests plant and look up rows of every city: they are in a scope of their own.

On the tests' server alone there are policies that let it through. What a door does is in no scope
until the door says in which city, and a test that is one's work finds it out if it does not say.
"""

from contextvars import Context

import asyncpg

from services.core.kit.city_scope import SETTING, enter_city

TESTS = "tests"

_GUARDED = """
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace) AND c.relrowsecurity
"""


def begin_tests_scope() -> None:
    """Have what this process does by itself be in the scope of tests."""
    enter_city(TESTS)


def context_of_its_own() -> Context:
    """Return a context in which nothing was begun, for work that stands for another process."""
    fresh = Context()
    fresh.run(begin_tests_scope)
    return fresh


async def let_tests_through(owner: str, service: str) -> None:
    """Give the database of an address policies for tests; sessions of the services begin there.

    `service` is the name of the services' role.
    """
    connection = await asyncpg.connect(owner)
    try:
        for row in await connection.fetch(_GUARDED):
            await connection.execute(
                f"CREATE POLICY tests ON {row['relname']}"
                f" USING (current_setting('{SETTING}', true) = '{TESTS}')"
            )
        await connection.execute(f"ALTER ROLE {service} SET \"{SETTING}\" = '{TESTS}'")
    finally:
        await connection.close()
