"""The tables that the conditions name, empty and temporary."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import connect

_TABLES = """
CREATE TEMP TABLE indicator_lead
    (city_code text, plan_code text, indicator_code text, organization_code text);
CREATE TEMP TABLE measure_unit
    (city_code text, plan_code text, measure_code text, organization_code text, part text);
CREATE TEMP TABLE thing (id int, city_code text, plan_code text, unit text, second_unit text,
    indicator text, measure text, state text, made_by text);
CREATE TEMP TABLE submission (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, state text, approved_revision int);
CREATE TEMP TABLE obligation (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, state text);
CREATE TEMP TABLE milestone (id int, city_code text, plan_code text, organization_code text,
    measure_code text, state text);
CREATE TEMP TABLE extension (id int, city_code text, plan_code text, subject_kind text,
    subject_id int, state text);
CREATE TEMP TABLE alert (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, measure_code text, state text);
CREATE TEMP TABLE event (id int, city_code text, plan_code text, organization_code text,
    subject_kind text, type text, data jsonb);
CREATE TEMP TABLE owner (number int, role text, unit text, credential text)
"""
"""Tables as the slices' conditions name them; a temporary one hides the one that is kept."""


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    async with connect(database_url, size=2) as database, database.transaction() as session:
        for statement in _TABLES.split(";"):
            await session.execute(text(statement))
        yield session
