"""Faults of the codes and dates that a milestone refers to. Pure."""

from datetime import date

from services.core.kit.errors import Fault
from services.core.kit.horizons import TEN_YEARS, too_far_ahead
from services.core.kit.text import Text
from services.core.milestones.models import Milestone
from services.core.milestones.rules import DONE
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_measure, unknown_organization

MOST_BRANCHES = 200
"""The most branches of one milestone: a city has at most as many units."""


def measure_faults(measure_code: str, plan: PlanState) -> list[Fault]:
    """Return the faults of a measure's code."""
    if measure_code in plan.measures:
        return []
    return [unknown_measure(plan, "/measure_code", measure_code)]


def organization_faults(organization_code: str, plan: PlanState) -> list[Fault]:
    """Return the faults of the code of a unit that is to promise something."""
    unit = plan.organizations.get(organization_code)
    if unit is None:
        return [unknown_organization(plan, "/organization_code", organization_code)]
    if not unit.submits:
        return [
            Fault(
                "/organization_code",
                "organization-never-submits",
                Text(
                    "统称或占位名称不能承担里程碑", "A collective name or placeholder does nothing"
                ),
                organization_code,
            )
        ]
    return []


def due_date_faults(due_date: date, plan: PlanState, today: date) -> list[Fault]:
    """Return the faults of a due date; it may lie up to ten years after the plan's end."""
    if due_date >= plan.document.span.start:
        return promise_faults("/due_date", due_date, plan, today)
    return [
        Fault(
            "/due_date",
            "due-before-plan",
            Text("期限早于计划的开始", "It lies before the plan begins"),
            due_date.isoformat(),
        )
    ]


def promise_faults(place: str, day: date, plan: PlanState, today: date) -> list[Fault]:
    """Return a fault if a day lies beyond any due date that a plan allows."""
    return too_far_ahead(place, day, since=max(today, plan.document.span.end), most=TEN_YEARS)


def parent_faults(
    parent: Milestone | None, measure_code: str, leads: tuple[str, ...], branches: int
) -> list[Fault]:
    """Return the faults of a branch's parent.

    `parent` is None if the caller sees no milestone of that id. A branch has no branches itself.
    """
    if parent is None:
        return [_parent("unknown-parent", Text("未找到上级里程碑", "There is no such milestone"))]
    faults = []
    if parent.measure_code != measure_code:
        words = Text("上级里程碑属于另一措施", "It belongs to another measure")
        faults.append(_parent("parent-of-another-measure", words))
    elif parent.organization_code not in leads:
        words = Text("上级里程碑须属于牵头单位", "It must be a lead unit's")
        faults.append(_parent("parent-not-of-lead", words))
    if parent.parent_id is not None:
        words = Text("上级里程碑本身是分支", "It is a branch itself")
        faults.append(_parent("parent-is-branch", words))
    if parent.state in DONE:
        words = Text("上级里程碑已办结或取消", "It is closed or cancelled")
        faults.append(_parent("parent-done", words))
    if branches >= MOST_BRANCHES:
        words = Text(
            f"分支不得超过 {MOST_BRANCHES} 个", f"It has {MOST_BRANCHES} branches, which is most"
        )
        faults.append(_parent("too-many-branches", words))
    return faults


def _parent(code: str, words: Text) -> Fault:
    return Fault("/parent_id", code, words)
