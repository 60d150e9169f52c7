"""What a device says of a milestone, merged by field with what others said meanwhile."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from services.core.conflicts.rules import merge
from services.core.milestones.conflicts.rules import (
    FIELDS,
    SEEN,
    as_kept,
    as_read,
    changed,
)

ALL = {
    "percent": Decimal("62.5"),
    "narrative": "过半",
    "problems": None,
    "next_steps": "建第三处",
    "expected_date": date(2026, 9, 30),
    "evidence": [{"name": "验收表.pdf"}],
}
OTHER = {
    "percent": Decimal(70),
    "narrative": "将成",
    "problems": "缺车",
    "next_steps": None,
    "expected_date": None,
    "evidence": [],
}
THIRD = {**OTHER, "percent": Decimal(80), "narrative": None, "problems": "缺人", "next_steps": "x"}
THIRD |= {"expected_date": date(2026, 12, 1), "evidence": [{"name": "照片.jpg"}]}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize(("now", "then"), list(product((ALL, OTHER, THIRD), repeat=2)))
def test_each_field_is_the_sides_that_changed_it(
    name: str, now: dict[str, Any], then: dict[str, Any]
) -> None:
    before, present, wanted = ({name: one[name]} for one in (ALL, now, then))
    merged = merge(before, present, wanted)
    ours, theirs = wanted != before, present != before
    assert merged.disputed == ((name,) if ours and theirs and wanted != present else ())
    assert merged.free == (wanted if ours and not theirs else {})
    assert changed(before, wanted) == ((name,) if ours else ())


@pytest.mark.parametrize("said", [ALL, OTHER, THIRD])
def test_what_is_kept_is_read_as_it_was(said: dict[str, Any]) -> None:
    kept = as_kept(said, SEEN)
    assert as_read(kept) == said
    assert {type(one) for one in kept.values()} <= {str, list, type(None)}


def test_whatever_a_verb_says_is_merged() -> None:
    assert set(FIELDS["progress"]) | set(FIELDS["complete"]) == set(SEEN)
