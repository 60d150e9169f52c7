"""Checks the file store: whether it accepts files, and which files it has lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from uuid import UUID

from services.console.doctor.findings import Finding
from services.core.evidence import queries
from services.core.evidence.keeping import missing_files
from services.core.evidence.models import Evidence
from services.core.evidence.ownership import owner_of
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database, connect
from services.core.kit.file_places import open_store
from services.core.kit.file_store import FileStore, FileStoreUnavailable
from services.core.kit.outage import told_of
from services.core.kit.text import Text

_NAMED = 5
_PROBE = "probe"
"""The key of a test file; real keys have a folder."""


async def files(url: str, place: str | None) -> Finding:
    """Check that the store at `place` accepts files, and has every recorded one."""
    if place is None:
        said = Text("没有设 WUFEI_FILES，不接受佐证材料", "WUFEI_FILES is not set: none are taken")
        return Finding("files", said)
    try:
        async with connect(url, size=1, application_name="wufei-doctor") as database:
            store = open_store(place)
            absent = await asyncio.to_thread(lambda: [*_absent_folders(place)])
            if not absent:
                await _try(store)
            found = await _judged(database, store, is_there=not absent)
            if absent and found.good:
                await _try_making(store, absent)
            return found
    except FileStoreUnavailable as error:
        cause = told_of(error)
        said = Text(f"{place} 没有应答：{cause}", f"{place}: {cause}")
        todo = Text(
            "看 WUFEI_FILES 所指的目录或存储桶是否可达、可写",
            "see whether the directory or the bucket of WUFEI_FILES can be reached and written to",
        )
        return Finding("files", said, good=False, todo=todo)


_OF_ANOTHER = Finding(
    "files",
    Text(
        "登记的佐证材料都在；但该存储归另一数据库所有（例如本库由备份恢复而来），不清理其中的文件",
        "every file on record is there, and the store is another database's, as after a restore:"
        " nothing is dropped from it",
    ),
    good=False,
    todo=Text(
        "确认今后由本数据库继续使用后，运行 wufei files own",
        "once this database is the one that goes on, run `wufei files own`",
    ),
)


def _absent_folders(place: str) -> Iterator[Path]:
    """Yield the missing folders of a place, innermost first; a bucket has none."""
    folder = Path(place)
    while folder.is_absolute() and not folder.exists():
        yield folder
        folder = folder.parent


async def _try(store: FileStore) -> None:
    """Store a file and delete it again.

    Raises:
        FileStoreUnavailable: it cannot be stored or deleted.
    """

    async def parts() -> AsyncIterator[bytes]:
        yield b"wufei doctor\n"

    await store.put(_PROBE, parts())
    await store.delete(_PROBE)


async def _try_making(store: FileStore, absent: Sequence[Path]) -> None:
    """Do the same in a missing folder, and remove that again: it would belong to our user."""
    try:
        await _try(store)
    finally:
        for folder in absent:
            with suppress(OSError):
                await asyncio.to_thread(folder.rmdir)


async def _judged(database: Database, store: FileStore, *, is_there: bool) -> Finding:
    async with database.sessions() as session:
        cities = await city_codes(session)
        ours = await queries.this_database(session)
    named: list[str] = []
    missing = count(1)
    number = 0
    for city_code in cities:

        async def some_kept(
            after: UUID | None, limit: int, city_code: str = city_code
        ) -> Sequence[Evidence]:
            async with database.sessions() as session:
                return await queries.some_kept(session, city_code, after=after, limit=limit)

        with in_city(city_code):
            async for row in missing_files(store, city_code, some_kept):
                number = next(missing)
                if len(named) < _NAMED:
                    named.append(f"{city_code}/{row.id} ({row.file_name})")
    if not number and await owner_of(store) not in {None, ours}:
        return _OF_ANOTHER
    if not number:
        return Finding("files", Text("登记的佐证材料都在", "every file on record is there"))
    shown = ", ".join(named)
    said = Text(
        f"{number} 件佐证材料已登记而存储中没有：{shown}",
        f"{number} on record and not in the store: {shown}",
    )
    todo = Text(
        "从备份恢复这些文件到 WUFEI_FILES；文件名即编号",
        "restore them from a backup of WUFEI_FILES: files are called by their ids",
    )
    if not is_there:
        todo = Text(
            "WUFEI_FILES 所指的目录不存在：先看是否写错、是否未挂载，再考虑从备份恢复",
            "the directory of WUFEI_FILES is not there: see whether it is mistyped or not mounted,"
            " before anything is restored",
        )
    return Finding("files", said, good=False, todo=todo)
