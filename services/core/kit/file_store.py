"""File stores: the interface of four verbs, and an implementation in a directory.

A file is complete under its key or absent, even if the process dies while writing it.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, ParamSpec, Protocol, TypeVar

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.ids import new_id
from services.core.kit.text import Text

PART_BYTES = 1024 * 1024
"""Files are read and written in chunks of this length, one at a time."""

_LISTED_AT_ONCE = 500
_Arguments = ParamSpec("_Arguments")
_Done = TypeVar("_Done")


class FileStoreUnavailable(DomainError):
    """The store of files does not answer, or takes no more; the request may be sent again."""

    code = "file-store-unavailable"
    kind = RefusalKind.UNAVAILABLE
    title = Text("文件存储暂不可用，请稍后重试", "The store of files is not available; try again")


class FileStoreNotSet(DomainError):
    """This deployment was told of no store to keep files in."""

    code = "file-store-not-set"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "本部署未设置文件存储（WUFEI_FILES），不能保存佐证材料",
        "This deployment has no WUFEI_FILES to keep files of evidence in",
    )


class FileMissing(DomainError):
    """The ledger knows of the file and the store does not have it: tell whoever runs this."""

    code = "file-missing"
    kind = RefusalKind.UNAVAILABLE
    title = Text(
        "文件已登记但存储中没有，请联系管理员",
        "The file is on record and not in the store: tell whoever runs this deployment",
    )


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store: its key, and its length in bytes."""

    key: str
    size: int


class FileSink(Protocol):
    """Takes files by keys of plain words separated by slashes; others read them there."""

    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Store a file; if `parts` raises, nothing is stored and the exception propagates.

        Raises:
            FileStoreUnavailable: it cannot be stored now.
        """


class FileStore(FileSink, Protocol):
    """Stores files and reads them back."""

    def open(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a file.

        Raises:
            FileMissing: there is none; raised with the first chunk.
            FileStoreUnavailable: it cannot be read now.
        """

    async def delete(self, key: str) -> None:
        """Delete a file; a missing one counts as deleted.

        Raises:
            FileStoreUnavailable: it cannot be deleted now.
        """

    def list(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield the files whose keys begin with `prefix`, which ends in a slash.

        Raises:
            FileStoreUnavailable: they cannot be listed now.
        """


class DirectoryStore:
    """Files in a directory of this machine, or in one that several machines share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Store a file: write a draft beside it, fsync, then rename."""
        place = self._folder / key
        # The draft's name begins with a dot, as no key does.
        draft = place.with_name(f".{place.name}.{new_id()}")
        file = await _on_disk(_begun, draft)
        try:
            async for part in parts:
                await _on_disk(file.write, part)
            await _on_disk(_finish, file, draft, place)
        except BaseException:
            # Not awaited, because a cancelled task must not start new work.
            file.close()
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    async def open(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a file."""
        try:
            file = await asyncio.to_thread((self._folder / key).open, "rb")
        except FileNotFoundError:
            raise FileMissing from None
        except OSError as error:
            raise FileStoreUnavailable from error
        try:
            while part := await _on_disk(file.read, PART_BYTES):
                yield part
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        """Delete a file."""
        await _on_disk((self._folder / key).unlink, missing_ok=True)

    async def list(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield the files below a folder, abandoned drafts included."""
        found = _below(self._folder, self._folder / prefix)
        while batch := await _on_disk(_some_of, found):
            for one in batch:
                yield one


def _begun(draft: Path) -> BinaryIO:
    draft.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    return os.fdopen(descriptor, "wb")


def _finish(file: BinaryIO, draft: Path, place: Path) -> None:
    """Fsync a file, give it its name, and fsync its folder."""
    with file:
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _below(root: Path, folder: Path) -> Iterator[StoredFile]:
    """Yield the files below a folder, without holding all names in memory."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(root, Path(entry.path))
                continue
            with suppress(FileNotFoundError):  # deleted meanwhile
                size = entry.stat(follow_symlinks=False).st_size
                yield StoredFile(Path(entry.path).relative_to(root).as_posix(), size)


def _some_of(found: Iterator[StoredFile]) -> list[StoredFile]:
    return list(islice(found, _LISTED_AT_ONCE))


async def _on_disk(
    work: Callable[_Arguments, _Done], *args: _Arguments.args, **members: _Arguments.kwargs
) -> _Done:
    """Run blocking disk work in a thread.

    Raises:
        FileStoreUnavailable: the disk is full, gone, or not writable.
    """
    try:
        return await asyncio.to_thread(work, *args, **members)
    except OSError as error:
        raise FileStoreUnavailable from error
