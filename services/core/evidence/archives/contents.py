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
"""The file name of the manifest, the last file of an archive."""

HEADINGS = (
    *("路径", "编号", "事项", "事项编号", "单位代码", "单位", "指标或措施", "报告期"),
    *("文件名", "字节数", "SHA-256", "SM3", "上传时间", "状态"),
)


def path_of(row: Evidence, number: int, plan: PlanState) -> str:
    """Return the path of a file: unit, indicator, measure or register, period, number and name.

    The number makes it unique. No part can escape the directory, on any system.
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
    # A single column for all three, because the manifests of earlier archives have this heading.
    return row.indicator_code or row.measure_code or row.register_code or ""


class ArchiveWriter:
    """Writes an archive part by part; `ready` returns the bytes written so far.

    Files are stored uncompressed, because most are compressed already. Only the manifest is kept in
    memory.
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
        """Return a stream for the content of the next file."""
        self.number += 1
        path = path_of(row, self.number, self._plan)
        self._note(row, path, "")
        return self._archive.open(self._head(path, row.added_at), "w", force_zip64=True)

    def hold(self, path: str, content: bytes, at: datetime) -> None:
        """Write an extra file of our own, and list it with its digests."""
        self._archive.writestr(self._head(path, at), content)
        digests = hashlib.sha256(content).hexdigest(), sm3(content).hex()
        line = (path, "", "", "", "", "", "", "", path, len(content), *digests, "", "")
        self._lines.writerow(map(_cell, line))

    def lacks(self, row: Evidence) -> None:
        """List a file that is missing in the store."""
        self._note(row, "", "存储中没有")

    def end(self, at: datetime) -> None:
        """Write the manifest, and the end of the archive."""
        head = self._head(LIST, at)
        # With a byte order mark, so that spreadsheets recognise UTF-8.
        self._archive.writestr(head, "\ufeff" + self._list.getvalue())
        self._archive.close()

    def ready(self) -> bytes:
        """Return the bytes written since the last call."""
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
    """Return a cell that spreadsheets do not interpret as a formula."""
    return as_text(str(value))


class _Made(io.RawIOBase):
    """A write-only stream that cannot seek."""

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
