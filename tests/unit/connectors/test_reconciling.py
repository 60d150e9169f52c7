"""A period compared: each row stands in one way, and the counts add up."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from services.core.connectors.mapping import CodeMapping, MeasureMapping, OutgoingFigure
from services.core.connectors.models import ConnectorItem
from services.core.connectors.reconciling import STANDINGS, reconcile
from services.core.connectors.rules import HeldFigure
from tests.unit.scoring.builders import a_state, an_indicator

CODES = tuple(f"R{number:02}" for number in range(1, 13))
PLAN = a_state(*(an_indicator(code) for code in CODES))
MAPPING = CodeMapping(None, None, None, {"%": MeasureMapping("permille", Decimal(10))})
SUBMISSION = UUID(int=7)


def held(*codes: str, revision: int = 1) -> dict[tuple[str, str], HeldFigure]:
    return {
        (code, "UN01"): HeldFigure(
            SUBMISSION, revision, OutgoingFigure(code, "UN01", "2025", value=Decimal("3.9"))
        )
        for code in codes
    }


def item(code: str, state: str, **columns: Any) -> ConnectorItem:
    made: dict[str, Any] = {
        "id": UUID(int=1),
        "submission_id": SUBMISSION,
        "revision": 1,
        "indicator_code": code,
        "organization_code": "UN01",
        "state": state,
        "withdrawn": False,
        "differs": False,
        "their_value": None,
        "attempts": 1,
    }
    return ConnectorItem(**(made | columns))


def test_each_row_stands_in_one_way_and_the_counts_add_up() -> None:
    items = [
        item("R01", "accepted"),
        item("R02", "refused"),
        item("R03", "unmapped", attempts=0),
        item("R04", "pending", attempts=0),
        item("R05", "unknown"),
        item("R06", "failed"),
        item("R08", "accepted", withdrawn=True),
        item("R09", "accepted", their_value="38.5"),
        item("R10", "accepted", differs=True),
        item("R11", "accepted", revision=1),
    ]
    counts = held(*CODES[:7], "R09", "R10") | held("R11", revision=2)
    found = reconcile(PLAN, MAPPING, held=counts, items=items, stated=None)
    assert {one.indicator_code: one.standing for one in found.rows} == {
        "R01": "accepted",
        "R02": "refused",
        "R03": "unmapped",
        "R04": "waiting",
        "R05": "waiting",
        "R06": "failed",
        "R07": "not-queued",
        "R08": "withdrawn",
        "R09": "differing",
        "R10": "differing",
        "R11": "not-queued",
    }
    assert sum(found.counts.values()) == len(found.rows) == 11
    assert tuple(found.counts) == STANDINGS
    assert (found.held, found.sent) == (10, 8)
    first = found.rows[0]
    assert (first.ours, first.theirs, first.held, first.sent) == ("39", None, True, True)


def test_a_statement_is_compared_line_by_line() -> None:
    items = [item(code, "accepted") for code in ("R01", "R02", "R03")]
    stated = {("R01", "UN01"): "39", ("R02", "UN01"): "39.1", ("R12", "UN01"): "1"}
    found = reconcile(PLAN, MAPPING, held=held("R01", "R02", "R03"), items=items, stated=stated)
    told = {one.indicator_code: (one.standing, one.ours, one.theirs) for one in found.rows}
    assert told == {
        "R01": ("accepted", "39", "39"),
        "R02": ("differing", "39", "39.1"),
        "R03": ("differing", "39", None),
        "R12": ("differing", None, "1"),
    }


def test_what_is_not_mapped_is_not_called_differing() -> None:
    stated = {("R01", "UN01"): "39"}
    items = [item("R01", "unmapped", attempts=0)]
    found = reconcile(PLAN, CodeMapping(), held=held("R01"), items=items, stated=stated)
    assert found.rows[0].standing == "unmapped"
