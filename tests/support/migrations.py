"""Databases brought to a revision, and what they hold there."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.schema import configuration
from tests.support.servers import Addresses, empty_database


@pytest.fixture
async def empty_url(addresses: Addresses) -> AsyncIterator[str]:
    """A database in which nothing is."""
    async with empty_database(addresses) as url:
        yield url


async def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def upgraded(url: str, to: str) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(url),
    )
    async with engine.connect() as connection:
        await connection.run_sync(lambda bound: command.upgrade(configuration(bound), to))
