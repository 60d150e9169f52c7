"""`wufei package`: carries approved figures to another installation by hand, and receipts back."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.ledger import Ledger, enter_city_meant, open_ledger, seal_here
from services.console.whole_files import write_whole
from services.core.identity.actor import operator
from services.core.kit.sealing import Seal
from services.core.kit.text import Language, Text
from services.core.packages import queries
from services.core.packages.container import LARGEST_FILE, NotCarried
from services.core.packages.errors import PackageRefused
from services.core.packages.lifecycle import PeerRequest, register_peer
from services.core.packages.manifests import CarriedFile, opened
from services.core.packages.models import CarriedPackage, PackagePeer
from services.core.packages.service import (
    acknowledge,
    locked_peer,
    make_ready,
    take_in,
)
from services.core.packages.signing import own_key
from services.core.packages.writing import carry_whole, next_to_write, note_written
from services.core.webhooks.signing import new_key

_PAGE = 500

_NOTHING = Text("自上一包以来没有新的数据", "Nothing is new since the last package")
_MADE = Text("{path}：第 {number} 号，{items} 条", "{path}: number {number}, {items} items")
_WOULD_MAKE = Text(
    "试运行：会写出第 {number} 号，{items} 条", "Dry run: number {number} with {items} items"
)
_COUNTS = Text(
    "新增 {created}，改动 {updated}，不变 {unchanged}，撤回 {deleted}，拒收 {refused}",
    "{created} new, {updated} changed, {unchanged} unchanged, {deleted} withdrawn,"
    " {refused} refused",
)
_DRY = Text("试运行，没有写入", "Dry run: nothing was written")
_RECEIPT = Text("回执：{path}", "Receipt: {path}")
_CLOSED = Text("第 {number} 号已答复并关闭", "number {number} is answered and closed")
_AGAIN = Text("第 {number} 号以前已关闭", "number {number} was closed before")
_GONE = Text(
    "第 {number} 号没有保留：没有发出过，或回执已到",
    "number {number} is not kept: it was never made, or its receipt is here",
)
_OPEN = Text("未答复", "not answered")
_UNWRITTEN = Text("未写出：再次 export 即写出", "not written yet: the next export writes it")
_KEPT = Text(
    "第 {number} 号已生成并保留，再次执行即写出",
    "number {number} is made and kept; the next export writes it",
)


def peer(arguments: Namespace) -> int:
    """Register a peer installation, and print what its operator needs."""
    return asyncio.run(_peer(arguments))


def export(arguments: Namespace) -> int:
    """Make packages of all new figures, or write an earlier one again."""
    return asyncio.run(_export(arguments))


def take(arguments: Namespace) -> int:
    """Take packages in by their numbers; 1 if one failed."""
    return asyncio.run(_each(arguments, _take_all))


def receipt(arguments: Namespace) -> int:
    """Close packages by receipts; 1 if one failed."""
    return asyncio.run(_each(arguments, _acknowledge_all))


def show(arguments: Namespace) -> int:
    """Print every package, and those without a receipt."""
    return asyncio.run(_show(arguments))


@asynccontextmanager
async def _desk(arguments: Namespace) -> AsyncIterator[tuple[Ledger, str, Language, Seal]]:
    """Yield the open ledger, the selected city, the language and the seal."""
    seal = seal_here()
    if seal is None:
        raise ConsoleError("no WUFEI_SECRET_KEY is set: there is nothing to sign with")
    async with open_ledger() as ledger:
        language: Language = arguments.language or terminal_language()
        city_code = await enter_city_meant(ledger, arguments.city, language)
        try:
            yield ledger, city_code, language, seal
        except PackageRefused as error:
            raise ConsoleError(error.said.in_(language)) from None


async def _peer(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, _, seal):
        secret = new_key("v1").text if arguments.new_secret else None
        if arguments.secret_file is not None:
            secret = _read(arguments.secret_file).decode("utf-8", "replace")
        keys = None if arguments.public_key is None else tuple(arguments.public_key)
        request = PeerRequest(
            arguments.plan, arguments.peer, arguments.own, arguments.key, secret, keys
        )
        async with ledger.database.transaction() as session:
            made = await register_peer(
                session,
                city,
                request,
                actor=operator(city),
                seal=seal,
                now=ledger.clock.true_now(),
            )
        print(f"peer        {made.peer_code}")
        print(f"public key  {own_key(seal).public_text}")
        if arguments.new_secret:
            print(f"secret      {secret}")
    return 0


def _read(path: Path) -> bytes:
    """Return a file's content, or as much of it as proves that it is too large.

    Raises:
        ConsoleError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConsoleError(f"cannot read {path}: {error.strerror}") from None


