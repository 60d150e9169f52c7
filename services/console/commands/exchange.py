"""`wufei exchange`: figures to and from the exchange tables of a front-end server."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.ledger import Ledger, enter_city_meant, open_ledger
from services.console.settings import Settings
from services.core.exchange import queries
from services.core.exchange.errors import ExchangeRefused
from services.core.exchange.service import (
    ROWS_AT_MOST,
    locked_channel,
    open_channel,
    take_rows,
    tell_taken,
    write_out,
)
from services.core.exchange.statements import NOTE_RECON
from services.core.exchange.table_recon import Reconciling, TableRecon
from services.core.identity.actor import operator
from services.core.kit.outage import told_of
from services.core.kit.server_address import read_address
from services.core.kit.text import Language, Text

_OUT = Text("写出 {number} 行", "{number} rows written")
_IN = Text(
    "取入 {taken} 行，其中拒收 {refused} 行", "{taken} rows taken, {refused} of them refused"
)
_NO_KEY = Text(
    "没有设置密钥：没有取入。用 wufei exchange open --key 设置",
    "no key is set: nothing is taken. Set one with wufei exchange open --key",
)
_RECON = Text(
    "{direction}：共 {total} 行，未处理 {new}，完成 {done}，拒收 {refused}，缺少 {missing}，"
    "被改动 {altered}",
    "{direction}: {total} rows, {new} new, {done} done, {refused} refused, {missing} missing,"
    " {altered} altered",
)


def open_(arguments: Namespace) -> int:
    """Set up the exchange of a plan."""
    return asyncio.run(_open(arguments))


def run(arguments: Namespace) -> int:
    """Write out new figures, and take waiting rows."""
    return asyncio.run(_run(arguments))


def reconcile(arguments: Namespace) -> int:
    """Compare both tables with our records; 1 if a row is missing or was altered."""
    return asyncio.run(_reconcile(arguments))


@asynccontextmanager
async def _desk(arguments: Namespace) -> AsyncIterator[tuple[Ledger, str, Language]]:
    language: Language = arguments.language or terminal_language()
    async with open_ledger() as ledger:
        city_code = await enter_city_meant(ledger, arguments.city, language)
        try:
            yield ledger, city_code, language
        except ExchangeRefused as error:
            raise ConsoleError(error.said.in_(language)) from None


@asynccontextmanager
async def _beside() -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to the database of the exchange tables.

    Raises:
        ConsoleError: none is named, it cannot be reached, or it refuses a statement.
    """
    address = Settings.read().exchange_database_url
    if address is None:
        raise ConsoleError(
            "WUFEI_EXCHANGE_DATABASE_URL is not set: there is nothing to exchange by"
        )
    there = read_address(address.get_secret_value())
    try:
        connection = await asyncpg.connect(
            there.dsn,
            command_timeout=60,
            **{
                "timeout": 15,
                **there.options({"application_name": "wufei-exchange", "timezone": "UTC"}),
            },
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _away(error) from None
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Errors of the ledger's database come as SQLAlchemy errors.
        raise _away(error) from None
    finally:
        await connection.close()


def _away(error: BaseException) -> ConsoleError:
    return ConsoleError(f"cannot work in WUFEI_EXCHANGE_DATABASE_URL: {told_of(error)}")


async def _open(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, _), ledger.database.transaction() as session:
        made = await open_channel(
            session,
            city,
            arguments.plan,
            arguments.key,
            takes=not arguments.no_key,
            actor=operator(city),
            now=ledger.clock.true_now(),
        )
        key = "-" if made.key_id is None else made.key_id
        print(f"{made.plan_code}: position {made.position}, key {key}")
    return 0


async def _run(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, language), _beside() as beside:
        written, more = 0, True
        while more:
            async with ledger.database.transaction() as session:
                channel = await locked_channel(session, city, arguments.plan)
                now = ledger.clock.true_now()
                number, more = await write_out(session, beside, channel, now=now)
                takes = channel.key_id is not None
            written += number
        print(_OUT.format(number=written).in_(language))
        if not takes:
            print(_NO_KEY.in_(language))
            return 0
        taken, refused = await _take(ledger, city, arguments.plan, beside)
        print(_IN.format(taken=taken, refused=refused).in_(language))
    return 0


async def _take(
    ledger: Ledger, city: str, plan: str, beside: asyncpg.Connection
) -> tuple[int, int]:
    """Take waiting rows; return how many, and how many of them were refused."""
    number = refused = 0
    while rows := await queries.new_rows(beside, plan, most=ROWS_AT_MOST):
        async with ledger.database.transaction() as session:
            channel = await locked_channel(session, city, plan)
            taken = await take_rows(session, channel, rows, now=ledger.clock.now())
        await tell_taken(beside, taken, now=ledger.clock.true_now())
        number += len(taken)
        refused += sum(one.outcome == "refused" for one in taken)
    return number, refused


async def _reconcile(arguments: Namespace) -> int:
    whole = True
    async with _desk(arguments) as (ledger, city, language), _beside() as beside:
        for direction in ("out", "in"):
            async with ledger.database.sessions() as session:
                kept = await queries.rows_kept(session, city, arguments.plan, direction)
            reconciling = Reconciling(kept)
            async for rows in queries.rows_there(beside, direction, arguments.plan):
                reconciling.take(rows)
            found = reconciling.end()
            await _note(beside, arguments.plan, direction, found, ledger)
            _tell(direction, found, language)
            whole &= found.is_whole
    return int(not whole)


async def _note(
    beside: asyncpg.Connection, plan: str, direction: str, found: TableRecon, ledger: Ledger
) -> None:
    now = ledger.clock.true_now()
    given = {
        "day": now.date(),
        "plan": plan,
        "direction": direction,
        "total": found.total,
        "new": found.new,
        "done": found.done,
        "refused": found.refused_rows,
        "missing": found.missing_rows,
        "altered": found.altered_rows,
        "now": now,
    }
    await beside.execute(*NOTE_RECON.bind(given))


def _tell(direction: str, found: TableRecon, language: Language) -> None:
    said = _RECON.format(
        direction=f"ex_{direction}_submission",
        total=found.total,
        new=found.new,
        done=found.done,
        refused=found.refused_rows,
        missing=found.missing_rows,
        altered=found.altered_rows,
    )
    print(said.in_(language))
    for kind, ids in (("missing", found.missing), ("altered", found.altered)):
        for one in ids:
            print(f"  {kind}  {one}")
    for ex_id, message in found.refused:
        print(f"  refused  {ex_id}  {message}")
