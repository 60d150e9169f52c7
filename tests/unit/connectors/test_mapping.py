"""Codes and measures turned exactly, there and back; what is missing is named."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.connectors.mapping import (
    NOT_APPLICABLE,
    CodeMapping,
    MeasureMapping,
    OutgoingFigure,
    figure_text,
    mapping_faults,
    missing_codes,
    read_figure,
    read_mapping,
)
from tests.unit.scoring.builders import a_state, an_indicator

MAPPING = CodeMapping(
    {"R01": "ZB-1"},
    {"UN01": "D-1"},
    {"2025": "202500"},
    {"吨": MeasureMapping("wt", Decimal("0.0001"))},
)


def a_figure(**changes: Any) -> OutgoingFigure:
    given: dict[str, Any] = {"value": Decimal(12345)}
    return OutgoingFigure("R01", "UN01", "2025", **(given | changes))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("12345", "1.2345"),
        ("0", "0"),
        ("-0.0", "0"),
        ("10000", "1"),
        (
            "0.00000000000000000000000000000000000001",
            "0.000000000000000000000000000000000000000001",
        ),
        ("99999999999999999999999999999999999999", "9999999999999999999999999999999999.9999"),
    ],
)
def test_no_digit_is_lost_in_their_measure(value: str, told: str) -> None:
    assert figure_text(MAPPING, a_figure(value=Decimal(value)), "吨") == told


def test_a_kind_that_is_none_has_the_same_codes_and_one_that_lacks_a_code_says_which() -> None:
    same = CodeMapping(None, None, None, None)
    assert missing_codes(same, a_figure(), "吨") == []
    assert (same.code("indicators", "R01"), same.ours("organizations", "UN01")) == ("R01", "UN01")
    none = CodeMapping()
    assert missing_codes(none, a_figure(), "吨") == [
        "indicators:R01",
        "organizations:UN01",
        "periods:2025",
        "units:吨",
    ]
    assert missing_codes(MAPPING, a_figure(value=None, level="B"), "米") == []


def test_their_codes_lead_back_to_ours() -> None:
    assert MAPPING.ours("indicators", "ZB-1") == "R01"
    assert MAPPING.ours("indicators", "R01") is None


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (a_figure(withdrawn=True, value=None), None),
        (a_figure(value=None, not_applicable_reason="无此类企业"), NOT_APPLICABLE),
        (a_figure(value=None, level="优秀"), "优秀"),
        (a_figure(level="优秀"), "优秀"),
    ],
)
def test_a_figure_without_a_number_is_compared_by_what_it_says(
    figure: OutgoingFigure, told: str | None
) -> None:
    assert figure_text(MAPPING, figure, "吨") == told


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("39.0", "39"),
        (" 39 ", "39"),
        (39, "39"),
        ("B", "B"),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_what_they_tell_is_read_as_it_is_compared(raw: object, read: str | None) -> None:
    assert read_figure(raw) == read


def test_every_fault_of_a_mapping_is_told() -> None:
    plan = a_state(an_indicator("R01"), an_indicator("R02"))
    kept = {
        "indicators": {"R01": "A", "R02": "A", "R99": "B"},
        "organizations": {"UN1": "x"},
        "periods": {"2025-13": "y"},
        "units": {"头": {"code": "h", "factor": "1"}},
    }
    told = {(one.pointer, one.code) for one in mapping_faults(kept, plan)}
    assert told == {
        ("/mapping/indicators/R99", "unknown-code"),
        ("/mapping/organizations/UN1", "unknown-code"),
        ("/mapping/periods/2025-13", "unknown-code"),
        ("/mapping/units/头", "unknown-code"),
        ("/mapping/indicators/R02", "code-taken"),
    }
    assert list(mapping_faults({"indicators": None, "units": {}}, plan)) == []


def test_what_is_kept_is_read_as_it_was_given() -> None:
    kept = {
        "indicators": None,
        "units": {"%": {"code": "p", "factor": "0.01"}},
        "refusals": {"E1": {"code": "late", "zh": "逾期", "en": "Late"}},
    }
    read = read_mapping(kept)
    assert (read.indicators, read.periods) == (None, {})
    assert read.units == {"%": MeasureMapping("p", Decimal("0.01"))}
    assert read.refusals["E1"].code == "late"
    assert read_mapping({"units": None}).units is None
