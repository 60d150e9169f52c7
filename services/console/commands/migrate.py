"""`wufei migrate`: brings the database to this version's schema."""

import asyncio
from argparse import Namespace

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.console.errors import ConsoleError
from services.console.running import owner_url
from services.console.schema import upgrade
from services.console.settings import Settings
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.kit.outage import told_of
from services.core.kit.partitions import tend
from services.core.kit.schema import DatabaseUnfit, expected_revision
from services.core.kit.service_role import RoleUnfit
from services.core.partitions import cut_tables


def run(_arguments: Namespace) -> int:
    """Migrate as DATABASE_OWNER_URL, as DATABASE_URL, or in the running embedded database."""
    settings = Settings.read()
    try:
        asyncio.run(_migrate(*owner_url(settings)))
    except (DatabaseUnfit, RoleUnfit) as error:
        raise ConsoleError(f"cannot migrate: {error}") from None
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        SQLAlchemyError,
    ) as error:
        raise ConsoleError(f"cannot migrate: {told_of(error)}") from None
    print(f"the schema is at {expected_revision()}")
    return 0


async def _migrate(owner: str, service: str | None) -> None:
    """Migrate as the owner, grant the services' role its rights, and make partitions."""
    await upgrade(owner, service_url=service)
    async with connect(owner, size=1, application_name="wufei-migrate") as database:
        for table in cut_tables():
            async with database.transaction() as session:
                await tend(session, table, Clock.true_now())
