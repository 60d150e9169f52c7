"""Exports spans to a collector by OTLP over HTTP; loaded only where a collector is configured.

OpenTelemetry's variables apply as it defines them: `OTEL_EXPORTER_OTLP_ENDPOINT` and those beside
it, `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…`.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from services.core.kit.tracing import Attributes, OpenSpan, SpanKind, use_spans

_KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
}
_HEADER = "traceparent"
_MOST_CAUSES = 128
"""Most links of one span (`OTEL_SPAN_LINK_COUNT_LIMIT`'s default); the last causes are kept."""

_HIDDEN = "url.query"
_propagator = TraceContextTextMapPropagator()


class _Discreet(SpanProcessor):
    """Redacts the query in a span's attributes, because a calendar's token is part of it."""

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.attributes is not None and _HIDDEN in span.attributes:
            span.set_attribute(_HIDDEN, "REDACTED")


class _Span:
    """Adapts a span of the library to `OpenSpan`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.dropped = False

    @property
    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(self._span))
        return carrier.get(_HEADER)

    def caused_by(self, traceparents: Iterable[str | None]) -> None:
        causes = list(dict.fromkeys(one for one in traceparents if one is not None))
        for cause in causes[-_MOST_CAUSES:]:
            found = trace.get_current_span(_propagator.extract({_HEADER: cause}, Context()))
            if found.get_span_context().is_valid:
                self._span.add_link(found.get_span_context())

    def says(self, attributes: Attributes) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(name, value)

    def drop(self) -> None:
        self.dropped = True


class _Spans:
    """Makes spans with a provider's tracer."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("wufei")

    @contextmanager
    def opened(self, name: str, kind: SpanKind) -> Iterator[OpenSpan]:
        made = self._tracer.start_span(name, context=Context(), kind=_KINDS[kind])
        span = _Span(made)
        try:
            # An error's message may hold values: its type suffices here, the log has the rest.
            with trace.use_span(
                made, end_on_exit=False, record_exception=False, set_status_on_exception=False
            ):
                yield span
        except BaseException as error:
            made.set_status(trace.StatusCode.ERROR, type(error).__name__)
            made.end()
            raise
        # A span that is never ended is never exported.
        if not span.dropped:
            made.end()

    def present(self) -> OpenSpan:
        return _Span(trace.get_current_span())


class SpanExport:
    """Makes and exports the spans of a `part` of the system while it is open.

    They go to the collector that the environment names, or to another `processor`.
    """

    def __init__(self, part: str, processor: SpanProcessor | None = None) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", f"wufei-{part}")
        resource = Resource.create({"service.name": name, "service.namespace": "wufei"})
        # The program shuts it down itself, in time for the last spans.
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(_Discreet())
        self.provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))

    def __enter__(self) -> Self:
        """Begin to make spans."""
        use_spans(_Spans(self.provider))
        return self

    def __exit__(self, *_: object) -> None:
        """Send the last spans, and make no more."""
        use_spans(None)
        self.provider.shutdown()
