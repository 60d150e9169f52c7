"""Opening a period: whether that is allowed yet, and when its values are due."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.queries import working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.horizons import A_YEAR, too_far_ahead
from services.core.kit.text import Text
from services.core.plan.models import PlanPeriod
from services.core.plan.periods import Period, due_by, is_within_reach
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class Opening:
    """A period to be opened on a local day; `by_rule` is the due date by the plan's rule."""

    today: date
    by_rule: date
    given: date | None

    @property
    def due_date(self) -> date:
        """Return the due date of the values: the given one, or else the plan's."""
        return self.given or self.by_rule

    def check(self) -> None:
        """Check that the values can still be handed in on time.

        Raises:
            InvalidInput: the due date has passed, and if it came from the rule, another must be
                given; or it lies more than a year after the rule's date, and after today.
        """
        if self.due_date >= self.today:
            if faults := _ahead_faults(self.given, since=max(self.by_rule, self.today)):
                raise InvalidInput(faults=faults)
            return
        words = Text(
            f"按计划规定的截止日 {self.by_rule} 已过：请在 due_date 中写明新的截止日",
            f"By the plan its values were due on {self.by_rule}: give another date as due_date",
        )
        if self.given is not None:
            raise InvalidInput(faults=[_passed(self.given, self.today)])
        value = self.due_date.isoformat()
        raise InvalidInput(faults=[Fault("/due_date", "due-date-passed", words, value)])


def more_time_faults(given: date | None, *, in_force: date, today: date) -> list[Fault]:
    """Return the faults of the new due date of a reopened period; None keeps its own.

    It may only extend the time: not before today, not before the date `in_force`, and at most a
    year after both.
    """
    if given is None:
        return []
    if given < today:
        return [_passed(given, today)]
    if given < in_force:
        words = Text(
            f"不能早于现行截止日 {in_force}；省略 due_date 即沿用该日",
            f"No earlier than the date in force, {in_force}, which stays without due_date",
        )
        return [Fault("/due_date", "due-date-earlier", words, given.isoformat())]
    return _ahead_faults(given, since=max(in_force, today))


def _passed(given: date, today: date) -> Fault:
    words = Text(f"截止日不能早于今天（{today}）", f"Values cannot be due before today, {today}")
    return Fault("/due_date", "due-date-passed", words, given.isoformat())


def _ahead_faults(given: date | None, *, since: date) -> list[Fault]:
    """Return a fault of a given date more than a year ahead, with the latest allowed date."""
    if given is None:
        return []
    return too_far_ahead("/due_date", given, since=since, most=A_YEAR)


async def begin_opening(
    session: AsyncSession, plan: PlanState, period: Period, given: date | None, now: datetime
) -> Opening:
    """Insert the row of a period, so that two concurrent openings meet at its lock.

    Raises:
        InvalidInput: it lies in a year that has not begun, and is not the next of its kind.
    """
    opening = Opening(
        today=plan.local_date(now),
        by_rule=due_by(
            plan.document.due_days, period, await calendar_of(session, plan, locked=True)
        ),
        given=given,
    )
    if not is_within_reach(period, opening.today, plan.document.span.start):
        words = Text(
            f"{period.code} 尚未开始；至多可开启下一周期",
            f"{period.code} has not begun; no period beyond the next one is opened",
        )
        raise InvalidInput(faults=[Fault("/path/period", "period-not-begun", words, period.code)])
    await session.execute(
        upsert(PlanPeriod)
        .values(
            city_code=plan.city_code,
            plan_code=plan.code,
            period=period.code,
            state="planned",
            due_date=opening.due_date,
            opened_at=now,
            version=0,
        )
        .on_conflict_do_nothing()
    )
    return opening


async def calendar_of(
    session: AsyncSession, plan: PlanState, *, locked: bool = False
) -> WorkingCalendar:
    """Return the working calendar of a plan's deadlines; `locked` locks it for the transaction."""
    code = plan.document.supervision.calendar
    return await working_calendar(session, plan.city_code, code, locked=locked)


def on_rest_day(
    plan: PlanState, period: Period, due: date, calendar: WorkingCalendar
) -> Text | None:
    """Return a note if a due date is a rest day, or was moved from one; None: neither.

    By rule this happens only in a plan that counts calendar days; a date given by hand may too.
    """
    if not calendar.is_workday(due):
        return Text(
            f"截止日 {due} 是休息日，仍以该日 24:00 为准，不顺延",
            f"The due date {due} is a day of rest; it holds all the same, until its 24:00",
        )
    rule = plan.document.due_days
    counted = period.due_date(getattr(rule, period.frequency))
    if rule.unit == "calendar" and due != counted and due == due_by(rule, period, calendar):
        return Text(
            f"按规定的截止日 {counted} 是休息日，顺延至下一工作日 {due}",
            f"By its days it is due on {counted}, a day of rest, and so on the next working day,"
            f" {due}",
        )
    return None
