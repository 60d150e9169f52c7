"""`wufei demo`: walks a month of the plan on a set clock, and leaves the system in that state.

It does everything through the API, with keys of the units concerned, on servers and data of its
own; it prints what the numbered log holds. Every text says that it is a demonstration.
"""

import asyncio
import shutil
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.console.clock_setting import settled_clock
from services.console.data_directory import DataDirectory
from services.console.demo.stage import Line, Stage, open_stage
from services.console.demo.story import (
    DAYS,
    FIRST_MORNING,
    OFFICE,
    bulletin,
    demonstration_plan,
    link_to_the_board,
    walk,
)
from services.console.embedded.servers import Servers
from services.console.errors import ConsoleError
from services.console.prepare import prepare
from services.console.settings import UpSettings

_MARK = "demonstration"
"""The file that marks a data directory as a demonstration's, which may be replaced."""


_NARROWEST = 120


def run(_arguments: Namespace) -> int:
    """Walk the month, print the events, and say how to go on from there."""
    return asyncio.run(_run(UpSettings.read()))


async def _run(settings: UpSettings) -> int:
    if settings.database_url is not None:
        raise ConsoleError("the demonstration runs on servers of its own; unset DATABASE_URL")
    folder = DataDirectory(settings.data_dir).demonstration
    _clear(folder)
    console = Console()
    console.width = max(console.width, _NARROWEST)
    async with _stage(settings, DataDirectory(folder)) as stage:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        ) as progress:
            days = progress.add_task("演示 demonstration", total=len(DAYS))
            async for day in walk(stage):
                progress.update(days, advance=1, description=f"演示 {day:%Y-%m-%d}")
        papers, board = await bulletin(stage), await link_to_the_board(stage)
        told = await stage.told(OFFICE)
        settled_clock(stage.directory.clock, stage.now)
    console.print(_table(told))
    for name, content in papers.items():
        (folder / name).write_bytes(content)
    for line in _ending(settings, folder, told, board, papers):
        console.print(line, soft_wrap=True)
    return 0


def _clear(folder: Path) -> None:
    """Delete an earlier demonstration's data; no other directory is touched."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / _MARK).exists():
        raise ConsoleError(f"{folder} is not empty and holds no demonstration")
    directory = DataDirectory(folder)
    if directory.in_use():
        raise ConsoleError(f"a `wufei up` is using {folder}; stop it first")
    layout = directory.layout()
    if layout is not None and layout.servers is not None:
        shutil.rmtree(layout.servers)
    shutil.rmtree(folder)


@asynccontextmanager
async def _stage(settings: UpSettings, directory: DataDirectory) -> AsyncIterator[Stage]:
    with directory.locked():
        servers = Servers(settings, directory, say=print, changed=lambda: None)
        (directory.path / _MARK).touch()
        clock = settled_clock(directory.clock, FIRST_MORNING)
        try:
            async with asyncio.TaskGroup() as tasks:
                try:
                    await servers.start(tasks)
                    await prepare(
                        servers.owner_url,
                        servers.database_url,
                        admin_key=directory.admin_key,
                        clock=clock,
                        plan=demonstration_plan(),
                    )
                    async with open_stage(servers.database_url, directory, clock) as stage:
                        yield stage
                finally:
                    await servers.stop()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


def _table(told: list[Line]) -> Table:
    table = Table(title="演示数据：日志所记 (demonstration data: what the log holds)")
    for name in ("日期 date", "谁 who", "何事 what", "内容 about"):
        table.add_column(name)
    for line in told:
        table.add_row(line.day, line.who, line.what, line.about)
    return table


def _ending(
    settings: UpSettings, folder: Path, told: list[Line], board: str, papers: Iterable[str]
) -> list[str]:
    return [
        f"{len(told)} 条 (lines). 演示数据保存在 (the demonstration is kept in) {folder}",
        f"通报 (the bulletin): {'、'.join(str(folder / name) for name in papers)}",
        f"继续 (go on from there): WUFEI_DATA_DIR='{folder}' make run",
        f"然后打开看板 (and then open the board): http://127.0.0.1:{settings.port}{board}",
    ]
