"""A device's edit of a form is taken and refused as anybody's who edits the same."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations, product
from typing import Any
from uuid import UUID

import pytest

from services.core.checks.figures import Figures
from services.core.kit.errors import InvalidInput
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.changes import FORMS, edited, form_after
from services.core.submissions.judging import value_faults
from services.core.submissions.rules import Form, form_faults, reported
from services.core.sync.deciding import LedgerState, MergingWrites
from services.core.sync.writes import Write
from tests.support.api import xinmi
from tests.unit.submissions.builders import NOW, TOWN, a_row, an_actor

PLAN = PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {})
CLERK = an_actor("reporter", TOWN)
SUBJECT = UUID(int=7)

STANDS: tuple[Mapping[str, Any], ...] = (
    {},
    {"value": Decimal(5)},
    {"numerator": Decimal(1), "denominator": Decimal(4)},
    {"numerator": Decimal(0), "denominator": Decimal(0)},
    {"not_applicable_reason": "不产生"},
    {"level": "needs_met"},
    {"level": "completed"},
    {"value": Decimal(5), "level": "needs_met"},
)
SAYS: Mapping[str, tuple[Any, ...]] = {
    "value": (None, Decimal(5), Decimal(9)),
    "numerator": (None, Decimal(0), Decimal(2)),
    "denominator": (None, Decimal(0), Decimal(8)),
    "level": (None, "needs_met", "needs_not_met", "completed", "no_such"),
    "not_applicable_reason": (None, "停产"),
}


def said_of() -> Iterator[dict[str, Any]]:
    """Yield all that may be said of a form: up to three members, and the four beside level."""
    members = [*combinations(SAYS, 1), *combinations(SAYS, 2), *combinations(SAYS, 3)]
    members.append(tuple(name for name in SAYS if name != "level"))
    for names in members:
        for values in product(*(SAYS[name] for name in names)):
            yield dict(zip(names, values, strict=True))


def stands(code: str, form: Form) -> SubmissionRow:
    """Return a draft with a form; the rest of it is nothing that matters here."""
    return {
        **a_row(CLERK, state="draft", submitted_at=None),
        **reported(form, PLAN.indicators[code]).columns,
        "id": SUBJECT,
        "version": 1,
        "indicator_code": code,
        "period": "2025",
        "updated_at": NOW,
    }


def as_patched(row: SubmissionRow, said: Mapping[str, Any]) -> object:
    """Return the columns after an edit, or the codes of its faults."""
    indicator = PLAN.indicators[row["indicator_code"]]
    form = form_after(row, said)
    if faults := value_faults(form, indicator, PLAN, row["period"], draft=True):
        return [(one.pointer, one.code) for one in faults]
    return columns_of({**row, **edited(row, said, form, indicator=indicator, actor=CLERK)})


def as_synced(row: SubmissionRow, said: Mapping[str, Any]) -> object:
    """Return the columns after a device's edit that saw what stands, or the codes of its faults."""
    known = LedgerState({SUBJECT: row}, {}, frozenset(), {}, {}, Figures())
    deciding = MergingWrites(known, PLAN, CLERK, NOW)
    write = Write(0, UUID(int=8), "submission.edit", SUBJECT, b"", base_version=1, said=said)
    result = deciding.result(write)
    if isinstance(result.refusal, InvalidInput):
        assert not deciding.changes, "what is refused is not written"
        return [(one.pointer, one.code) for one in result.refusal.faults]
    assert result.refusal is None, result.refusal
    after = columns_of(known.rows[SUBJECT])
    assert (result.outcome == "unchanged") == (after == columns_of(row)), (row, said)
    return after


def columns_of(row: SubmissionRow) -> dict[str, Any]:
    return {name: row[name] for name in FORMS}


@pytest.mark.parametrize("code", ["U08", "G04", "G09"])
def test_a_device_and_a_patch_take_and_refuse_the_same_edits(code: str) -> None:
    taken = refused = 0
    for columns in STANDS:
        form = Form(**columns)
        if form_faults(form, PLAN.indicators[code], draft=True):
            continue
        row = stands(code, form)
        for said in said_of():
            patched = as_patched(row, said)
            assert as_synced(row, said) == patched, (columns, said)
            refused += isinstance(patched, list)
            taken += isinstance(patched, dict)
    assert min(taken, refused) > 100, "both are met"
