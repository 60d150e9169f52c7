"""The interface of table writers: they take rows as they come and yield pieces of a file.

A writer holds no more than the rows it was last given. It is used from one thread at a time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from services.api.exports.columns import Table
from services.api.exports.delimited import DelimitedWriter
from services.api.exports.workbook import WorkbookWriter
from services.api.table_forms import Form
from services.core.kit.text import Language


class Writer(Protocol):
    """Writes a file piece by piece."""

    holds_many: bool
    """Whether a file can hold several tables."""

    def begin(self, table: Table) -> None:
        """Begin a table."""

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows, in their JSON form, to the table that was begun last."""

    def end(self) -> None:
        """Write the rest; the file is then complete."""

    def close(self) -> None:
        """Release a file, finished or not."""

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""


WRITERS: Mapping[Form, Callable[[Language], Writer]] = {
    Form.CSV: DelimitedWriter,
    Form.XLSX: WorkbookWriter,
}
