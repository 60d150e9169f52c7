"""What PostgreSQL read for each statement, as it says itself: plans in use, not plans foreseen.

A server of the test's own writes down the plan of every statement that it runs, also of those
that a connection prepared long before, with the rows that each part of it read.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS: Mapping[str, str] = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_rotation_size": "0",
    "log_rotation_age": "0",
    "log_filename": "plans.log",
    # As in the first minute of an installation: nobody has counted the rows of any table.
    "autovacuum": "off",
    "fsync": "off",
}

_APPENDED = ("Append", "Merge Append")
_PART = re.compile(r"_(first|rest|\d{4}(q\d|m\d\d))$")
"""What ends the name of a part of a table cut by time."""

_REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


@dataclass(frozen=True)
class Read:
    """One part of a plan that read a table or an index of it: how, and how many rows in all."""

    statement: str
    table: str
    by: str
    rows: float


@dataclass
class Reads:
    """What a server of `SETTINGS` read; each look returns what came since the last one."""

    folder: Path
    _seen: int = 0

    def since(self) -> list[Read]:
        """Return every read of the statements that ended since this was called last."""
        with (self.folder / "log" / "plans.json").open("rb") as log:
            log.seek(self._seen)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._seen += len(whole)
        return [read for line in whole.splitlines() for read in _reads(json.loads(line))]


def _reads(entry: Mapping[str, Any]) -> Iterator[Read]:
    _, found, plan = str(entry.get("message", "")).partition("plan:\n")
    if found:
        told = json.loads(plan)
        yield from _of_node(told["Query Text"], told["Plan"])


def _of_node(statement: str, node: Mapping[str, Any]) -> Iterator[Read]:
    table = node.get("Relation Name")
    if table is not None and "Scan" in node["Node Type"]:
        each = node["Actual Rows"] + sum(node.get(name, 0) for name in _REMOVED)
        rows = each * node["Actual Loops"]
        yield Read(statement, _PART.sub("", table), node["Node Type"], rows)
    below = [read for part in node.get("Plans", ()) for read in _of_node(statement, part)]
    yield from _together(below) if node["Node Type"] in _APPENDED else below


def _together(parts: Sequence[Read]) -> Iterator[Read]:
    """Yield one read of each table for those of its parts: what was read of it in all."""
    rows = Counter[str]()
    for read in parts:
        rows[read.table] += int(read.rows)
    for table, each in rows.items():
        yield Read(parts[0].statement, table, "all parts", each)
