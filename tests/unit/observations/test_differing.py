"""What follows for the conflict of two sources: by every state, form, and decision before."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from services.core.observations.differing import difference, judge, observed_as_kept
from services.core.plan.observing import Tolerance
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import shown

FORM = dict.fromkeys(("value", "numerator", "denominator", "level", "not_applicable_reason"))
ONE_PERCENT = Tolerance(relative=Decimal("0.01"))


def figure(**columns: Any) -> dict[str, Any]:
    numbers = {
        name: Decimal(one) if name in {"value", "numerator", "denominator"} else one
        for name, one in columns.items()
    }
    return {**FORM, **numbers}


def official(state: str = "approved", **columns: Any) -> dict[str, Any]:
    return {**figure(**columns), "state": state, "id": UUID(int=1)}


def observed(**columns: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    whence = {"source_code": "YEARBOOK", "reference": "YB-1", "observed_at": at}
    whence |= {"recorded_by": {"id": str(UUID(int=2)), "organization_code": None}}
    return {**figure(**columns), **whence}


def conflict(
    state: str, said: dict[str, Any], seen: dict[str, Any], taken: Any = None
) -> SubmissionConflict:
    return SubmissionConflict(
        state=state,
        taken=taken,
        submission_id=said["id"],
        ledger=shown(said, ("form",)),
        observed=observed_as_kept(seen),
        allowed=(found.allowed if (found := difference(said, seen, ONE_PERCENT)) else None),
    )


NOT_APPLICABLE = {"not_applicable_reason": "本年无此项"}


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ({"value": "100"}, {"value": "99"}, False),
        ({"value": "100"}, {"value": "98.99"}, True),
        ({"value": "0"}, {"value": "0.000"}, False),
        ({"value": "0"}, NOT_APPLICABLE, True),
        (NOT_APPLICABLE, {"not_applicable_reason": "另一理由"}, False),
        ({"level": "A"}, {"level": "A"}, False),
        ({"level": "A"}, {"level": "B"}, True),
        ({"level": "A"}, NOT_APPLICABLE, True),
        ({"level": "A", "value": "3"}, {"value": "3"}, False),
        ({"level": "A", "value": "3"}, {"level": "B", "value": "3"}, True),
        ({"level": "A"}, {"value": "3"}, True),
        # A ratio is compared by what it gives.
        ({"value": "50", "numerator": "1", "denominator": "2"}, {"value": "50"}, False),
    ],
)
def test_figures_differ_from_either_side_as_their_forms_say(
    one: dict[str, Any], other: dict[str, Any], *, differ: bool
) -> None:
    said, seen = figure(**one), figure(**other)
    assert (difference(said, seen, ONE_PERCENT) is not None) is differ
    assert (difference(seen, said, ONE_PERCENT) is not None) is differ


SAME, NEAR, FAR = {"value": "100"}, {"value": "99.5"}, {"value": "90"}


def test_a_difference_is_raised_once_and_closes_when_it_is_none() -> None:
    for state in ("submitted", "approved"):
        said, seen = official(state, **SAME), observed(**FAR)
        first = judge(seen, said, None, ONE_PERCENT)
        assert (first.step, first.difference.amount, first.difference.allowed) == (
            "raise",
            Decimal(10),
            Decimal(1),
        )
        standing = conflict("open", said, seen)
        assert judge(seen, said, standing, ONE_PERCENT).step == "leave"
        assert judge(observed(value="80"), said, standing, ONE_PERCENT).step == "change"
        assert judge(seen, said, standing, Tolerance(relative=Decimal("0.02"))).step == "change"
        for closing in (observed(**NEAR), observed(**SAME)):
            closed = judge(closing, said, standing, ONE_PERCENT)
            assert (closed.step, closed.because) == ("close", "within-tolerance")
        gone = judge(seen, None, standing, ONE_PERCENT)
        assert (gone.step, gone.because) == ("close", "value-withdrawn")
        back = judge(None, said, standing, ONE_PERCENT)
        assert (back.step, back.because) == ("close", "observation-withdrawn")
        assert judge(None, said, None, ONE_PERCENT).step == "leave"


@pytest.mark.parametrize("state", ["draft", "returned"])
def test_what_is_worked_on_says_nothing_yet(state: str) -> None:
    said, seen = official(state, **SAME), observed(**FAR)
    for latest in (None, conflict("open", said, seen)):
        assert judge(seen, said, latest, ONE_PERCENT).step == "leave"


def test_what_was_decided_to_stand_is_no_conflict_until_a_figure_is_another() -> None:
    said, seen = official(**SAME), observed(**FAR)
    for taken, step in (("ledger", "leave"), ("both", "leave"), ("observation", "raise")):
        decided = conflict("decided", said, seen, taken)
        assert judge(seen, said, decided, ONE_PERCENT).step == step
        assert judge(observed(value="80"), said, decided, ONE_PERCENT).step == "raise"
        assert judge(seen, official(value="101"), decided, ONE_PERCENT).step == "raise"
    assert judge(seen, said, conflict("closed", said, seen), ONE_PERCENT).step == "raise"


def test_nothing_is_raised_or_changed_without_an_official_value_or_a_difference() -> None:
    said = official(**SAME)
    latest = [None, *(conflict(state, said, observed(**FAR)) for state in ("decided", "closed"))]
    for one, (value, figures) in product(latest, [(None, FAR), (said, NEAR)]):
        assert judge(observed(**figures), value, one, ONE_PERCENT).step == "leave"
