"""Builds the `MilestoneDesk` of a request: actor, plan, calendar and time."""

from services.api.context import (
    Reading,
    Resources,
    Writing,
)
from services.core.calendars.queries import working_calendar
from services.core.identity.actor import Actor
from services.core.milestones.action_context import MilestoneDesk
from services.core.plan.state import PlanState


async def writing_desk(
    session: Writing, resources: Resources, plan: PlanState, actor: Actor
) -> MilestoneDesk:
    """Return the desk of a change, with the calendar locked until the change is committed."""
    code = plan.document.supervision.calendar
    calendar = await working_calendar(session, plan.city_code, code, locked=True)
    return MilestoneDesk(plan, calendar, actor, resources.clock.now())


async def reading_desk(
    session: Reading, resources: Resources, plan: PlanState, actor: Actor
) -> MilestoneDesk:
    """Return the desk of a read."""
    code = plan.document.supervision.calendar
    calendar = await working_calendar(session, plan.city_code, code)
    return MilestoneDesk(plan, calendar, actor, resources.clock.now())
