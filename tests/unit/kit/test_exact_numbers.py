"""Which texts and numbers are exact decimals, each bound by itself."""

from decimal import Decimal

import pytest

from services.core.kit.decimals import MAX_DIGITS, exact

MOST = "9" * MAX_DIGITS
FINEST = "0." + "0" * (MAX_DIGITS - 1) + "1"


@pytest.mark.parametrize(
    "raw", [MOST, int(MOST), f"-{MOST}", FINEST, f" {FINEST} ", "0", -3, Decimal("40.650")]
)
def test_up_to_38_digits_before_and_after_the_point_are_kept(raw: object) -> None:
    assert exact(raw) == Decimal(raw.strip() if isinstance(raw, str) else raw)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        f"{MOST}9",
        int(f"{MOST}9"),
        f"{MOST}.1",  # 39 digits, each side of the point within the bound
        f"0{FINEST}1",  # few digits, too fine
        "1E+38",
        10**60,
    ],
)
def test_one_digit_more_is_too_many(raw: object) -> None:
    with pytest.raises(ValueError, match="too many digits"):
        exact(raw)


@pytest.mark.parametrize(
    "raw", ["1_000", "９５", "١٢", "", "4 0", "NaN?", 1.5, True, None, "1" + " " * 1000]
)
def test_what_only_python_takes_for_a_number_is_none(raw: object) -> None:
    with pytest.raises(ValueError, match="not a number"):
        exact(raw)


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="not finite"):
        exact(raw)
