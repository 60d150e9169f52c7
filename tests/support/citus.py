"""A cluster of Citus that is there already, in which a test run makes databases of its own.

`WUFEI_TEST_CITUS_URL` names a database on its coordinator where the nodes are registered. A
database of the run's own is made on every node, migrated, and distributed by the script that
an operator runs; each test gets a copy of it.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from services.console.schema import upgrade

URL = "WUFEI_TEST_CITUS_URL"
"""The variable that names the cluster."""

NOT_RUN = f"the suite for Citus was not run: {URL} names no database on a coordinator"

_SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "citus" / "distribute.sql"
_SHARDS = 4


def citus_url() -> str | None:
    """Return the database on a coordinator that the run was told of."""
    return os.environ.get(URL) or None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The coordinator and the other nodes: addresses of a database that each of them has."""

    coordinator: str
    workers: tuple[str, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """All of them, the coordinator last, for it is the one that looks for the others."""
        return (*self.workers, self.coordinator)

    async def prepare(self, template: str) -> None:
        """Make a database whose tables are distributed, to be copied; one of old is replaced."""
        for node in self.nodes:
            await drop_database(node, template)
            await execute(node, f"CREATE DATABASE {template}")
            await execute(database_at(node, template), "CREATE EXTENSION citus")
        url = database_at(self.coordinator, template)
        await execute(url, f"SELECT citus_set_coordinator_host({_place(self.coordinator)})")
        for worker in self.workers:
            await execute(url, f"SELECT citus_add_node({_place(worker)})")
        await upgrade(url)
        script = _SCRIPT.read_text(encoding="utf-8")
        await execute(url, f"SET citus.shard_count = {_SHARDS};\n{script}")
        for node in self.nodes:
            # Citus keeps a connection to each database, and what is copied may have none.
            await execute(node, f"ALTER DATABASE {template} WITH ALLOW_CONNECTIONS false")
            await execute(
                node,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                f" WHERE datname = '{template}'",
            )

    async def remove(self, template: str) -> None:
        """Drop what was prepared."""
        for node in self.nodes:
            await drop_database(node, template)


async def cluster_at(url: str) -> Cluster:
    """Return the nodes of a cluster; all are reached as the coordinator is.

    Raises:
        LookupError: no other node is registered there.
    """
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 ORDER BY nodeid"
        )
    finally:
        await connection.close()
    if not found:
        raise LookupError(f"{URL}: the coordinator knows no other node")
    return Cluster(url, tuple(_at(url, row["nodename"], row["nodeport"]) for row in found))


def database_at(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def execute(url: str, statement: str) -> None:
    """Run a statement, or several, on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def drop_database(url: str, name: str) -> None:
    """Drop a database if it is there, however long a busy server takes to end who uses it."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            except asyncpg.ObjectInUseError:  # it was told to end, and has not after 5 s
                await asyncio.sleep(0.5)


def _at(url: str, host: str, port: int) -> str:
    parts = urlsplit(url)
    user = quote(parts.username or "postgres", safe="")
    password = f":{quote(parts.password, safe='')}" if parts.password else ""
    return urlunsplit(parts._replace(netloc=f"{user}{password}@{host}:{port}"))


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"'{parts.hostname}', {parts.port or 5432}"
