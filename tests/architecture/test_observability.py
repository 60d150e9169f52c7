"""The dashboard and the alerts name metrics that are really served, and promtool takes them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from services.api import metrics as of_the_api
from services.core.kit import process_metrics as of_every_process
from services.worker import metrics as of_the_worker

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULES = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
TESTS = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]

_METRIC = re.compile(r"\b(?:wufei|process)_[a-z0-9_]+")
_SELECTED = re.compile(r"\b((?:wufei|process)_[a-z0-9_]+)\{([^}]*)\}")
_SUFFIX = re.compile(r"_(?:bucket|sum|count|created)$")
_ADDED = {"job", "instance", "le"}
"""Labels that Prometheus adds, and that of a histogram's bounds."""


def _served() -> dict[str, set[str]]:
    """Return the labels of every metric that the two doors serve, by each name it may be read."""
    labels: dict[str, set[str]] = {}
    for module in (of_the_api, of_the_worker, of_every_process):
        for metric in vars(module).values():
            if hasattr(metric, "_labelnames"):
                for family in metric.describe():
                    name = f"{family.name}_total" if family.type == "counter" else family.name
                    labels[name] = set(metric._labelnames)
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels[name] = set()
    return labels


def _panels() -> list[dict[str, Any]]:
    text = (FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8")
    panels: list[dict[str, Any]] = json.loads(text)["panels"]
    return panels


def _expressions() -> Iterator[str]:
    for panel in _panels():
        for target in panel.get("targets", ()):
            yield target["expr"]
    for rule in RULES:
        yield rule["expr"]


def test_every_metric_that_they_name_is_served_with_the_labels_that_they_read() -> None:
    served = _served()
    named = {name for each in _expressions() for name in _METRIC.findall(each)}
    assert len(named) > 30
    assert {name for name in named if _SUFFIX.sub("", name) not in served} == set()
    selected = [one for each in _expressions() for one in _SELECTED.findall(each)]
    assert selected
    for name, condition in selected:
        read = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", condition))
        assert read <= served[_SUFFIX.sub("", name)] | _ADDED, name


def test_what_is_served_and_not_named_is_known() -> None:
    """Whoever adds a metric puts it on the dashboard, or says here that it needs none."""
    named = {_SUFFIX.sub("", name) for each in _expressions() for name in _METRIC.findall(each)}
    ours = {name for name in _served() if name.startswith("wufei_")}
    assert ours - named == {
        "wufei_webhook_queued",  # the dashboard has the sum
        "wufei_reported_items_total",  # the dashboard has what stands of each state
        "wufei_webhook_attempts_lately",
        "wufei_webhook_attempt_median_seconds",
        "wufei_webhook_attempt_p95_seconds",
    }


def test_every_alert_says_what_it_is_and_what_to_do_in_both_languages() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 10
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        for said in (rule["annotations"]["summary"], rule["annotations"]["action"]):
            zh, _, en = said.partition(" / ")
            assert re.search(r"[\u4e00-\u9fff]", zh), said
            assert en, said


def test_every_alert_is_tried_where_it_fires_and_where_all_is_well() -> None:
    names = [rule["alert"] for rule in RULES]
    well, *ill = TESTS
    assert [one["alertname"] for one in well["alert_rule_test"]] == names
    assert [one["name"] for one in ill] == names


def test_panels_have_titles_of_their_own_and_lie_beside_each_other() -> None:
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels})
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yaml"),
        ("test", "rules", "alerts_test.yaml"),
        ("check", "config", "prometheus.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_takes_them_where_it_is_at_hand(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        # The tests above hold without it; what it alone can judge is judged where it is.
        assert (FOLDER / arguments[-1]).exists()
        return
    judged = subprocess.run(
        [promtool, *arguments], cwd=FOLDER, text=True, capture_output=True, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
