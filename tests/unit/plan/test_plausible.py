"""How the range that a figure is believed within is shown."""

from decimal import Decimal

import pytest

from services.core.plan.document import Plausible
from services.core.plan.plausibility import range_text


@pytest.mark.parametrize(
    ("minimum", "maximum", "shown"),
    [
        ("0", "100", "0–100"),
        ("0.50", None, "≥ 0.5"),
        (None, "100", "≤ 100"),
        (None, None, ""),
    ],
)
def test_a_range_is_shown_by_the_ends_it_has(
    minimum: str | None, maximum: str | None, shown: str
) -> None:
    believed = Plausible.model_construct(
        minimum=None if minimum is None else Decimal(minimum),
        maximum=None if maximum is None else Decimal(maximum),
    )
    assert range_text(believed) == shown
