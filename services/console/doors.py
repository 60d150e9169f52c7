"""Starts one of the two doors in this process; under `wufei up` as in production."""

import asyncio
import os
from argparse import Namespace
from importlib import import_module

import uvicorn
import uvloop

from services.console.data_directory import DataDirectory
from services.console.running import read_running
from services.console.settings import Settings
from services.core.kit.logs import configure


def run_api(_arguments: Namespace) -> int:
    """Serve HTTP until a signal ends it."""
    settings = Settings.read()
    configure("api")
    _adopt_running(settings)
    uvicorn.run(
        "services.api.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=settings.stop_within,
    )
    return 0


def run_worker(_arguments: Namespace) -> int:
    """Work until a signal ends it."""
    configure("worker")
    _adopt_running(Settings.read())
    worker = import_module("services.worker.main")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.run())
    return 0


def _adopt_running(settings: Settings) -> None:
    """Let a further door on this machine find the embedded servers that run."""
    running = read_running(DataDirectory(settings.data_dir))
    if running is not None and settings.database_url is None:
        os.environ["DATABASE_URL"] = running.database_url
        os.environ.setdefault("REDIS_URL", running.redis_url)
