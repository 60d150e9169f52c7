"""Runs the API or the worker in this process, under `wufei up` as in production."""

import asyncio
import os
from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import asyncpg
import uvicorn
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from services.console.data_directory import DataDirectory, kept_secret_key
from services.console.errors import ConsoleError
from services.console.running import database_url, read_running
from services.console.settings import Settings
from services.core.kit.database import connect
from services.core.kit.garbage import loading
from services.core.kit.logs import configure
from services.core.kit.outage import is_away, told_of
from services.core.kit.schema import DatabaseUnfit, require_current

SERVING: Mapping[str, Any] = {
    "http": "services.api.protocol:HttpProtocol",
    "ws": "none",
    "access_log": False,
    "server_header": False,
    "log_config": None,
}
"""Options of uvicorn for the API, wherever it runs."""


def believing(proxies: str) -> Mapping[str, Any]:
    """Return uvicorn's options to take the caller's address from the named proxies, or from nobody.

    Forwarding headers of anybody else are ignored, because a key's networks are checked with this
    address.
    """
    named = [one.strip() for one in proxies.split(",") if one.strip()]
    return {"proxy_headers": bool(named), "forwarded_allow_ips": named}


_PATIENCE = 20.0
_NEXT_TRY = 0.25


def run_api(_arguments: Namespace) -> int:
    """Serve HTTP until a signal ends it."""
    settings = Settings.read()
    configure("api", level=settings.log_level, form=settings.log_format)
    _use_servers(settings)
    with loading():
        api = import_module("services.api.main")
    uvicorn.run(
        api.create_app,
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        **SERVING,
        **believing(settings.trusted_proxies),
        timeout_graceful_shutdown=settings.stop_within,
    )
    return 0


def run_worker(_arguments: Namespace) -> int:
    """Work until a signal ends it."""
    settings = Settings.read()
    configure("worker", level=settings.log_level, form=settings.log_format)
    _use_servers(settings)
    with loading():
        worker = import_module("services.worker.main")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.run())
    return 0


def _use_servers(settings: Settings) -> None:
    """Let a further process on this machine find the running embedded servers."""
    os.environ["DATABASE_URL"] = url = database_url(settings)
    if settings.database_url is None:
        directory = DataDirectory(settings.data_dir)
        running = read_running(directory)
        if running is not None:
            os.environ.setdefault("REDIS_URL", running.redis_url)
            if settings.seal is None:
                os.environ["WUFEI_SECRET_KEY"] = kept_secret_key(directory.secret_key)
    asyncio.run(_require_schema(url))


async def _require_schema(url: str) -> None:
    """Check the schema before the start, to print a line instead of a traceback.

    An unreachable database is waited for, because after a crash of both it may come up second.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + _PATIENCE
    while True:
        try:
            async with connect(url, size=1, application_name="wufei") as database:
                await require_current(database.engine)
        except (DatabaseUnfit, OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
            if not is_away(error) or loop.time() > latest:
                raise ConsoleError(f"cannot use the database: {told_of(error)}") from None
        else:
            return
        await asyncio.sleep(_NEXT_TRY)
