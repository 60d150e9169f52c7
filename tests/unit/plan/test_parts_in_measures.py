"""Which part a unit has in a measure."""

from services.core.plan.leads import units_of
from tests.integration.alerts.watch import LEAD, MEASURE, UNIT, a_watched_plan


def test_a_unit_both_lead_and_responsible_keeps_the_lead() -> None:
    both = MEASURE | {"responsible_units": [LEAD, UNIT]}
    plan = a_watched_plan(
        tasks=[{"number": 1, "section": "一", "title": "任务", "measures": [both]}]
    )
    units = {entry.code: entry for entry in plan.organizations}
    (task,) = plan.tasks
    assert units_of(task.measures[0], units) == {LEAD: "lead", UNIT: "responsible"}
