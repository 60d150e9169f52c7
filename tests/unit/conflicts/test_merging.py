"""What a device wants, merged by name with what others changed meanwhile."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from services.core.conflicts.models import KeptConflict
from services.core.conflicts.rules import add_said, merge
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import merge_fields

SAID: tuple[dict[str, Any], ...] = ({}, {"name": None}, {"name": "甲"}, {"name": "乙"})


@pytest.mark.parametrize(("base", "present", "wanted"), list(product(SAID, SAID, SAID[1:])))
def test_what_one_side_changed_is_its_own_and_what_both_did_is_disputed(
    base: dict[str, Any], present: dict[str, Any], wanted: dict[str, Any]
) -> None:
    before, now, then = (side.get("name") for side in (base, present, wanted))
    merged = merge(base, present, wanted)
    changes = then not in (before, now)
    assert merged.free == (wanted if changes and now == before else {})
    assert merged.disputed == (("name",) if changes and now != before else ())


def test_a_numerator_is_never_laid_over_the_denominator_of_somebody_else() -> None:
    form = {"value": None, "level": None, "not_applicable_reason": None}
    base = {**form, "numerator": Decimal(4), "denominator": Decimal(10), "note": None}
    merged = merge_fields(
        base,
        {**base, "denominator": Decimal(20)},
        {**base, "numerator": Decimal(5), "note": "现场"},
    )
    assert (merged.free, merged.disputed) == ({"note": "现场"}, ("form",))


@pytest.mark.parametrize(
    ("conflict", "seen"),
    [
        (RegisterRowConflict(base={"a": 1}, ledger={"a": 2}, device={"a": 3}), {"a": 1, "b": 1}),
        (SubmissionConflict(base=None, ledger={"a": 2}, device={"a": 3}), None),
    ],
)
def test_a_later_write_has_the_last_word_of_what_is_wanted_alone(
    conflict: KeptConflict, seen: dict[str, int] | None
) -> None:
    add_said(
        conflict,
        base={"a": 9, "b": 1},
        ledger={"a": 9, "b": 2},
        device={"a": 9, "b": 3},
        claimed_at=None,
    )
    assert (conflict.base, conflict.ledger) == (seen, {"a": 2, "b": 2})
    assert conflict.device == {"a": 9, "b": 3}
