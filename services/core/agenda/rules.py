"""Decides what waits for whom, and whose deadlines a calendar may show. Pure."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from services.core.calendars.rules import WorkingCalendar
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission, Role
from services.core.plan.document import Supervision

TodoKind = Literal[
    "report",
    "correct",
    "review",
    "sign",
    "progress",
    "close",
    "reassign",
    "decide",
    "settle",
    "renew",
    "recheck",
]
KINDS: tuple[TodoKind, ...] = get_args(TodoKind)
"""The kinds of work, in the order of a list for the same day:

report a value, correct a returned one, review one; sign for a milestone, work on it, close it,
reassign a declined one; decide on an extension; settle a conflict between two sources; renew a
row of a register, or look at it again.
"""

CalendarScope = Literal["unit", "plan", "person"]

_PERMISSIONS: Mapping[TodoKind, Permission] = {
    "report": Permission.WRITE_SUBMISSIONS,
    "correct": Permission.WRITE_SUBMISSIONS,
    "review": Permission.REVIEW_SUBMISSIONS,
    "sign": Permission.WRITE_MILESTONES,
    "progress": Permission.WRITE_MILESTONES,
    "close": Permission.WRITE_MILESTONES,
    "reassign": Permission.WRITE_MILESTONES,
    "decide": Permission.WRITE_MILESTONES,
    "settle": Permission.WRITE_SUBMISSIONS,
    "renew": Permission.WRITE_SUBMISSIONS,
    "recheck": Permission.WRITE_SUBMISSIONS,
}
_OF_A_UNIT: frozenset[TodoKind] = frozenset(
    {"report", "correct", "sign", "progress", "settle", "renew", "recheck"}
)
_OF_A_LEAD: frozenset[TodoKind] = frozenset({"review", "close", "reassign", "decide", "settle"})

_KEPT_DAYS = 800
"""For how many past days exact due dates are computed; older items are long overdue."""


def kinds_for(actor: Actor) -> tuple[TodoKind, ...]:
    """Return the kinds of work that can wait for an actor: work of its unit, or decisions."""
    mine: set[TodoKind] = set()
    if actor.organization_code is not None:
        mine |= _OF_A_UNIT
    if decides(actor) is not None:
        mine |= _OF_A_LEAD
    return tuple(kind for kind in KINDS if kind in mine and actor.may(_PERMISSIONS[kind]))


def decides(actor: Actor) -> Reach | None:
    """Return which decisions an actor takes: those that its unit leads, or those without a lead.

    None: it takes none.
    """
    if Permission.DECIDE_WHAT_UNIT_LEADS.is_for(actor.role, actor.organization_code):
        return Reach.LED
    if Permission.DECIDE_WHAT_NOBODY_LEADS.is_for(actor.role, actor.organization_code):
        return Reach.WHOLE_PLAN
    return None


@dataclass(frozen=True, slots=True)
class Turn:
    """The due dates of a review, or else an answer, for an item of this `day`."""

    day: date
    review_by: date
    answer_by: date


def turns(supervision: Supervision, calendar: WorkingCalendar, today: date) -> list[Turn]:
    """Return one turn for each of the last 800 days and for `today`, oldest first."""
    first = today - timedelta(days=_KEPT_DAYS)
    last = calendar.shifted(today, max(supervision.review_days, supervision.answer_days))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    # Counting from each of the 800 days separately would walk the same days again and again.
    worked = [day for day in days if calendar.is_workday(day)]

    def after(day: date, number: int) -> date:
        return worked[bisect_right(worked, day) + number - 1] if number else day

    return [
        Turn(day, after(day, supervision.review_days), after(day, supervision.answer_days))
        for day in days[: _KEPT_DAYS + 1]
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that waits for somebody, due by the end of a local day."""

    kind: TodoKind
    due_date: date
    overdue: bool
    plan_code: str
    subject_kind: str
    subject_id: UUID
    organization_code: str
    indicator_code: str | None
    measure_code: str | None
    period: str | None
    title: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many items of a kind wait, and how many of them are overdue."""

    waiting: int
    overdue: int


CALENDAR_SHOWS = (
    Permission.READ_PLAN,
    Permission.READ_SUBMISSIONS,
    Permission.READ_MILESTONES,
)
"""The rights that a calendar's address conveys."""


def may_show(actor: Actor, scope: CalendarScope, organization_code: str | None) -> bool:
    """Return whether an actor may have a calendar of this scope; `organization_code` is its unit.

    An actor who sees the whole plan may have any calendar, others only that of their own unit. A
    calendar shows milestones, obligations and periods, so its maker must be allowed to read all
    three.
    """
    if not all(actor.may(one) for one in CALENDAR_SHOWS):
        return False
    sees_all = actor.reach is Reach.WHOLE_PLAN
    if scope == "plan":
        return sees_all
    own = actor.organization_code is not None and organization_code == actor.organization_code
    return own or (sees_all and (scope == "person" or organization_code is not None))


def shown(scope: CalendarScope, role: Role, organization_code: str | None) -> Reach:
    """Return whose deadlines a calendar shows, by its scope, its unit, and its maker's role."""
    if scope == "plan" or organization_code is None:
        return Reach.WHOLE_PLAN
    leads = Permission.DECIDE_WHAT_UNIT_LEADS.is_for(role, organization_code)
    return Reach.LED if scope == "person" and leads else Reach.OWN


@dataclass(frozen=True, slots=True)
class Deadline:
    """One entry of a calendar. `uid` never changes; `sequence` and `changed_at` grow with it."""

    uid: str
    due_date: date
    title: str
    description: str
    sequence: int
    changed_at: datetime
    done: bool
    cancelled: bool

    @property
    def is_open(self) -> bool:
        """Whether it still needs work."""
        return not (self.done or self.cancelled)


def alarm_days(due_date: date, calendar: WorkingCalendar) -> tuple[date, ...]:
    """Return the days on which a calendar program reminds: 7 and 1 working days before."""
    return tuple(calendar.shifted(due_date, -before) for before in (7, 1))
