"""`wufei audit verify` and `export`: verifies the chain against its rows, or exports it."""

import asyncio
import re
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.ledger import cities_meant, enter_city_meant, open_ledger, seal_here
from services.console.walkers import processes_for, walkers
from services.core.audit import lines, linking, proving
from services.core.audit.canonical import ChainHead
from services.core.audit.queries import last_number
from services.core.audit.service import note
from services.core.audit.verifying import Breach, Chain
from services.core.audit.walking import Walk
from services.core.identity.actor import operator
from services.core.kit.city_scope import in_city
from services.core.kit.database import snapshot_of
from services.core.kit.signatures import Signer
from services.core.kit.text import Language, Text

_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
_KEY = re.compile(r"[0-9a-f]{64}")
_TOLD_EVERY = 50_000

_WHOLE = Text(
    "{city}：1 至 {number} 条完好（{seconds} 秒，每秒 {rate} 条）；链头 {number}:{digest}",
    "{city}: whole up to number {number} ({seconds} s, {rate} rows/s); head {number}:{digest}",
)
_BROKEN = Text(
    "{city}：第 {number} 条，记录 {row}：{said}", "{city}: number {number}, row {row}: {said}"
)
_SIGNED = Text(
    "{city}：签名链头 {signed} 个，最后一个 {day}，第 {number} 条，公钥 {key}",
    "{city}: {signed} signed heads; the last is of {day}, number {number}, by the key {key}",
)
_UNSIGNED = Text(
    "{city}：没有签名的链头；能写数据库的人可以重做整条链，只有另记的链头（--head）能看出来",
    "{city}: no head is signed: whoever can write to the database may have made all of the chain"
    " anew, and only a head that was noted elsewhere (--head) tells",
)
_STRANGERS = Text(
    "{city}：{count} 个更早的链头由此处不信任的公钥签名（{keys}），由其后的签名涵盖；"
    "若不是更换前的密钥，请查明",
    "{city}: {count} earlier heads are signed by keys that are not trusted here ({keys}), and a"
    " later signature covers them; where those are no keys of yours that were replaced, look into"
    " it",
)
_DROPPED = Text(
    "{city}：{dropped} 条记录已按保存期限删除，签名链头许可",
    "{city}: {dropped} entries were dropped when they were too old, as a signed head allows",
)
_WAITING = Text("{city}：{waiting} 条还未入链", "{city}: {waiting} rows are not in the chain yet")
_ANY_KEY = Text(
    "没有给出公钥：请核对上面的公钥与您另记的是否一致",
    "No public key was given: compare the one above with what you noted elsewhere",
)


def verify(arguments: Namespace) -> int:
    """Verify the database's chains, or a file's; 1 if something is wrong."""
    language: Language = arguments.language or terminal_language()
    noted = [_noted(one) for one in arguments.head or ()]
    trusted = _trusted(arguments.public_key or ())
    if arguments.file is not None:
        return _verify_file(arguments.file, trusted, noted, language)
    return asyncio.run(_verify(arguments.city, trusted, noted, language))


def export(arguments: Namespace) -> int:
    """Write the audit of a city to a file, or to the terminal."""
    return asyncio.run(_export(arguments))


def _noted(said: str) -> ChainHead:
    found = _HEAD.fullmatch(said.lower())
    if found is None:
        raise ConsoleError(f"{said} is no head: write its number, a colon and 64 digits")
    return ChainHead(int(found[1]), bytes.fromhex(found[2]))


def _trusted(given: Sequence[str]) -> frozenset[bytes] | None:
    """Return the trusted public keys: those given and our own; None: there are none."""
    for one in given:
        if _KEY.fullmatch(one.lower()) is None:
            raise ConsoleError(f"{one} is no public key: write its 64 digits")
    signer = _signer()
    own = [] if signer is None else signer.public_keys
    return frozenset([*own, *map(bytes.fromhex, given)]) or None


def _signer() -> Signer | None:
    """Return the signer of heads; None: there is no key."""
    seal = seal_here()
    return None if seal is None else Signer(seal, linking.PURPOSE)


