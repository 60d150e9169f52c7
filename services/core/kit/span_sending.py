"""Loads the span exporter only for a process that exports spans."""

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.core.kit.span_export import SpanExport


def span_export(part: str, *, sends: bool) -> "AbstractContextManager[SpanExport | None]":
    """Return a context manager that exports the spans of `part`; it yields None if not `sends`."""
    if not sends:
        return nullcontext()
    # Imported here, because it takes a tenth of a second and some megabytes.
    export: type[SpanExport] = import_module("services.core.kit.span_export").SpanExport
    return export(part)
