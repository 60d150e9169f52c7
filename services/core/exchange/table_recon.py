"""Reconciles an exchange table with what we wrote or took: missing and differing rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.core.exchange.exchange_rows import row_hash

_MOST_NAMED = 100


@dataclass(slots=True)
class TableRecon:
    """The number of rows of a table, and their results.

    `missing` are ids of rows that we wrote or took and that are gone; `altered` those with other
    content now; `refused` are ids with the reason; each list has at most the first hundred.
    """

    total: int = 0
    new: int = 0
    done: int = 0
    refused_rows: int = 0
    altered_rows: int = 0
    missing: Sequence[str] = ()
    missing_rows: int = 0
    altered: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether no row is missing and none was altered."""
        return not (self.missing_rows or self.altered_rows)


class KeptRow(NamedTuple):
    """Our record of a row: its digest, and whether it was refused (then nothing was taken)."""

    row_hash: str
    refused: bool

    def is_other(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row's content differs from our record, whatever its digest column says.

        A refused row may never have had the right digest.
        """
        if row["row_hash"].strip() != self.row_hash:
            return True
        return not self.refused and row_hash(row) != self.row_hash.lower()


class Reconciling:
    """Reconciles a table part by part."""

    def __init__(self, kept: Mapping[str, KeptRow]) -> None:
        self._kept = dict(kept)
        self.found = TableRecon()

    def take(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Compare some rows with our records."""
        found = self.found
        for row in rows:
            found.total += 1
            found.new += row["ex_status"] in {0, 1}
            found.done += row["ex_status"] == 2  # noqa: PLR2004 (the column's own words)
            if row["ex_status"] == 9:  # noqa: PLR2004
                found.refused_rows += 1
                if len(found.refused) < _MOST_NAMED:
                    found.refused.append((row["ex_id"], row["ex_msg"] or ""))
            kept = self._kept.pop(row["ex_id"], None)
            if kept is not None and kept.is_other(row):
                found.altered_rows += 1
                if len(found.altered) < _MOST_NAMED:
                    found.altered.append(row["ex_id"])

    def end(self) -> TableRecon:
        """Return the result, once all rows were taken."""
        self.found.missing_rows = len(self._kept)
        self.found.missing = sorted(self._kept)[:_MOST_NAMED]
        return self.found
