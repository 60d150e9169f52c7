"""Trace spans for any code; they do nothing unless a process exports them.

Work is not called by its cause: a worker finds it in the log, later and in batches. So a span is
linked with the spans of its causes (OpenTelemetry's span links) and has no parent.
`kit.span_sending` loads the library only for a process that exports spans; without it a span costs
the look-up of one variable.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

SpanKind = Literal["internal", "consumer", "client"]
Attributes = Mapping[str, str | int | float | bool]


class OpenSpan(Protocol):
    """A span that has not ended."""

    @property
    def traceparent(self) -> str | None:
        """Return the `traceparent` of this span; None: it is not traced."""

    def caused_by(self, traceparents: Iterable[str | None]) -> None:
        """Link it with the spans that caused it."""

    def says(self, attributes: Attributes) -> None:
        """Add attributes."""

    def drop(self) -> None:
        """Do not export it: there was nothing to do."""


class Spans(Protocol):
    """Makes spans, in a process that exports them."""

    def opened(self, name: str, kind: SpanKind) -> AbstractContextManager[OpenSpan]:
        """Open a span in a new trace."""

    def present(self) -> OpenSpan:
        """Return the current span."""


class _NoSpan:
    traceparent: str | None = None

    def caused_by(self, traceparents: Iterable[str | None]) -> None:
        pass

    def says(self, attributes: Attributes) -> None:
        pass

    def drop(self) -> None:
        pass


_NONE = _NoSpan()
_spans: Spans | None = None


def use_spans(spans: Spans | None) -> None:
    """Set the maker of spans from now on; None: make none."""
    global _spans  # noqa: PLW0603 (one process, one destination)
    _spans = spans


@contextmanager
def opened_span(name: str, kind: SpanKind = "internal") -> Iterator[OpenSpan]:
    """Open a span around the block; an exception that leaves the block marks it as failed."""
    if _spans is None:
        yield _NONE
        return
    with _spans.opened(name, kind) as span:
        yield span


def present_span() -> OpenSpan:
    """Return the current span, or one that does nothing."""
    return _NONE if _spans is None else _spans.present()
