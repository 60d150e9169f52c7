"""The conditions of sight as text: each names what leads, and the city."""

import pytest

from services.core.identity.reach import Reach
from services.core.plan.visibility import Owned, led_by, seen_by

_OWNED = {"city": "x.city_code", "plan": "x.plan_code", "unit": "x.organization_code"}


@pytest.mark.parametrize(
    ("named", "table", "said"),
    [
        ("indicator", "indicator_lead", "scope_lead.indicator_code = x.it"),
        ("measure", "measure_unit", "scope_lead.part = 'lead' AND scope_lead.measure_code = x.it"),
        ("register", "register_lead", "scope_lead.register_code = x.it"),
        ("sheet", "sheet_assessor", "scope_lead.sheet_code = x.it"),
    ],
)
def test_who_leads_what_a_row_is_about_is_asked_of_its_table(
    named: str, table: str, said: str
) -> None:
    (led,) = led_by(Owned(**_OWNED, **{named: "x.it"}), city=":city", unit=":unit")
    assert f"FROM {table} AS" in led
    assert said in led
    assert "scope_lead.city_code = :city" in led
    assert "scope_lead.organization_code = :unit" in led


def test_of_what_nothing_leads_nothing_is_asked() -> None:
    assert led_by(Owned(**_OWNED), city=":city", unit=":unit") == []


@pytest.mark.parametrize(
    ("reach", "seen"),
    [
        (Reach.WHOLE_PLAN, "TRUE"),
        (Reach.NOTHING, "FALSE"),
        (Reach.APPROVED, "(x.state = 'approved')"),
    ],
)
def test_a_reach_that_asks_for_no_unit_is_a_condition_of_its_own(reach: Reach, seen: str) -> None:
    owned = Owned(**_OWNED, approved="x.state = 'approved'")
    assert seen_by(reach, owned, city=":city", unit=":unit") == seen
    if reach is Reach.APPROVED:
        assert seen_by(reach, Owned(**_OWNED), city=":city", unit=":unit") == "(FALSE)"


def test_a_lead_sees_its_own_what_it_shares_and_what_it_leads() -> None:
    owned = Owned(**_OWNED, second_unit="x.by", shared="x.shared", indicator="x.it")
    own = "x.organization_code = :unit OR x.by = :unit OR x.shared"
    (led,) = led_by(owned, city=":city", unit=":unit")
    assert seen_by(Reach.LED, owned, city=":city", unit=":unit") == f"({own} OR {led})"
