"""The contents of an evidence archive: the path of each file in it, and the manifest. Pure."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO
from zoneinfo import ZoneInfo

from typing_extensions import Buffer, override

from services.core.evidence.models import Evidence
from services.core.kit.file_names import as_file_name
from services.core.kit.formula_cells import as_text
from services.core.kit.sm3 import sm3
from services.core.plan.state import PlanState

_LONGEST_PART = 60
_EARLIEST = 1980
LIST = "清单.csv"
"""What the list of all is called, which an archive ends with."""

HEADINGS = (
    *("路径", "编号", "事项", "事项编号", "单位代码", "单位", "指标或措施", "报告期"),
    *("文件名", "字节数", "SHA-256", "SM3", "上传时间", "状态"),
)


def path_of(row: Evidence, number: int, plan: PlanState) -> str:
    """Return where a file stands: unit, indicator, measure or register, period, number and name.

    The number makes it one of its own. No part leads anywhere else, on whatever system.
    """
    unit = row.organization_code
    parts = (
        plan.document.city.name if unit is None else plan.organization_name(unit),
        _of(row) or "-",
        row.period or row.subject_kind,
    )
    folders = [as_file_name(part)[:_LONGEST_PART] for part in parts]
    return "/".join((*folders, as_file_name(f"{number:05}_{row.file_name}")))


def _of(row: Evidence) -> str:
    # One column of the list for all three, whose heading archives of before have as well.
    return row.indicator_code or row.measure_code or row.register_code or ""


class ArchiveWriter:
    """Writes an archive part by part; what is ready is taken with `ready`.

    The files are stored as they are: most are compressed already. Nothing is held but the list.
    """

    def __init__(self, plan: PlanState) -> None:
        self._plan = plan
        self._zone = ZoneInfo(plan.document.time_zone)
        self._made = _Made()
        self._archive = zipfile.ZipFile(self._made, "w")
        self._list = io.StringIO()
        self._lines = csv.writer(self._list, lineterminator="\r\n")
        self._lines.writerow(HEADINGS)
        self.number = 0

    def begin(self, row: Evidence) -> IO[bytes]:
        """Return what takes the content of the next file."""
        self.number += 1
        path = path_of(row, self.number, self._plan)
        self._note(row, path, "")
        return self._archive.open(self._head(path, row.added_at), "w", force_zip64=True)

    def hold(self, path: str, content: bytes, at: datetime) -> None:
        """Write a file of our own beside the evidence, and note it with its digests."""
        self._archive.writestr(self._head(path, at), content)
        digests = hashlib.sha256(content).hexdigest(), sm3(content).hex()
        line = (path, "", "", "", "", "", "", "", path, len(content), *digests, "", "")
        self._lines.writerow(map(_cell, line))

    def lacks(self, row: Evidence) -> None:
        """Note a file that the store has lost."""
        self._note(row, "", "存储中没有")

    def end(self, at: datetime) -> None:
        """Write the list of all, and the end of the archive."""
        head = self._head(LIST, at)
        # A mark, so that spreadsheets read it as what it is.
        self._archive.writestr(head, "\ufeff" + self._list.getvalue())
        self._archive.close()

    def ready(self) -> bytes:
        """Return what was written since the last time."""
        return self._made.taken()

    def _head(self, path: str, at: datetime) -> zipfile.ZipInfo:
        local = at.astimezone(self._zone)
        moment = (max(local.year, _EARLIEST), *local.timetuple()[1:6])
        return zipfile.ZipInfo(path, moment)

    def _note(self, row: Evidence, path: str, standing: str) -> None:
        self._lines.writerow(map(_cell, self._told(row, path, standing)))

    def _told(self, row: Evidence, path: str, standing: str) -> Iterator[object]:
        unit = row.organization_code
        yield from (path, row.id, row.subject_kind, row.subject_id, unit or "")
        yield "" if unit is None else self._plan.organization_name(unit)
        yield from (_of(row), row.period or "", row.file_name)
        yield from (row.size, row.sha256, row.sm3)
        yield row.added_at.astimezone(self._zone).isoformat(timespec="seconds")
        yield standing


def _cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return as_text(str(value))


class _Made(io.RawIOBase):
    """Takes what is written and cannot go back in it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, part: Buffer, /) -> int:
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