async def _export(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, language, seal):
        if arguments.number is not None:
            return await _export_again(ledger, city, arguments, language)
        if arguments.whole and not arguments.dry_run:
            async with ledger.database.transaction() as session:
                found = await locked_peer(session, city, arguments.plan, arguments.peer)
                await carry_whole(session, found, now=ledger.clock.true_now())
        number = 0
        while True:
            # Numbers are stored before their files are written, so packages that failed to be
            # written are first.
            row = await _next(ledger, city, arguments, seal)
            if row is None:
                if not number:
                    print(_NOTHING.in_(language))
                return 0
            number = row.number
            if arguments.dry_run:
                print(_WOULD_MAKE.format(number=number, items=row.items).in_(language))
                return 0
            await _write(ledger, city, arguments, row, language)


async def _next(
    ledger: Ledger, city: str, arguments: Namespace, seal: Seal
) -> CarriedPackage | None:
    async with _undone(ledger) if arguments.dry_run else ledger.database.transaction() as session:
        found = await locked_peer(session, city, arguments.plan, arguments.peer)
        if arguments.dry_run and arguments.whole:
            await carry_whole(session, found, now=ledger.clock.true_now())
        row = await next_to_write(session, found, seal=seal, now=ledger.clock.true_now())
        if row is not None:
            # It is used after the transaction, whatever its outcome.
            session.expunge(row)
        return row


async def _write(
    ledger: Ledger, city: str, arguments: Namespace, row: CarriedPackage, language: Language
) -> None:
    """Write a package's stored file to the disc, and note that.

    Raises:
        ConsoleError: its file is no longer stored, or cannot be written; the message says what to
            do.
    """
    if row.content is None:
        raise ConsoleError(_GONE.format(number=row.number).in_(language))
    try:
        path = write_whole(arguments.out, row.file_name, row.content)
    except ConsoleError as error:
        kept = _KEPT.format(number=row.number).in_(language)
        raise ConsoleError(f"{error}; {kept}") from None
    async with ledger.database.transaction() as session:
        found = await locked_peer(session, city, arguments.plan, arguments.peer)
        await note_written(session, found, row.number, now=ledger.clock.true_now())
    print(_MADE.format(path=path, number=row.number, items=row.items).in_(language))


@asynccontextmanager
async def _undone(ledger: Ledger) -> AsyncIterator[AsyncSession]:
    """Yield a transaction that is rolled back, for an exact dry run."""
    async with ledger.database.sessions() as session, session.begin() as transaction:
        yield session
        await transaction.rollback()


async def _export_again(ledger: Ledger, city: str, arguments: Namespace, language: Language) -> int:
    async with ledger.database.transaction() as session:
        found = await locked_peer(session, city, arguments.plan, arguments.peer)
        row = await queries.carried(session, found, "out", arguments.number)
    if row is None:
        raise ConsoleError(_GONE.format(number=arguments.number).in_(language))
    await _write(ledger, city, arguments, row, language)
    return 0


async def _each(arguments: Namespace, work: Any) -> int:
    """Open every file, report the altered ones, and process the others by number."""
    async with _desk(arguments) as desk:
        good: dict[Path, CarriedFile] = {}
        bad = False
        for path in arguments.files:
            try:
                good[path] = opened(_read(path))
            except NotCarried as error:
                bad = True
                for fault in error.faults:
                    _say(path, f"{fault.place}: {fault.said.in_(desk[2])}", bad=True)
        manifests = {path: one.manifest for path, one in good.items()}
        turn = sorted(good, key=lambda path: (manifests[path].sender, manifests[path].number))
        refused = await work(arguments, desk, {path: good[path] for path in turn})
    return int(bad or refused)


