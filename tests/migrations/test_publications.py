"""What the migration makes of publications and owners that were there before its tables."""

import asyncpg
from alembic import command
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.schema import configuration, upgrade
from tests.support.migrations import empty_url, execute, rows
from tests.unit.scoring.builders import CITY, PLAN, a_document, an_indicator

__all__ = ["empty_url"]

_UNITS = [
    {"code": "UN01", "name": "甲", "kind": "unit"},
    {"code": "UN02", "name": "乙", "kind": "unit"},
    {"code": "ALL", "name": "各单位", "kind": "collective", "submits": False,
     "members": ["UN02", "UN01"]},
]  # fmt: skip


def _version(number: int, *owners: str, units: str = "direct") -> str:
    document = a_document(
        an_indicator(owners=list(owners), aggregation={"units": units}), organizations=_UNITS
    )
    text = to_json(document.model_dump(mode="json")).decode().replace("'", "''")
    return (
        f"INSERT INTO plan_version VALUES ('{CITY}', '{PLAN}', {number}, '{text}', '\\x00',"
        " now(), '{}');"
    )


def _event(number: int, kind: str, subject: str, type_: str, data: str) -> str:
    event_id = f"00000000-0000-7000-8000-{number:012}"
    return (
        f"INSERT INTO event VALUES ('{CITY}', '{event_id}', '{PLAN}', '{type_}', '{kind}',"
        f""" '{subject}', NULL, '{{"name": "n{number}"}}', '{data}', now());"""
        f"INSERT INTO event_position VALUES ('{CITY}', {number}, '{event_id}');"
    )


def _board(sequence: int, position: int) -> str:
    return (
        f"INSERT INTO score_snapshot VALUES ('{CITY}', '{PLAN}', 'approved', '2025', {sequence},"
        f" 1, 'm', '1', {position}, '2026-01-01', now(), '{{}}', '{{}}');"
    )


async def test_publications_boards_and_owners_are_found_in_the_log(empty_url: str) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(empty_url),
    )
    async with engine.connect() as connection:
        await connection.run_sync(lambda bound: command.upgrade(configuration(bound), "0009"))
    period = ("period", f"{PLAN}/2025")
    await execute(
        empty_url,
        f"INSERT INTO city VALUES ('{CITY}', '新密市');"
        f"INSERT INTO plan VALUES ('{CITY}', '{PLAN}', 4);"
        + _version(1, "UN01")
        + _version(2, "UN01")
        + _version(3, "ALL")
        + _version(4, "UN01", units="sum")
        + _event(1, "plan", PLAN, "plan.published", '{"version": 1}')
        + _event(2, *period, "period.published", '{"period": "2025", "publication_number": 1}')
        + _event(3, *period, "period.reopened", '{"period": "2025", "publication_number": 1}')
        + _event(4, "plan", PLAN, "plan.published", '{"version": 3}')
        + _event(5, *period, "period.published", '{"period": "2025", "publication_number": 2}')
        + _board(1, 1)
        + _board(2, 2)
        + _board(3, 4),
    )
    await upgrade(empty_url)
    published = (
        "SELECT number, period, published_by->>'name', reopened_by->>'name', reopen_reason"
        " FROM publication ORDER BY number"
    )
    assert await rows(empty_url, published) == [
        (1, "2025", "n2", "n3", None),
        (2, "2025", "n5", None, None),
    ]
    boards = "SELECT sequence, publication_number FROM score_snapshot ORDER BY sequence"
    assert await rows(empty_url, boards) == [(1, None), (2, 1), (3, 2)]
    owners = (
        "SELECT version, organization_code, right(event_id::text, 1) FROM indicator_owner"
        " ORDER BY version"
    )
    assert await rows(empty_url, owners) == [
        (1, "UN01", "1"),
        (3, "UN02", "4"),
        (4, None, None),
    ]
