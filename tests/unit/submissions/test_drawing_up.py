"""A submission as it is drawn up: whoever does that is told of every fault at once."""

from decimal import Decimal

import pytest

from services.core.kit.errors import InvalidInput
from services.core.plan.state import PlanState
from services.core.submissions.creation import SubmissionDraft, draw_up, first_action
from services.core.submissions.rules import Form, Remarks
from tests.support.api import xinmi
from tests.unit.submissions.builders import LEAD, NOW, an_actor

PLAN = PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {})
REPORTER = an_actor("reporter", LEAD)
OFFICE = an_actor("office")
RATIO = Form(numerator=Decimal(4), denominator=Decimal(10))
BOTH = Form(value=Decimal(4), numerator=Decimal(4), denominator=Decimal(10))


def drawn(period: str, form: Form = RATIO, *, draft: bool = False) -> SubmissionDraft:
    return SubmissionDraft("U08", LEAD, period, form, Remarks(), draft)


@pytest.mark.parametrize(
    ("period", "code"),
    [("2025-13", "invalid-period"), ("2010", "period-before-plan"), ("2029", "period-not-begun")],
)
def test_a_period_and_for_whom_are_judged_with_the_value(period: str, code: str) -> None:
    draft = SubmissionDraft("U08", LEAD, period, BOTH, Remarks(), draft=False, on_behalf_of=True)
    with pytest.raises(InvalidInput) as refused:
        draw_up(draft, plan=PLAN, actor=REPORTER, now=NOW)
    found = {fault.pointer: fault.code for fault in refused.value.faults}
    assert found["/period"] == code
    assert found["/on_behalf_of"] == "office-only"
    assert len(found) > 2, "and the form, which says a value in two ways"


def test_the_office_reports_for_a_unit() -> None:
    draft = SubmissionDraft("U08", LEAD, "2025", RATIO, Remarks(), draft=False, on_behalf_of=LEAD)
    assert draw_up(draft, plan=PLAN, actor=OFFICE, now=NOW)["on_behalf"]


def test_what_history_calls_the_first_follows_from_what_was_made() -> None:
    for draft, action in ((True, "created"), (False, "submitted")):
        row = draw_up(drawn("2025", draft=draft), plan=PLAN, actor=REPORTER, now=NOW)
        assert first_action(row) == action
