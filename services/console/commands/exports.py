"""`wufei export`: downloads a list, a comparison or a form as a file: all of it, or none.

The download is written beside the file and replaces it once it is complete.
"""

import os
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.console.calling import api_client, no_answer, refusal
from services.console.counting_rows import counter_of
from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.core.kit.text import Language, Text

_SUFFIXES = (".csv", ".xlsx", ".zip")
_CHUNK = 1 << 16

_FETCHING = Text("下载 {what}；Ctrl-C 取消", "Fetching {what}; Ctrl-C cancels it")
_ROWS = Text("{rows} 行（{rate}/秒）", "{rows} rows ({rate}/s)")
_DONE = Text("{path}：{size} 字节，{seconds} 秒", "{path}: {size} bytes in {seconds} s")
_DONE_ROWS = Text(
    "{path}：{rows} 行，{size} 字节，{seconds} 秒",
    "{path}: {rows} rows, {size} bytes in {seconds} s",
)
_KEPT_NOTHING = Text("已取消：没有保留任何内容", "Cancelled: nothing was kept")
_BROKEN_OFF = Text(
    "文件没有传完，没有保留任何内容：请重试（{cause}）",
    "The file did not come whole, and nothing was kept: try again ({cause})",
)


def run(arguments: Namespace) -> int:
    """Download a file; 1 if it is refused or incomplete."""
    language: Language = arguments.language or terminal_language()
    target: Path = arguments.file
    if target.suffix.lower() not in _SUFFIXES:
        raise ConsoleError(f"name the file {', '.join(f'NAME{one}' for one in _SUFFIXES)}")
    if target.exists() and not arguments.force:
        raise ConsoleError(f"{target} is there already: with --force it is replaced")
    with api_client(arguments.url, language) as client:
        return _Export(client, language, target).run(arguments)


def path_of(what: str, plan: str | None, suffix: str) -> str:
    """Return the path below `/v1/` of a resource, by its name in a plan or from the root.

    Raises:
        ConsoleError: it belongs to a plan, and none is named.
    """
    name = what.strip("/").removeprefix("v1/")
    if what.startswith("/"):
        return f"{name}{suffix}"
    if plan is None:
        raise ConsoleError(f"name the plan of {what} with --plan, or write a path such as /alerts")
    return f"plans/{plan}/{name}{suffix}"


def asked_of(said: list[str]) -> tuple[tuple[str, str], ...]:
    """Return filters by name.

    Raises:
        ConsoleError: one is not written as NAME=VALUE.
    """
    pairs = [one.partition("=") for one in said]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise ConsoleError(f"write a filter as NAME=VALUE: {name}{equals}{value}")
    return tuple((name, value) for name, _, value in pairs)


class _Export:
    """A download."""

    def __init__(self, client: httpx.Client, language: Language, target: Path) -> None:
        self._client = client
        self._language = language
        self._target = target
        self._console = Console(highlight=False, soft_wrap=True)

    def run(self, arguments: Namespace) -> int:
        """Download it, and put it in its place."""
        suffix = self._target.suffix.lower()
        path = path_of(arguments.what, arguments.plan, suffix)
        try:
            with (
                self._client.stream("GET", path, params=asked_of(arguments.where)) as answer,
                self._beside() as file,
            ):
                if answer.is_error:
                    answer.read()
                    raise refusal(answer)
                self._say(_FETCHING, what=path)
                self._take(answer, file, suffix)
        except httpx.TransportError as error:
            raise no_answer(self._client, error) from None
        except KeyboardInterrupt:
            self._say(_KEPT_NOTHING)
            return 1
        return 0

    @contextmanager
    def _beside(self) -> Iterator[BinaryIO]:
        """Yield a temporary file that replaces the wanted one only on success."""
        part = self._target.with_name(f".{self._target.name}.{os.getpid()}.part")
        try:
            with part.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._target)
        except OSError as error:
            raise ConsoleError(f"cannot write {self._target}: {error.strerror}") from None
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _take(self, answer: httpx.Response, file: BinaryIO, suffix: str) -> None:
        """Write the download, and show the progress."""
        sized = "Content-Encoding" not in answer.headers
        total = int(answer.headers.get("Content-Length", 0)) or None if sized else None
        counter, begun, size = counter_of(suffix), time.monotonic(), 0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[said]}"),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(self._target.name, total=total, said="")
            for piece in self._pieces(answer):
                file.write(piece)
                size += len(piece)
                said = ""
                if counter is not None:
                    counter.hear(piece)
                    rate = round(counter.rows / max(time.monotonic() - begun, 0.001))
                    said = _ROWS.format(rows=counter.rows, rate=rate).in_(self._language)
                bar.update(task, completed=size, said=said)
        seconds = f"{time.monotonic() - begun:.1f}"
        told = {"path": self._target, "size": size, "seconds": seconds}
        if counter is None:
            self._say(_DONE, **told)
        else:
            self._say(_DONE_ROWS, rows=counter.rows, **told)

    def _pieces(self, answer: httpx.Response) -> Iterator[bytes]:
        """Yield the pieces of the download.

        Raises:
            ConsoleError: it ends before it is complete.
        """
        try:
            yield from answer.iter_bytes(_CHUNK)
        except httpx.TransportError as error:
            raise ConsoleError(_BROKEN_OFF.format(cause=error).in_(self._language)) from None

    def _say(self, words: Text, **values: object) -> None:
        self._console.print(words.format(**values).in_(self._language), markup=False)
        self._console.file.flush()
