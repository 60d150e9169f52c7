"""Checks for each replica whether it may serve reads."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg

from services.console.settings import Settings
from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection, server_name
from services.core.kit.text import Text
from services.core.kit.wal_watch import WalPosition, cluster_of, how_far

_LOOKS_EVERY_SECONDS = 0.1
_MEANWHILE = Text("；期间读取走主库", "; readings go to the primary meanwhile")
_TAKES_WRITES = Text(
    "不是只读副本，它接受写入：把它从 DATABASE_REPLICA_URL 中去掉",
    "is no replica, it takes writes: take it out of DATABASE_REPLICA_URL",
)
_OF_ANOTHER = Text(
    "不是 DATABASE_URL 那个数据库的副本", "is no replica of the database of DATABASE_URL"
)
_FAR_BEHIND = Text(
    "落后超过 {within} 秒：看它是否还在重放",
    "is more than {within} s behind: see whether it still replays",
)
_CLOSE = Text("落后不到 {within} 秒", "is less than {within} s behind")


async def look_at_replicas(
    primary_url: str, settings: Settings
) -> AsyncIterator[tuple[Text, bool]]:
    """Yield for each replica what was seen, and whether it serves reads."""
    for url in settings.replica_urls:
        try:
            seen, good = await _seen(primary_url, url, settings.replica_lag)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            seen, good = Text(f"没有应答：{told_of(error)}", told_of(error)), False
        rest = _MEANWHILE if not good else Text("", "")
        name = server_name(url)
        yield Text(f"{name} {seen.zh}{rest.zh}", f"{name} {seen.en}{rest.en}"), good


async def _seen(primary_url: str, url: str, within: float) -> tuple[Text, bool]:
    wanted = await _place(primary_url)
    replica = await open_connection(url, timeout=5)
    try:
        place = await how_far(replica, await cluster_of(replica))
        if not place.replays:
            return _TAKES_WRITES, False
        if place.of != wanted.of:
            return _OF_ANOTHER, False
        # The replica must soon reach the position that the primary had when it was asked.
        while place.wal < wanted.wal:
            if place.asked_at - wanted.asked_at > within:
                return _FAR_BEHIND.format(within=f"{within:g}"), False
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)
            place = await how_far(replica, place.of)
    finally:
        await replica.close()
    return _CLOSE.format(within=f"{within:g}"), True


async def _place(url: str) -> WalPosition:
    connection = await open_connection(url, timeout=5)
    try:
        return await how_far(connection, await cluster_of(connection))
    finally:
        await connection.close()
