"""A write is found again from its board and from its delivery: by its trace, and by its ids."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typing_extensions import override

from services.api.main import create_app
from services.core.kit.span_export import SpanExport
from services.core.kit.tracing import opened_span, present_span
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.endpoints import make_endpoint
from tests.support.planted import KEY, Planted
from tests.support.receiver import a_receiver
from tests.worker.running import until
from tests.worker.sending import delivering

CALLER = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{CALLER}-b7ad6b7169203331-01"
SENDING = {"WUFEI_SECRET_KEY": KEY, "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1"}


@pytest.fixture
def exported() -> InMemorySpanExporter:
    """What a collector would have been told."""
    return InMemorySpanExporter()


@asynccontextmanager
async def a_traced_door(url: str, exported: InMemorySpanExporter) -> AsyncIterator[Door]:
    """The API, which sends its spans to a test."""
    traces = SpanExport("api", SimpleSpanProcessor(exported))
    async with open_door(
        url,
        environment=SENDING,
        make=lambda settings: create_app(settings, traces=traces),
    ) as door:
        yield door


async def receiving(door: Door, url: str, *types: str, **headers: str) -> None:
    """Have a receiver told of some types of events from now on."""
    await door.react()
    async with await door.as_("office") as office:
        await make_endpoint(office, url=url, event_types=list(types), headers=headers)
    await door.react()


async def report(door: Door, period: str, **headers: str) -> None:
    async with await door.as_("office") as office:
        body = a_submission(period=period)
        made = await office.post(f"/plans/{XINMI}/submissions", json=body, headers=headers)
    assert made.status_code == 201, made.text


def named(exported: InMemorySpanExporter, name: str) -> Sequence[ReadableSpan]:
    return [span for span in exported.get_finished_spans() if span.name == name]


def linked(span: ReadableSpan) -> set[tuple[int, int]]:
    return {(link.context.trace_id, link.context.span_id) for link in span.links}


def place(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


async def test_a_write_is_linked_with_its_board_and_with_its_delivery(
    database_url: str, exported: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wufei")
    async with a_traced_door(database_url, exported) as door, a_receiver() as receiver:
        planted = Planted(door.held.database)
        await receiving(door, receiver.url(), "submission.submitted")
        exported.clear()
        await report(door, "2025", traceparent=TRACEPARENT, **{"X-Request-Id": "call-1"})
        await door.react()
        async with delivering(planted):
            await receiver.hears(1)
            await until(lambda: _settled(planted))
    (write,) = [
        span
        for span in named(exported, "POST /v1/plans/{plan}/submissions")
        if span.attributes and span.attributes.get("wufei.request_id") == "call-1"
    ]
    assert place(write)[0] == int(CALLER, 16), "it goes on with the caller's trace"
    assert any(place(write) in linked(span) for span in named(exported, "follow scoring"))
    (attempt,) = named(exported, "webhook POST")
    assert linked(attempt) == {place(write)}
    (heard,) = receiver.heard
    _, trace, span, _ = heard.headers["traceparent"].split("-")
    assert (int(trace, 16), int(span, 16)) == place(attempt), "the receiver can go on with it"
    (sent,) = said(caplog, "delivery attempted")
    (answered,) = [
        line for line in said(caplog, "request answered") if line["route"].endswith("/submissions")
    ]
    assert sent["events"] == answered["events"]
    assert sent["request_id"] == "call-1"
    assert (str(sent["events"][0]), sent["attempt"], sent["outcome"]) == (heard.id, 1, "delivered")
    followed = [line for line in said(caplog, "log followed") if line["reader"] == "scoring"]
    assert any(sent["events"][0] in line["events"] for line in followed)


async def _settled(planted: Planted) -> bool:
    return await planted.states() == {"delivered": 1}


def said(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    return [vars(one) for one in caplog.records if one.message == name]


async def test_what_a_board_caused_is_linked_with_the_work_that_drew_it(
    database_url: str, exported: InMemorySpanExporter
) -> None:
    async with a_traced_door(database_url, exported) as door, a_receiver() as receiver:
        planted = Planted(door.held.database)
        await receiving(door, receiver.url(), "score.updated")
        await report(door, "2025")
        await door.react()
        drawn = {place(span) for span in named(exported, "follow scoring")}
        async with delivering(planted):
            await receiver.hears(1)
            await until(lambda: _none_waits(planted))
    attempts = named(exported, "webhook POST")
    assert attempts
    assert drawn
    assert all(linked(attempt) <= drawn for attempt in attempts)


async def _none_waits(planted: Planted) -> bool:
    return "pending" not in await planted.states()


async def test_a_secret_in_an_address_is_in_no_span(
    database_url: str, exported: InMemorySpanExporter
) -> None:
    async with a_traced_door(database_url, exported) as door, door.client(None) as anybody:
        await anybody.get(f"/plans/{XINMI}/calendar.ics?token=wct_410183_nothing")
        await anybody.get("http://wufei.test/readyz")
    told = "".join(span.to_json() for span in exported.get_finished_spans())
    assert "calendar.ics" in told
    assert "wct_410183" not in told
    assert "readyz" not in told, "asking for health is no work"


async def test_without_traces_the_callers_own_goes_on_to_the_receiver(database_url: str) -> None:
    async with open_door(database_url, environment=SENDING) as door, a_receiver() as receiver:
        planted = Planted(door.held.database)
        await receiving(door, receiver.url("/plain"), "submission.submitted")
        own = {"Traceparent": "the-owners-own"}
        await receiving(door, receiver.url("/own"), "submission.submitted", **own)
        await report(door, "2025", traceparent=TRACEPARENT)
        await door.react()
        async with delivering(planted):
            await receiver.hears(2)
            await until(lambda: _none_waits(planted))
    told = {heard.target: heard.headers["traceparent"] for heard in receiver.heard}
    assert told == {"/plain": TRACEPARENT, "/own": "the-owners-own"}


def _fail() -> None:
    with opened_span("failing") as span:
        span.caused_by([TRACEPARENT, None, "no trace", TRACEPARENT])
        raise ConnectionError("the password is hunter2")


def test_an_error_is_noted_by_its_type_and_nothing_to_do_is_no_span(
    exported: InMemorySpanExporter,
) -> None:
    with SpanExport("worker", SimpleSpanProcessor(exported)):
        with opened_span("idle") as span:
            span.drop()
        with pytest.raises(ConnectionError, match="hunter2"):
            _fail()
    assert present_span().traceparent is None, "nothing is traced any more"
    (failed,) = exported.get_finished_spans()
    assert (failed.name, failed.status.description) == ("failing", "ConnectionError")
    assert [link.context.trace_id for link in failed.links] == [int(CALLER, 16)]
    assert "hunter2" not in failed.to_json()
    assert failed.resource.attributes["service.name"] == "wufei-worker"


class Collector(BaseHTTPRequestHandler):
    """A collector of OTLP over HTTP that keeps what it is told."""

    told: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None:
        pass


async def test_spans_come_to_the_collector_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, bytes]] = []
    handler = type("ACollector", (Collector,), {"told": told})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = Thread(target=server.serve_forever, daemon=True)
        serving.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")

        def work() -> None:
            with SpanExport("worker"), opened_span("follow scoring", "consumer") as span:
                span.says({"wufei.city": "410183"})

        await asyncio.to_thread(work)
        server.shutdown()
        serving.join()
    ((path, body),) = told
    assert path == "/v1/traces"
    request = ExportTraceServiceRequest.FromString(body)
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert span.name == "follow scoring"
    assert {one.key: one.value.string_value for one in span.attributes} == {"wufei.city": "410183"}
