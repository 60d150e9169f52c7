"""The four programs that `wufei up` supervises, each with its way to start and to stop."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM

from services.console.embedded.account import Account
from services.console.embedded.postgres import ENVIRONMENT, Postgres
from services.console.embedded.supervisor import Program
from services.console.embedded.valkey import Valkey
from services.console.settings import PROJECT

_PATIENCE = 20.0
_OWN = {
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"),
    *("WUFEI_NOW", "WUFEI_PG_BIN", "WUFEI_CLOCK_OFFSET"),
}
"""Variables that our children must not see, above all the owner's access to the database."""


def postgres_part(postgres: Postgres, *, account: Account | None, log: Path) -> Program:
    """Describe PostgreSQL: a fast shutdown first, an immediate one if that takes too long."""
    return Program(
        name="postgres",
        log=log,
        folder=Path("/"),
        environment=ENVIRONMENT,
        arguments=postgres.arguments,
        accepts=postgres.accepts,
        account=account,
        death_signal=SIGINT,
        stop=((SIGINT, 1.5), (SIGQUIT, 0.5), (SIGKILL, 0.3)),
        patience=_PATIENCE,
    )


def valkey_part(valkey: Valkey, *, account: Account | None, log: Path) -> Program:
    """Describe Valkey, which has no data to save."""
    return Program(
        name="valkey",
        log=log,
        folder=valkey.folder,
        environment=ENVIRONMENT,
        arguments=valkey.arguments,
        accepts=valkey.accepts,
        account=account,
        stop=((SIGTERM, 1.0), (SIGKILL, 0.3)),
        patience=_PATIENCE,
    )


def door_part(name: str, *, environment: Mapping[str, str], log: Path) -> Program:
    """Describe one of our own services, `api` or `worker`."""
    inherited = {key: value for key, value in os.environ.items() if key not in _OWN}
    command = [sys.executable, "-m", "services.console", name]
    return Program(
        name=name,
        log=log,
        folder=PROJECT,
        environment={**inherited, **environment},
        arguments=lambda: command,
        stop=((SIGTERM, 2.0), (SIGKILL, 0.3)),
    )
