"""Checks the servers: PostgreSQL, a pooler before it, and Redis."""

from collections.abc import AsyncIterator

import asyncpg
from redis import RedisError
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from services.console.doctor.findings import Finding
from services.console.replicas import look_at_replicas
from services.console.room import look_for_room
from services.console.schema import schema
from services.console.settings import Settings
from services.core.kit.clock import Clock
from services.core.kit.database import POOLED_SETTINGS
from services.core.kit.outage import told_of
from services.core.kit.schema import OLDEST, ServerTooOld, expected_revision, require_major
from services.core.kit.server_address import open_connection
from services.core.kit.server_standing import server_standing
from services.core.kit.text import Text

NO_ANSWER = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    SQLAlchemyError,
)
_NOTICED_SECONDS, _WRONG_SECONDS = 5, 300
"""Clock differences: the first is worth a look; from the second on nothing is delivered."""

_PER_GIB = 2**30


async def database(url: str) -> AsyncIterator[Finding]:
    """Yield the findings on a PostgreSQL; it ends at one that cannot be used."""
    try:
        connection = await open_connection(url, timeout=5)
    except NO_ANSWER as error:
        yield _away(error)
        return
    try:
        for finding in await _asked(url, connection):
            yield finding
            if not finding.good and finding.what == "database":
                return
        yield await _schema(url)
    except NO_ANSWER as error:
        yield _away(error)
    finally:
        await connection.close()


def _away(error: Exception) -> Finding:
    said = Text(f"没有应答：{told_of(error)}", told_of(error))
    todo = Text(
        "看 DATABASE_URL 的主机、端口、密码和证书，再看 PostgreSQL 是否在运行、它的日志说了什么",
        "look at host, port, password and certificates of DATABASE_URL, then whether PostgreSQL"
        " runs and what its log says",
    )
    return Finding("database", said, good=False, todo=todo)


async def _asked(url: str, connection: asyncpg.Connection) -> list[Finding]:
    """Return the findings on a server: version, size, whether it accepts writes, its clock."""
    standing = await server_standing(connection, Clock.true_now())
    try:
        require_major(standing.version_number)
    except ServerTooOld as error:
        said = Text(f"服务器是 PostgreSQL {standing.version}；至少要 {OLDEST}", str(error))
        todo = Text(
            f"升级到 PostgreSQL {OLDEST} 或更新", f"upgrade it to PostgreSQL {OLDEST} or newer"
        )
        return [Finding("database", said, good=False, todo=todo)]
    size = f"{standing.size / _PER_GIB:.2f} GiB"
    said = Text(
        f"PostgreSQL {standing.version} 有应答，{size}",
        f"PostgreSQL {standing.version} answers, {size}",
    )
    found = [Finding("database", said), _clock(standing.clock_ahead_seconds)]
    return [*found, await _writes(url, standby=standing.standby, reads=standing.only_reads)]


async def _writes(url: str, *, standby: bool, reads: bool) -> Finding:
    if standby:
        return Finding(
            "writes",
            Text("这是备机，只能读", "it is a standby and only reads"),
            good=False,
            todo=Text(
                "让 DATABASE_URL 指向主机，或加 target_session_attrs=read-write",
                "let DATABASE_URL name the primary, or add target_session_attrs=read-write",
            ),
        )
    if reads:
        return Finding(
            "writes",
            Text("数据库被设为只读", "the database is set to read only"),
            good=False,
            todo=Text(
                "撤销该数据库的 default_transaction_read_only，并看磁盘是否满了",
                "reset its default_transaction_read_only, and see whether its disk is full",
            ),
        )
    seen, good = await look_for_room(url)
    if good:
        return Finding("writes", seen)
    todo = Text(
        "在它的磁盘上腾出空间，写入随即自行恢复",
        "make room on its disk: writing goes on by itself",
    )
    return Finding("writes", seen, good=False, todo=todo)


def _clock(ahead: float) -> Finding:
    said = Text(
        f"本机时钟比数据库快 {ahead:.1f} 秒",
        f"this machine's clock is {ahead:.1f} s before the database's",
    )
    return judged_clock(said, ahead)


