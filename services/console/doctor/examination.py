"""Examines part by part, the servers first; parts that cannot be reached are skipped."""

from collections.abc import AsyncIterator

from services.console.data_directory import DataDirectory
from services.console.doctor.files import files
from services.console.doctor.findings import Finding
from services.console.doctor.processes import api, disk, processes
from services.console.doctor.roles import role, wall
from services.console.doctor.servers import NO_ANSWER, behind_a_pooler, database, redis, replicas
from services.console.doctor.work import work
from services.console.errors import ConsoleError
from services.console.ledger import seal_here
from services.console.running import Running, read_running
from services.console.settings import Settings
from services.core.kit.outage import told_of
from services.core.kit.server_address import read_address
from services.core.kit.text import Text


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield the findings on the running embedded system, or on the configured servers."""
    directory = DataDirectory(settings.data_dir)
    try:
        running = read_running(directory)
    except ConsoleError as error:
        yield Finding("data directory", Text(str(error), str(error)), good=False)
        return
    if running is not None:
        for finding in processes(running):
            yield finding
        yield await api(running)
        yield disk(directory.path)
    elif settings.database_url is None:
        yield _nothing_runs(settings)
    if (url := _chosen(settings, running, "database_url")) is not None:
        async for finding in _databases(url, settings, _files_at(settings, running, directory)):
            yield finding
    if (doorbell := _chosen(settings, running, "redis_url")) is not None:
        yield await redis(doorbell)


def _nothing_runs(settings: Settings) -> Finding:
    return Finding(
        "processes",
        Text(
            f"{settings.data_dir} 上没有 `wufei up` 在运行，也没有设 DATABASE_URL",
            f"no `wufei up` is running on {settings.data_dir}, and DATABASE_URL is not set",
        ),
        good=False,
        todo=Text(
            "运行 make run，或设 DATABASE_URL 指向您的数据库",
            "run `make run`, or let DATABASE_URL name your database",
        ),
    )


def _chosen(settings: Settings, running: Running | None, name: str) -> str | None:
    secret = getattr(settings, name)
    if secret is not None:
        return str(secret.get_secret_value())
    return getattr(running, name, None)


def _files_at(settings: Settings, running: Running | None, directory: DataDirectory) -> str | None:
    """Return the place of the file store; `wufei up` uses its data directory."""
    if settings.files is not None or running is None:
        return settings.files
    return str(directory.files)


async def _databases(url: str, settings: Settings, files_at: str | None) -> AsyncIterator[Finding]:
    """Yield the findings on the database, a pooler before it, and its replicas."""
    async for finding in _of_database(url, files_at):
        yield finding
    if read_address(url).pooled:
        async for finding in behind_a_pooler(url, settings.direct_url or url):
            yield finding
    async for finding in replicas(url, settings):
        yield finding


async def _of_database(url: str, files_at: str | None) -> AsyncIterator[Finding]:
    """Yield the findings on a database, and on its work if its schema is ours."""
    ours = False
    async for finding in database(url):
        yield finding
        ours |= finding.what == "schema" and finding.good
    if not ours:
        return
    try:
        yield await role(url)
        yield await wall(url)
        async for finding in work(url, seal_here()):
            yield finding
        yield await files(url, files_at)
    except NO_ANSWER as error:
        said = Text(f"询问时断开：{told_of(error)}", f"lost while it was asked: {told_of(error)}")
        again = Text("再运行一次 wufei doctor", "run `wufei doctor` once more")
        yield Finding("database", said, good=False, todo=again)
