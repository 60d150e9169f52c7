"""`wufei migrate`."""

import asyncio
from argparse import Namespace

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.console.errors import ConsoleError
from services.console.running import database_url
from services.console.schema import upgrade
from services.console.settings import Settings
from services.core.kit.outage import told_of
from services.core.kit.schema import DatabaseUnfit, expected_revision


def run(_arguments: Namespace) -> int:
    """Migrate DATABASE_URL, or the embedded database that runs."""
    settings = Settings.read()
    url = settings.direct_url or database_url(settings)
    try:
        asyncio.run(upgrade(url))
    except DatabaseUnfit as error:
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