def judged_clock(said: Text, ahead: float) -> Finding:
    """Return the finding on a clock that is so many seconds ahead of the database's."""
    if abs(ahead) < _NOTICED_SECONDS:
        return Finding("clock", said)
    todo = Text(
        "在两台机器上启用 NTP（chrony）；相差五分钟起，什么也不投递",
        "run NTP (chrony) on both machines; from five minutes on nothing is delivered",
    )
    return Finding("clock", said, good=abs(ahead) < _WRONG_SECONDS, reminds=True, todo=todo)


async def _schema(url: str) -> Finding:
    present, wanted = await schema(url), expected_revision()
    found = present.revision
    if present.fits:
        if found == wanted:
            return Finding("schema", Text(f"版本 {found}", f"at {found}"))
        said = Text(
            f"版本 {found}，本程序的 {wanted} 也能用",
            f"at {found}, on which this version's {wanted} works too",
        )
        return Finding("schema", said)
    if found is None:
        said = Text("还没有建表", f"never migrated, this version needs {wanted}")
    else:
        said = Text(
            f"版本 {found}，本程序需要 {wanted}", f"at {found}, this version needs {wanted}"
        )
    todo = Text("运行 wufei migrate", "run `wufei migrate`")
    if found is not None and found > wanted:
        todo = Text(
            "数据库更新：请用与它相配的程序", "it is newer: use the program that goes with it"
        )
    return Finding("schema", said, good=False, todo=todo)


async def replicas(url: str, settings: Settings) -> AsyncIterator[Finding]:
    """Check for each replica whether it serves reads."""
    async for seen, good in look_at_replicas(url, settings):
        todo = Text(
            "什么也没有错，只是主库多读一些：看副本是否在运行、在跟随，及 DATABASE_REPLICA_URL",
            "nothing is wrong, the primary only reads more: see whether the replica runs and"
            " follows, and look at DATABASE_REPLICA_URL",
        )
        yield Finding("replica", seen, good=good, todo=None if good else todo)


async def behind_a_pooler(url: str, direct: str) -> AsyncIterator[Finding]:
    """Check what a transaction-mode pooler needs: session settings must be set on the role."""
    try:
        connection = await open_connection(url, timeout=5)
        try:
            has = {name: await connection.fetchval(f"SHOW {name}") for name in POOLED_SETTINGS}
        finally:
            await connection.close()
        other = await open_connection(direct, timeout=5)
        await other.close()
    except NO_ANSWER as error:
        seen = told_of(error)
        yield Finding(
            "direct address",
            Text(f"DATABASE_DIRECT_URL：{seen}", f"DATABASE_DIRECT_URL: {seen}"),
            good=False,
            todo=Text("让它指向数据库本身", "let it name the server itself"),
        )
        return
    answers = Text("DATABASE_DIRECT_URL 有应答", "DATABASE_DIRECT_URL answers")
    yield Finding("direct address", answers)
    for name, wanted in POOLED_SETTINGS.items():
        if has[name] == wanted:
            yield Finding(name, Text(f"为 {has[name]}", f"is {has[name]}"))
            continue
        yield Finding(
            name,
            Text(f"为 {has[name]}，须为 {wanted}", f"is {has[name]}, must be {wanted}"),
            good=False,
            todo=Text(
                f"`ALTER ROLE … SET {name} = '{wanted}'`，再让连接池重新打开连接",
                f"ALTER ROLE … SET {name} = '{wanted}', then let the pooler open its connections"
                " anew",
            ),
        )


async def redis(url: str) -> Finding:
    """Check whether Redis can wake readers."""
    try:
        async with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            await client.execute_command("PING")
    except (OSError, RedisError) as error:
        return Finding(
            "redis",
            Text(
                f"{told_of(error)}（工作照常，晚一秒）",
                f"{told_of(error)} (work goes on, a second later)",
            ),
            good=False,
            todo=Text(
                "它只是门铃，什么也没有丢：启动 Redis，或看 REDIS_URL",
                "it is only the doorbell and nothing is lost: start Redis, or look at REDIS_URL",
            ),
        )
    return Finding("redis", Text("有应答", "answers"))
