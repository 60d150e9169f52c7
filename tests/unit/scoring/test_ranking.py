"""Places of units: ties, who takes none, and the laws that hold whatever the scores are."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.obligations.quality.queries import ReportingQuality
from services.core.scoring.gate import grade_by_score
from services.core.scoring.ranking import (
    Standing,
    of_leads,
    of_reporting,
    of_townships,
    places,
    shown,
)
from tests.unit.scoring.builders import a_document, an_indicator

STANDINGS = st.lists(
    st.tuples(
        st.sampled_from(["town", "subdistrict"]),
        st.one_of(st.none(), st.decimals(0, 100, places=3)),
    ),
    max_size=30,
)


def a_standing(number: int, comparable: str, score: Decimal | None) -> Standing:
    return Standing(f"U{number}", comparable, score, 1, 1)


@given(STANDINGS)
def test_a_place_is_one_more_than_the_number_of_those_who_are_better(
    drawn: list[tuple[str, Decimal | None]],
) -> None:
    given_ = [a_standing(number, *one) for number, one in enumerate(drawn)]
    found = places(given_)
    assert sorted(one.organization_code for one in found) == sorted(
        one.organization_code for one in given_
    )
    for one in found:
        mine = [each.score for each in given_ if each.comparable == one.comparable]
        if one.score is None:
            assert one.place is None
        else:
            own = one.score
            assert one.place == 1 + sum(each is not None and each > own for each in mine)
            assert one.tied == sum(each == own for each in mine)
    for group in ("town", "subdistrict"):
        order = [one.place for one in found if one.comparable == group]
        placed = [one for one in order if one is not None]
        assert order == [*sorted(placed), *[None] * (len(order) - len(placed))]


def test_exact_scores_are_compared_and_not_what_is_shown() -> None:
    close = [a_standing(1, "lead", Decimal("89.995")), a_standing(2, "lead", Decimal("89.996"))]
    assert [(one.organization_code, one.place) for one in places(close)] == [("U2", 1), ("U1", 2)]


def a_row(code: str, state: str, weight: int, attainment: str | None) -> dict[str, Any]:
    return {
        "code": code,
        "state": state,
        "weight": str(weight),
        "attainment": attainment,
        "falsified": False,
    }


TOWNS = [
    {
        "code": f"ZW0{number}",
        "name": f"镇{number}",
        "kind": "town" if number < 3 else "subdistrict",
        "administrative_code": f"41018310{number}000",
    }
    for number in (1, 2, 3)
]
UNITS = [{"code": f"UN0{number}", "name": f"局{number}", "kind": "unit"} for number in (1, 2, 3)]
DOCUMENT = a_document(
    an_indicator("A", owners=["UN01"]),
    an_indicator("B", owners=["UN01", "UN02"]),
    an_indicator("C", owners=["UN03"]),
    organizations=[*UNITS, *TOWNS],
)


def test_a_lead_is_added_up_over_what_it_leads_and_says_on_how_much_it_rests() -> None:
    rows = [
        a_row("A", "scored", 1, "40"),
        a_row("B", "scored", 3, "100"),
        a_row("C", "not_due", 1, None),
    ]
    first, second, third = of_leads(DOCUMENT, rows)
    assert (first.score, first.of, first.counted) == (Decimal(85), 2, 2)
    assert first.coverage == Decimal(1)
    assert (second.score, second.of) == (Decimal(100), 1)
    assert (third.score, third.why, third.of) == (None, "nothing_assessed", 1)


@pytest.mark.parametrize(
    ("weights", "why"), [((2, 3), None), ((1, 2), "coverage_too_low"), ((0, 0), "without_weight")]
)
def test_of_whom_too_little_can_be_assessed_takes_no_place(
    weights: tuple[int, int], why: str | None
) -> None:
    # The document's minimum is 0.6: 3 of 5 reaches it, 1 of 3 does not.
    assessed = {(2, 3): 3, (1, 2): 1, (0, 0): 0}[weights]
    rows = [
        a_row("A", "scored", assessed, "50"),
        a_row("B", "not_due", sum(weights) - assessed, None),
    ]
    (first, *_) = of_leads(DOCUMENT, rows)
    assert first.why == why
    assert (first.score is None) == (why is not None)


def test_what_applies_to_nobody_is_said_to_apply_to_nobody() -> None:
    (only, *_) = of_leads(DOCUMENT, [a_row("C", "not_applicable", 1, None)])
    assert (only.organization_code, only.why) == ("UN03", "not_applicable")


def test_townships_are_compared_with_their_kind_by_their_own_targets() -> None:
    own = [
        {"organization_code": "ZW01", "state": "scored", "attainment": "80"},
        {"organization_code": "ZW02", "state": "scored", "attainment": "90"},
    ]
    found = of_townships(DOCUMENT, [a_row("A", "scored", 2, "100")], {"A": {"units": own}})
    assert [(one.organization_code, one.comparable, one.score, one.why) for one in found] == [
        ("ZW01", "town", Decimal(80), None),
        ("ZW02", "town", Decimal(90), None),
        ("ZW03", "subdistrict", None, "no_own_targets"),
    ]


def test_reporting_is_ranked_by_four_points_a_value() -> None:
    counted = {"UN01": ReportingQuality("UN01", 8, 8, 7, 7, 8)}
    first, second, _ = of_reporting(DOCUMENT, "lead", counted)
    assert (first.score, first.of, first.counted) == (Decimal("93.75"), 8, 8)
    assert (second.score, second.why) == (None, "nothing_expected")


def test_a_score_is_never_shown_in_a_tier_that_it_does_not_reach() -> None:
    gate = DOCUMENT.scheme.gate
    least = gate.grades[0].minimum
    below = least - Decimal("0.001")
    assert grade_by_score(least, gate) == gate.grades[0]
    assert grade_by_score(below, gate) == gate.grades[1]
    assert Decimal(shown(below, DOCUMENT)) < least
