"""The list of everything overdue in a plan: by unit, most severe first, then oldest.

It uses the relations and stages of the alerts and reads the current rows, so it also lists items
that have no notice yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal, get_args
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import Result, text
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs, cutoffs, latest_day
from services.core.alerts.plan_deadlines import plan_deadlines
from services.core.alerts.sources import SOURCES, Source
from services.core.alerts.statements import LATE_GRAVEST, LATE_OUTSIDE, LATE_PAGE, LATE_PART
from services.core.calendars.rules import WorkingCalendar
from services.core.identity.actor import Actor
from services.core.plan.visibility import Owned, scope, sees_whole_plan

LateRule = Literal[
    "milestone_due",
    "milestone_sign",
    "milestone_answer",
    "milestone_closure",
    "report_due",
    "submission_review",
    "submission_answer",
    "extension_decision",
    "conflict_decision",
    "row_renewal",
    "row_recheck",
    "target_missing",
]
"""The rules whose subjects can be late; a publicity day just passes, and a light has no date."""


_LONGEST_AGO = timedelta(days=3660)
"""Beyond this age, items are not ordered by day among themselves."""


@dataclass(frozen=True, slots=True)
class LatePageKey:
    """The sort key of the last item of a page; written as text for a page token."""

    organization_code: str
    level: int
    due: date
    rule: str
    subject_id: str

    @classmethod
    def parse(cls, written: str) -> "LatePageKey":
        """Parse the key from its text.

        Raises:
            ValueError: the text is malformed.
        """
        written.encode()
        parts = written.split("|")
        if len(parts) != len(cls.__dataclass_fields__) or "\x00" in written:
            raise ValueError("not a place")
        unit, level, due, rule, subject = parts
        if not level.isascii() or not level.isdigit() or len(level) > len("99"):
            raise ValueError("not a level")
        if rule not in get_args(LateRule):
            raise ValueError("not a rule of what is late")
        return cls(unit, int(level), date.fromisoformat(due), rule, subject)

    @override
    def __str__(self) -> str:
        parts = (self.organization_code, self.level, self.due, self.rule, self.subject_id)
        return "|".join(str(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Late:
    """An overdue subject, who has to act, and the reaction to its alert.

    `unit` is its owner, `organization_code` the unit that has to act now. `level` is its severity
    by the plan's rules, `mark` the day from which its days are counted, `due` its due date.
    `owed_by` is the due date of a value that is owed: a value missing when its period closed was
    late before that.
    """

    rule: str
    subject_kind: str
    subject_id: str
    unit: str | None
    measure_code: str | None
    indicator_code: str | None
    label: str
    mark: date
    due: date
    organization_code: str
    level: int
    alert_id: UUID | None
    answer: str | None
    promised_date: date | None
    answered_by: Mapping[str, Any] | None
    answered_at: datetime | None
    owed_by: date | None

    @property
    def place(self) -> LatePageKey:
        """The sort key of the item."""
        return LatePageKey(self.organization_code, self.level, self.due, self.rule, self.subject_id)


_ADDRESSEES = {
    "unit": "coalesce(o.unit, :office)",
    "reviewer": "CASE WHEN lead.unit IS DISTINCT FROM o.unit THEN coalesce(lead.unit, :office)"
    " ELSE :office END",
    "office": ":office",
}

_LATE = Owned(
    city="CAST(:city AS text)",
    plan="CAST(:plan AS text)",
    unit="late.organization_code",
    second_unit="late.unit",
    indicator="late.indicator_code",
    measure="late.measure_code",
)
"""The owners of an overdue subject: who has to act, its unit, and its leads, as for alerts."""


async def late_page(
    session: AsyncSession,
    actor: Actor,
    ground: EvaluationContext,
    *,
    rule: LateRule | None,
    organization_code: str | None,
    after: LatePageKey | None,
    limit: int,
) -> Sequence[Late]:
    """Return up to `limit` overdue subjects that the caller may see, after a sort key."""
    given = {
        "only": organization_code,
        "after_unit": after.organization_code if after else None,
        "after_level": after.level if after else None,
        "after_due": after.due if after else None,
        "after_rule": after.rule if after else None,
        "after_subject": after.subject_id if after else None,
        "most": limit,
    }
    rows = await _read(session, LATE_PAGE, actor, ground, rule, given)
    return [Late(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class LateCounts:
    """How many subjects are late, of how many units, and how many have a promised date."""

    things: int = 0
    units: int = 0
    promised: int = 0


async def gravest_late(
    session: AsyncSession, actor: Actor, ground: EvaluationContext, *, limit: int
) -> tuple[Sequence[Late], LateCounts]:
    """Return the most severe overdue subjects that the caller may see, and the total counts."""
    rows = (await _read(session, LATE_GRAVEST, actor, ground, None, {"most": limit})).all()
    counts = LateCounts(*rows[0][_COUNTS_AT:]) if rows else LateCounts()
    return [Late(*row[:_COUNTS_AT]) for row in rows], counts


_COUNTS_AT = len(Late.__dataclass_fields__)


async def late_outside_scope(
    session: AsyncSession,
    actor: Actor,
    ground: EvaluationContext,
    *,
    rule: LateRule | None,
    organization_code: str | None,
) -> int:
    """Return how many more overdue subjects exist that the caller does not see."""
    if sees_whole_plan(actor):
        return 0
    given = {"only": organization_code}
    (number,) = (await _read(session, LATE_OUTSIDE, actor, ground, rule, given)).one()
    return int(number)


async def _read(
    session: AsyncSession,
    form: str,
    actor: Actor,
    ground: EvaluationContext,
    rule: LateRule | None,
    given: Mapping[str, Any],
) -> Result[*tuple[Any, ...]]:
    """Return the rows of a statement about overdue subjects of the wanted rules."""
    seen = scope(actor, _LATE)
    wanted = get_args(LateRule) if rule is None else (rule,)
    chosen = [source for source in SOURCES if source.rule in wanted]
    parts = " UNION ALL ".join(
        _part(source, number, ground.lead(source)) for number, source in enumerate(chosen)
    )
    known = {**_everywhere(ground), **seen.parameters, **given}
    for number, source in enumerate(chosen):
        known |= _of_source(ground, source, number)
    statement = text(form.format(parts=parts, visible=seen.sql))
    named = statement.compile().params
    return await session.execute(statement, {name: known[name] for name in named})


def _part(source: Source, number: int, lead: int) -> str:
    """Return the statement of one kind; its subjects are due `lead` working days after their mark.

    SQL counts working days in `worked`, the sorted list of all of them: `width_bucket` returns how
    many of them are not after the mark, so the n-th working day after it is n positions further.
    """
    worked = "CAST(:worked AS date[])"
    due = f"coalesce(({worked})[width_bucket(o.mark, {worked}) + {lead}], o.mark)"
    return LATE_PART.format(
        due=due if lead else "o.mark",
        rule=source.rule,
        kind=source.kind,
        number=number,
        relation=source.late or source.relation,
        addressee=_ADDRESSEES[source.addressee],
    )


def _everywhere(ground: EvaluationContext) -> dict[str, Any]:
    plan, moment = ground.plan, ground.moment
    rows = plan_deadlines(plan, "target_missing", ground.rules.rules.target_missing, moment.today)
    leads = ground.leads()
    since = max(plan.document.span.start, moment.today - _LONGEST_AGO)
    days = (since + timedelta(days=number) for number in range((moment.today - since).days + 1))
    return {
        "worked": [day for day in days if ground.calendar.is_workday(day)],
        "city": plan.city_code,
        "plan": plan.code,
        "registers": list(plan.registers),
        "zone": plan.document.time_zone,
        "office": ground.rules.office,
        "lead_codes": list(leads),
        "lead_units": list(leads.values()),
        "epochs": [row.epoch for row in rows],
        "marks": [row.mark for row in rows],
        "indicators": [row.indicator_code for row in rows],
        "labels": [row.label for row in rows],
        "ids": [row.subject_id for row in rows],
    }


_MOST_KEPT = 500
_kept_steps: LRUCache[tuple[Any, ...], tuple[WorkingCalendar, Cutoffs, date]] = LRUCache(_MOST_KEPT)


def _of_source(ground: EvaluationContext, source: Source, number: int) -> dict[str, Any]:
    steps, late_until = _steps(ground, source)
    return {
        f"steps_{number}": len(steps.steps),
        f"levels_{number}": [step.level for step in steps.steps],
        f"latest_{number}": list(reversed(steps.latest)),
        f"late_{number}": late_until,
    }


def _steps(ground: EvaluationContext, source: Source) -> tuple[Cutoffs, date]:
    """Return the cut-offs of a source today, and the latest mark that is late; cached for the day.

    They follow from the rules, the calendar and the day. The cache holds the calendar too, so that
    no other calendar can get its `id`.
    """
    since, today = ground.plan.document.span.start, ground.moment.today
    lead, rule = ground.lead(source), ground.rule(source.rule)
    named = (id(ground.calendar), source.rule, ground.rules, since, today, lead)
    kept = _kept_steps.get(named)
    if kept is None:
        steps = cutoffs(rule, ground.rules, ground.calendar, today, since=since, lead=lead)
        late_until = latest_day(partial(_is_late, ground, source), today - timedelta(days=1))
        kept = _kept_steps[named] = ground.calendar, steps, late_until
    return kept[1], kept[2]


def _is_late(ground: EvaluationContext, source: Source, mark: date) -> bool:
    return ground.due_date(source, mark) < ground.moment.today