async def _verify(
    city: str | None, trusted: frozenset[bytes] | None, noted: list[ChainHead], language: Language
) -> int:
    broken = False
    async with open_ledger() as ledger:
        for city_code in await cities_meant(ledger, city, language):
            began = time.perf_counter()
            with in_city(city_code):
                async with ledger.database.sessions() as session:
                    alike = {"isolation_level": "REPEATABLE READ"}
                    _ = await session.connection(execution_options=alike)
                    verdict = await proving.verify(
                        session,
                        city_code,
                        trusted=trusted,
                        noted=noted,
                        tell=_progress(),
                        apart=await _apart(session, ledger.database.dsn, city_code),
                    )
            _tell(verdict.chain, verdict.breach, language, time.perf_counter() - began)
            _tell_heads(verdict.chain, language, known=trusted is not None)
            if verdict.waiting:
                said = _WAITING.format(city=city_code, waiting=verdict.waiting)
                print(said.in_(language))
            broken |= verdict.breach is not None
    return int(broken)


async def _apart(session: AsyncSession, url: str, city_code: str) -> tuple[Walk, int] | None:
    """Return the walker of a long chain with several processes, and their number; None: alone."""
    number = processes_for(await last_number(session, city_code))
    if number == 1:
        return None
    return walkers(url, await snapshot_of(session)), number


def _progress() -> Callable[[int], None]:
    """Return a callback that prints the progress now and then, on a terminal."""
    last = 0

    def tell(number: int) -> None:
        nonlocal last
        if number - last >= _TOLD_EVERY and sys.stderr.isatty():
            last = number
            print(f"… {number}", file=sys.stderr)

    return tell


def _tell(chain: Chain, breach: Breach | None, language: Language, seconds: float) -> None:
    if breach is None:
        said = _WHOLE.format(
            city=chain.city_code,
            number=chain.number,
            digest=chain.digest.hex(),
            seconds=f"{seconds:.1f}",
            rate=round(chain.number / max(seconds, 1e-9)),
        )
    else:
        known = breach.number, breach.row_id
        number, row = ("-" if one is None else one for one in known)
        told = breach.said.in_(language)
        said = _BROKEN.format(city=chain.city_code, number=number, row=row, said=told)
    print(said.in_(language))


def _tell_heads(chain: Chain, language: Language, *, known: bool) -> None:
    last = chain.last_signed
    if last is None or last.signature is None:
        print(_UNSIGNED.format(city=chain.city_code).in_(language))
    else:
        said = _SIGNED.format(
            city=chain.city_code,
            signed=chain.signed,
            day=last.day,
            number=last.number,
            key=last.signature.public_key.hex(),
        )
        print(said.in_(language))
        if not known:
            print(_ANY_KEY.in_(language))
    covered = [one.signature for one in chain.strangers[: chain.covered]]
    keys = sorted({one.public_key.hex() for one in covered if one is not None})
    if keys:
        told = _STRANGERS.format(city=chain.city_code, count=len(covered), keys=", ".join(keys))
        print(told.in_(language))
    if chain.dropped:
        print(_DROPPED.format(city=chain.city_code, dropped=chain.dropped).in_(language))


def _verify_file(
    path: Path, trusted: frozenset[bytes] | None, noted: list[ChainHead], language: Language
) -> int:
    began = time.perf_counter()
    try:
        with path.open("rb") as file:
            chain, breach = lines.verify_lines(file, trusted=trusted, noted=noted)
    except OSError as error:
        raise ConsoleError(f"cannot read {path}: {error.strerror}") from None
    except lines.NotAnExport:
        raise ConsoleError(f"{path} is no export of an audit, or its first line changed") from None
    _tell(chain, breach, language, time.perf_counter() - began)
    _tell_heads(chain, language, known=trusted is not None)
    return int(breach is not None)


async def _export(arguments: Namespace) -> int:
    signer = _signer()
    async with open_ledger() as ledger:
        city_code = await enter_city_meant(ledger, arguments.city, terminal_language())
        async with ledger.database.transaction() as session:
            begun = await proving.begin_file(session, city_code, after=arguments.after)
            await note(
                session,
                city_code=city_code,
                action="audit.exported",
                subject=("audit", city_code),
                actor=operator(city_code).stamp(),
                data={"after": arguments.after, "upto": begun.head.number},
                at=ledger.clock.true_now(),
            )
        with _target(arguments.out) as target:
            target.write(begun.first)
            after = arguments.after
            while after < begun.head.number:
                async with ledger.database.sessions() as session:
                    more, after = await begun.lines(session, after)
                target.write(more)
            target.write(begun.last(signer, at=ledger.clock.true_now()))
    return 0


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with out.open("xb") as file:
            yield file
    except OSError as error:
        raise ConsoleError(f"cannot write {out}: {error.strerror}") from None
