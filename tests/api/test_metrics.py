"""That `/metrics` is what Prometheus' own linter takes for clean."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from services.api.webhooks import queue_metrics
from tests.support.api import Door
from tests.support.planted import Planted

_OTHER_UNITS = {"minutes", "hours", "days", "weeks", "milliseconds", "bits", "kilobytes"}
_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d"}
_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_TYPES = {"counter", "gauge", "histogram", "summary"}


async def _told(door: Door) -> str:
    """What the process tells once every one of its metrics has something to tell."""
    planted = Planted(door.held.database)
    endpoint = await planted.endpoint("https://receiver.test/")
    (delivery,) = await planted.deliveries(endpoint)
    async with door.held.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO webhook_attempt (city_code, delivery_id, number, started_at,"
                " lease_until, outcome, duration_ms)"
                " VALUES ('410183', :id, 1, now(), now(), 'delivered', 12)"
            ),
            {"id": delivery},
        )
    transport = httpx.ASGITransport(door.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test") as client:
        await client.get("/healthz")
        return (await client.get("/metrics")).text


def _faults(family: Metric, raw: str) -> Iterator[str]:
    """Yield what promtool says against a family: help, suffix of its type, labels, units."""
    name, words = family.name, set(family.name.split("_"))
    is_counter = family.type == "counter"
    labels = {label for sample in family.samples for label in sample.labels}
    reserved = {"histogram": {"quantile"}, "summary": {"le"}}.get(family.type, {"le", "quantile"})
    rules = {
        "no help text": not family.documentation.strip(),
        "not in snake_case": not all(map(_SNAKE.fullmatch, [name, *labels])),
        "a counter is called _total": is_counter and f"# TYPE {name}_total counter" not in raw,
        "only a counter is called _total": not is_counter and name.endswith("_total"),
        "a suffix of histograms": family.type == "gauge"
        and name.endswith(("_count", "_sum", "_bucket")),
        "its type in its name": words & _TYPES,
        "not a base unit": words & _OTHER_UNITS,
        "an abbreviated unit": words & _ABBREVIATED,
        "a label of another type": labels & reserved,
    }
    yield from (fault for fault, holds in rules.items() if holds)


async def test_metrics_are_named_typed_and_explained_as_prometheus_wants(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_metrics.read_webhook_figures, "_again_at", 0.0)
    told = await _told(door)
    families = list(text_string_to_metric_families(told))
    ours = {family.name for family in families if family.name.startswith("wufei_")}
    assert {"wufei_http_requests", "wufei_webhook_attempt_p95_seconds"} <= ours
    [ahead] = [one.samples[0].value for one in families if one.name == "wufei_parts_ahead_seconds"]
    assert ahead > 28 * 86_400, "a part for the next month at least is made by the migrations"
    assert len({family.name for family in families}) == len(families), "each is told once"
    faults = [(family.name, fault) for family in families for fault in _faults(family, told)]
    assert faults == []
    if promtool := shutil.which("promtool"):
        judged = subprocess.run(  # noqa: ASYNC221 (it reads a few lines)
            [promtool, "check", "metrics"], input=told, text=True, capture_output=True, check=False
        )
        assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


def test_the_rules_see_what_promtool_sees() -> None:
    raw = (
        '# HELP wait How long\n# TYPE wait gauge\nwait{quantile="0.5"} 1\n'
        "# HELP seen \n# TYPE seen gauge\nseen 1\n"
        "# HELP runs_total Runs\n# TYPE runs_total gauge\nruns_total 1\n"
        "# HELP asked Asked\n# TYPE asked counter\nasked 1\n"
        "# HELP lag_ms Lag\n# TYPE lag_ms gauge\nlag_ms 1\n"
        "# HELP age_hours Age\n# TYPE age_hours gauge\nage_hours 1\n"
        "# HELP age_gauge Age\n# TYPE age_gauge gauge\nage_gauge 1\n"
        "# HELP of_count Of\n# TYPE of_count gauge\nof_count 1\n"
    )
    found = [
        fault for family in text_string_to_metric_families(raw) for fault in _faults(family, raw)
    ]
    assert found == [
        "a label of another type",
        "no help text",
        "only a counter is called _total",
        "a counter is called _total",
        "an abbreviated unit",
        "not a base unit",
        "its type in its name",
        "a suffix of histograms",
    ]
