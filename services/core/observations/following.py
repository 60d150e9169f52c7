"""Follows the log where sources differ: raises, updates and closes conflicts.

The second of two figures always comes as an event, by whatever path. So the comparison is made
only here, and no write of a value waits for it. It reads the current state, not the event's
data, so it may be killed at any line or run twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.queries import working_calendar
from services.core.conflicts.service import raise_conflicts, write_step
from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent, LogStretch
from services.core.events.reading import Follower
from services.core.identity.actor import system
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.observations import queries
from services.core.observations.differing import (
    ConflictVerdict,
    judge,
    observed_as_kept,
    owner_of_conflict,
)
from services.core.observations.models import Observation
from services.core.observations.rules import ObservedPlace, is_withdrawn
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import shown
from services.core.submissions.conflicts.service import close_conflicts
from services.core.submissions.conflicts.subject import OVER_SUBMISSIONS
from services.core.submissions.models import Submission

ACTOR = system("observations")

_AT_ONCE = 500
"""Batch size of observations when a whole plan is compared."""

_TYPES: tuple[EventType, ...] = (
    "observation.recorded",
    "observation.corrected",
    "observation.withdrawn",
    "submission.submitted",
    "submission.approved",
    "submission.withdrawn",
    "plan.published",
)


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    now = clock.now()
    published = {one.plan_code for one in stretch.events if one.type == "plan.published"}
    for plan_code, places in _places(stretch.events).items():
        if plan_code not in published:
            ids = await queries.at_places(session, city_code, plan_code, places)
            await compare(session, city_code, plan_code, ids, now)
    for plan_code in sorted(code for code in published if code is not None):
        after: UUID | None = None
        # The plan's tolerances may have changed, so everything is compared again.
        while ids := await queries.ids_after(
            session, city_code, plan_code, after=after, limit=_AT_ONCE
        ):
            await compare(session, city_code, plan_code, ids, now)
            after = ids[-1]


FOLLOWER = Follower("observations", _TYPES, _handle, passes_over=True)


def _places(events: Iterable[LogEvent]) -> Mapping[str, list[ObservedPlace]]:
    found: dict[str, dict[ObservedPlace, None]] = {}
    for event in events:
        if event.plan_code is not None and event.type != "plan.published":
            data = event.data
            place = (data["indicator_code"], data["organization_code"], data["period"])
            found.setdefault(event.plan_code, {})[place] = None
    return {plan_code: list(places) for plan_code, places in found.items()}


async def compare(
    session: AsyncSession, city_code: str, plan_code: str, ids: Sequence[UUID], now: datetime
) -> None:
    """Compare some observations of a plan with the official values, and write the consequences."""
    plan = await plan_state(session, city_code, plan_code) if ids else None
    if plan is None:
        return
    # Locked first, so that a concurrent decision is waited for and its effect on the submission is
    # read afterwards.
    latest = await queries.latest_conflicts_for_update(session, city_code, ids)
    raised: list[SubmissionConflict] = []
    changed: list[SubmissionConflict] = []
    closed: list[tuple[SubmissionConflict, str]] = []
    calendar = await working_calendar(session, city_code, plan.document.supervision.calendar)
    due = calendar.shifted(plan.local_date(now), plan.document.observations.decision_days)
    for observed, official in await queries.with_official(session, city_code, ids):
        conflict = latest.get(observed.id)
        said = None if official is None else vars(official)
        seen = None if is_withdrawn(vars(observed)) else vars(observed)
        verdict = judge(seen, said, conflict, plan.tolerance(observed.indicator_code))
        owner = owner_of_conflict(plan, observed.indicator_code, observed.organization_code)
        if verdict.step == "raise" and official is not None:
            made = _conflict(plan, observed, now)
            made.owner_code, made.due_date = owner, due
            _put(made, observed, official, verdict)
            raised.append(made)
        elif verdict.step == "change" and conflict is not None and official is not None:
            _put(conflict, observed, official, verdict)
            conflict.owner_code = owner
            changed.append(conflict)
        elif verdict.step == "leave" and conflict is not None and _passes_on(conflict, owner):
            changed.append(conflict)
        elif verdict.step == "close" and conflict is not None and verdict.because is not None:
            closed.append((conflict, verdict.because))
    await raise_conflicts(session, OVER_SUBMISSIONS, raised)
    await write_step(session, OVER_SUBMISSIONS, changed, "changed", now)
    await close_conflicts(session, closed, now)


def _passes_on(conflict: SubmissionConflict, owner: str | None) -> bool:
    """Reassign an open conflict to the unit that the plan now names; return whether it changed."""
    if conflict.state != "open" or conflict.owner_code == owner:
        return False
    conflict.owner_code = owner
    return True


def _put(
    conflict: SubmissionConflict,
    observed: Observation,
    official: Submission,
    verdict: ConflictVerdict,
) -> None:
    """Update a conflict with both present figures; its due date stays."""
    conflict.submission_id = official.id
    conflict.ledger = shown(vars(official), ("form",))
    conflict.observed = observed_as_kept(vars(observed))
    conflict.difference = verdict.difference.amount
    conflict.allowed = verdict.difference.allowed


def _conflict(plan: PlanState, observed: Observation, now: datetime) -> SubmissionConflict:
    unit, indicator = observed.organization_code, observed.indicator_code
    return SubmissionConflict(
        kind="observation",
        city_code=plan.city_code,
        id=new_id(),
        plan_code=plan.code,
        observation_id=observed.id,
        indicator_code=indicator,
        organization_code=unit,
        period=observed.period,
        reason="over-tolerance",
        fields=["form"],
        device={},
        raised_by=ACTOR,
        raised_at=now,
        state="open",
        version=1,
    )
