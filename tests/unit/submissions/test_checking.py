"""What the plan's checks keep out when a value is handed in, and what they add to it otherwise."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.core.checks.figures import Figures
from services.core.checks.findings import CheckFinding, findings_kept
from services.core.kit.errors import InvalidInput
from services.core.kit.text import Text
from services.core.submissions.checking import at_entry, entry_faults
from tests.unit.scoring.builders import a_state, an_indicator
from tests.unit.submissions.builders import a_row as a_submission
from tests.unit.submissions.builders import an_actor

CLERK = an_actor("reporter", "UN01")


def a_row(state: str, value: int, justification: str | None = None) -> dict[str, Any]:
    return {
        **a_submission(CLERK, state=state, value=Decimal(value), justification=justification),
        "id": UUID(int=1),
        "version": 1,
        "indicator_code": "R01",
        "organization_code": "UN01",
        "period": "2025",
    }


def entered(row: dict[str, Any], outside: str) -> dict[str, Any]:
    """Return the columns that a plan adds which takes 0 to 100, and else blocks or warns."""
    entry = an_indicator(plausible={"minimum": 0, "maximum": 100, "outside": outside})
    return at_entry(row, a_state(entry), CLERK, Figures())


def codes(columns: dict[str, Any]) -> list[str]:
    assert columns.keys() == {"checks"}
    return [one.code for one in findings_kept(columns["checks"])]


@pytest.mark.parametrize("outside", ["refuse", "warn"])
def test_what_is_believed_is_handed_in_and_nothing_is_kept_of_it(outside: str) -> None:
    assert entered(a_row("submitted", 50), outside) == {"checks": None}


@pytest.mark.parametrize("justification", [None, "属实"])
def test_what_blocks_keeps_out_what_is_handed_in_whatever_the_reason(
    justification: str | None,
) -> None:
    with pytest.raises(InvalidInput) as refused:
        entered(a_row("submitted", 500, justification), "refuse")
    told = [(one.pointer, one.code) for one in refused.value.faults]
    assert told == [("/value", "implausible-value")]


def test_a_warning_is_kept_with_what_is_handed_in() -> None:
    assert codes(entered(a_row("submitted", 500), "warn")) == ["implausible-value"]


@pytest.mark.parametrize(
    ("state", "asks", "justification", "faults"),
    [
        ("submitted", True, None, [("/justification", "justification-required")]),
        ("submitted", True, "属实", []),
        ("submitted", False, None, []),
        ("draft", True, None, []),
    ],
)
def test_a_warning_that_asks_for_a_reason_keeps_out_what_is_handed_in_without_one(
    state: str, asks: bool, justification: str | None, faults: list[tuple[str, str]]
) -> None:
    words = Text("与上期相比变化过大", "It changed much since the period before")
    finding = CheckFinding("change", "c1", "warn", asks, words, words)
    row, plan = a_row(state, 50, justification), a_state(an_indicator())
    found = entry_faults(row, [finding], plan, CLERK)
    assert [(one.pointer, one.code) for one in found] == faults


@pytest.mark.parametrize("state", ["draft", "returned"])
@pytest.mark.parametrize("outside", ["refuse", "warn"])
def test_of_what_is_not_handed_in_all_is_kept_and_nothing_kept_out(
    state: str, outside: str
) -> None:
    assert codes(entered(a_row(state, 500), outside)) == ["implausible-value"]