def _say(path: Path, words: str, *, bad: bool = False) -> None:
    print(f"{path.name}: {words}", file=sys.stderr if bad else sys.stdout, flush=True)


_Desk = tuple[Ledger, str, Language, Seal]


async def _take_all(arguments: Namespace, desk: _Desk, files: Mapping[Path, CarriedFile]) -> bool:
    refused = False
    if not arguments.dry_run:
        for path, one in files.items():
            refused |= await _take_one(arguments, desk, path, one)
        return refused
    # One transaction for all, rolled back at the end, so that each is judged as in the real run.
    async with _undone(desk[0]) as session:
        for path, one in files.items():
            refused |= await _take_one(arguments, desk, path, one, session)
    print(_DRY.in_(desk[2]))
    return refused


async def _take_one(
    arguments: Namespace,
    desk: _Desk,
    path: Path,
    one: CarriedFile,
    trying: AsyncSession | None = None,
) -> bool:
    """Take a package in, or try it; return whether it needs attention."""
    ledger, city, language, seal = desk
    try:
        async with _within(ledger, trying) as session:
            ready = await make_ready(session, city, one, seal=seal, now=ledger.clock.now())
        async with _within(ledger, trying) as session:
            taken = await take_in(session, ready, seal=seal, now=ledger.clock.now())
    except PackageRefused as error:
        _say(path, error.said.in_(language), bad=True)
        return True
    bad = taken.judged.verdict not in {"next", "repeated"}
    _say(path, taken.judged.said.in_(language), bad=bad)
    if taken.counts:
        _say(path, _COUNTS.format(**taken.counts).in_(language))
    for line in (*taken.refused, *taken.warned):
        _say(path, line)
    if taken.receipt is not None and trying is None:
        kept = write_whole(arguments.receipts or path.parent, *taken.receipt)
        _say(path, _RECEIPT.format(path=kept).in_(language))
    return bad


@asynccontextmanager
async def _within(ledger: Ledger, trying: AsyncSession | None) -> AsyncIterator[AsyncSession]:
    if trying is not None:
        yield trying
        return
    async with ledger.database.transaction() as session:
        yield session


async def _acknowledge_all(
    _arguments: Namespace, desk: _Desk, files: Mapping[Path, CarriedFile]
) -> bool:
    ledger, city, language, seal = desk
    refused = False
    for path, one in files.items():
        try:
            async with ledger.database.transaction() as session:
                now = ledger.clock.true_now()
                done = await acknowledge(session, city, one, seal=seal, now=now)
        except PackageRefused as error:
            refused = True
            _say(path, error.said.in_(language), bad=True)
            continue
        words = _AGAIN if done.again else _CLOSED
        _say(path, words.format(number=done.number).in_(language))
        _say(path, _COUNTS.format(**done.counts).in_(language))
        for line in (*done.refused, *done.warned):
            _say(path, line)
    return refused


async def _show(arguments: Namespace) -> int:
    async with _desk(arguments) as (ledger, city, language, _):
        await _show_city(ledger, city, language)
    return 0


async def _show_city(ledger: Ledger, city: str, language: Language) -> None:
    async with ledger.database.sessions() as session:
        for one in await queries.peers(session, city):
            print(f"{one.plan_code}  {one.own_code} ↔ {one.peer_code}")
            for direction in ("out", "in"):
                await _show_all(session, one, direction, language)


async def _show_all(
    session: AsyncSession, of: PackagePeer, direction: str, language: Language
) -> None:
    after = 0
    while True:
        rows: Sequence[Any] = await queries.listed(session, of, direction, after=after, limit=_PAGE)
        for row in rows:
            said = _OPEN if row.counts is None else _COUNTS.format(**row.counts)
            if row.counts is None and row.written_at is None:
                said = _UNWRITTEN
            print(f"  {direction:<4}{row.number:>6}  {row.items:>5}  {said.in_(language)}")
        if len(rows) < _PAGE:
            return
        after = rows[-1].number
