"""Checks the running embedded system: its processes, the API's answer, its disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from services.console.answers import status
from services.console.doctor.findings import Finding
from services.console.running import Running
from services.core.kit.text import Text

_READY = 200
_PARTS = ("api", "worker")
_FULL, _FILLING = 0.03, 0.10
"""Shares of a disk: with less than the first left a fault is near, with less than the second it
will be."""


def processes(running: Running) -> Iterator[Finding]:
    """Check whether each process of a running system is alive."""
    said = Text(f"进程 {running.pid}", f"process {running.pid}")
    yield Finding("supervisor", said, good=_alive(running.pid))
    for name in (*running.parts, *(part for part in _PARTS if part not in running.parts)):
        pid = running.parts.get(name)
        if pid is not None and _alive(pid):
            yield Finding(name, Text(f"进程 {pid}", f"process {pid}"))
            continue
        yield Finding(
            name,
            Text("没有运行", "not running"),
            good=False,
            todo=Text(
                f"监管进程会重新启动它；若一直如此，请看 log/{name}.log",
                f"the supervisor starts it again; if it stays so, read log/{name}.log",
            ),
        )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def api(running: Running) -> Finding:
    """Check whether the API is ready."""
    code = await status(running.host, running.port, "/readyz")
    place = f"{running.host}:{running.port}"
    if code == _READY:
        said = Text(f"{place} /readyz 答 {code}", f"{place} /readyz answers {code}")
        return Finding("api answers", said)
    if code is None:
        said = Text(f"{place} 没有应答", f"{place} no answer")
    else:
        said = Text(f"{place} /readyz 答 {code}", f"{place} /readyz answers {code}")
    todo = Text(
        f"打开 http://{place}/readyz，其中写明哪个部分 failed；再看 log/api.log",
        f"open http://{place}/readyz: it names the part that failed; then read log/api.log",
    )
    return Finding("api answers", said, good=False, todo=todo)


def disk(folder: Path) -> Finding:
    """Check the free space where the embedded database writes."""
    room = shutil.disk_usage(folder)
    free, share = room.free / 2**30, room.free / room.total
    said = Text(
        f"{folder} 所在磁盘还剩 {free:.1f} GiB（{share:.0%}）",
        f"{free:.1f} GiB ({share:.0%}) left where {folder} is",
    )
    if share >= _FILLING:
        return Finding("disk", said)
    todo = Text(
        "腾出空间：磁盘满了，读取照常，写入会答 503",
        "make room: once the disk is full, reading goes on and writes are answered 503",
    )
    return Finding("disk", said, good=share >= _FULL, reminds=True, todo=todo)
