"""Which boards, and which of their indicators, must be redrawn after an event.

Pure; `scoring.service` reads the events and draws the boards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.core.events.catalogue import EVENT_TYPES, EventType
from services.core.events.queries import LogEvent, LogStretch
from services.core.plan.document import Indicator
from services.core.plan.periods import LAST_YEAR, Period, PeriodCalendar
from services.core.scoring.targets import TRENDS

BASES = ("approved", "submitted")
"""The bases of a board: approved values alone, or also values that are under review."""

BoardKey = tuple[str, str]
"""(basis, period code)."""

_WHOLE_PLAN = frozenset({"plan.published", "question.settled"})
_PUBLICATION = "period.published"
_WHOLE_PERIOD = frozenset(
    {
        "period.opened",
        "period.closed",
        "period.reopened",
        "period.rescheduled",
        "period.cancelled",
        _PUBLICATION,
    }
)
_EXTENSION = "obligation.extended"
_MATTERS = _WHOLE_PLAN | _WHOLE_PERIOD | {_EXTENSION, "target.assigned"}
_PLAN_SUBJECTS = frozenset({"plan", "target", "question", "period", "obligation"})

TYPES: tuple[EventType, ...] = tuple(
    each for each in EVENT_TYPES if each.partition(".")[0] in {*_PLAN_SUBJECTS, "submission"}
)
"""The event types that may change the values that count, a plan, or a decision beside the plan."""


@dataclass(frozen=True, slots=True)
class ChangedInput:
    """A value that began or ceased to count."""

    plan_code: str
    basis: str
    indicator_code: str
    period: str


@dataclass(slots=True)
class AffectedScores:
    """The parts of one plan that events affect.

    `published` maps each newly published period to its publication number, because its board is
    drawn a last time. `turned` are the boards that the date alone may have changed.
    """

    whole_plan: bool = False
    periods: set[str] = field(default_factory=set)
    turned: set[tuple[str, str]] = field(default_factory=set)
    published: dict[str, int | None] = field(default_factory=dict)
    indicators: set[str] = field(default_factory=set)
    inputs: set[tuple[str, str, str]] = field(default_factory=set)
    extended: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class BoardsToDraw:
    """The boards to draw, each with the indicators to judge again, None: all of them.

    Boards in `if_drawn` are only drawn if they already exist.
    """

    boards: dict[BoardKey, set[str] | None] = field(default_factory=dict)
    if_drawn: set[BoardKey] = field(default_factory=set)

    def whole(self, key: BoardKey, *, if_drawn: bool = False) -> None:
        """Request a whole board."""
        if if_drawn and key not in self.boards:
            self.if_drawn.add(key)
        elif not if_drawn:
            self.if_drawn.discard(key)
        self.boards[key] = None

    def judge(self, key: BoardKey, indicator: str, *, if_drawn: bool = False) -> None:
        """Request that one indicator of a board is judged again."""
        if key not in self.boards:
            self.boards[key] = set()
            if if_drawn:
                self.if_drawn.add(key)
        elif not if_drawn:
            self.if_drawn.discard(key)
        judged = self.boards[key]
        if judged is not None:
            judged.add(indicator)


def alters_plan(event: LogEvent) -> bool:
    """Return whether an event changes a plan, or a decision that is stored beside it."""
    return event.type.partition(".")[0] in _PLAN_SUBJECTS


def up_to_publication(stretch: LogStretch) -> tuple[Sequence[LogEvent], int]:
    """Return a stretch's events up to its first publication, and the position where it ends.

    A published board includes everything before its publication.
    """
    for count, event in enumerate(stretch.events, start=1):
        if event.type == _PUBLICATION:
            return stretch.events[:count], event.position
    return stretch.events, stretch.upto


def affected(
    events: Iterable[LogEvent], inputs: Iterable[ChangedInput]
) -> dict[str, AffectedScores]:
    """Return the effects of a batch of events, by plan code."""
    found: dict[str, AffectedScores] = {}
    for event in events:
        if event.plan_code is None or not _matters(event):
            continue
        touch = found.setdefault(event.plan_code, AffectedScores())
        if event.type == "target.assigned":
            touch.indicators.add(event.data["indicator_code"])
        elif event.type == _EXTENSION:
            touch.extended.add((event.data["indicator_code"], event.data["period"]))
        elif event.type in _WHOLE_PLAN:
            touch.whole_plan = True
        else:
            touch.periods.add(event.data["period"])
            if event.type == _PUBLICATION:
                touch.published[event.data["period"]] = event.data["publication_number"]
    for row in inputs:
        touch = found.setdefault(row.plan_code, AffectedScores())
        touch.inputs.add((row.basis, row.indicator_code, row.period))
    return found


def _matters(event: LogEvent) -> bool:
    return event.type in _MATTERS


def boards_to_draw(
    touch: AffectedScores,
    indicators: Mapping[str, Indicator],
    drawn: Iterable[BoardKey],
    calendar: PeriodCalendar,
) -> BoardsToDraw:
    """Return the boards that must be drawn because of changed values, dates, targets and periods.

    `drawn` are the existing boards of the plan; it is used for assigned targets only.
    """
    found = BoardsToDraw()
    for code in touch.periods:
        _want_period(found, calendar.period(code), indicators.values())
    for key in touch.turned:
        found.whole(key)
    for code in touch.indicators:
        for key in drawn:
            found.judge(key, code)
    for code, period in touch.extended:
        for each in chain(calendar.period(period)):
            for basis in BASES:
                found.judge((basis, each.code), code, if_drawn=True)
    for basis, code, period in touch.inputs:
        _want_value(found, basis, calendar.period(period), code, indicators.get(code))
    return found


def _want_period(found: BoardsToDraw, period: Period, indicators: Iterable[Indicator]) -> None:
    """Request every board that depends on the state of a period's reporting.

    These are its own board, those of the wider periods that contain it, and those that compare with
    one of them. Their missing parts depend on whether the period was opened, and still is.
    """
    rising = [each for each in indicators if may_rise(each)]
    for basis in BASES:
        found.whole((basis, period.code))
        for wider in period.parents():
            found.whole((basis, wider.code), if_drawn=True)
        for each in chain(period):
            for indicator in rising:
                _want_later(found, basis, each, indicator)


def _want_value(
    found: BoardsToDraw, basis: str, period: Period, code: str, indicator: Indicator | None
) -> None:
    """Request every board that a value counts in, and those that compare with one of these."""
    for each in chain(period):
        found.judge((basis, each.code), code)
        if indicator is not None and may_rise(indicator):
            _want_later(found, basis, each, indicator)


def _want_later(found: BoardsToDraw, basis: str, period: Period, indicator: Indicator) -> None:
    """Request the later board that compares an indicator with its value in this period."""
    later = period.compared_from(indicator.comparison)
    if later.in_year <= LAST_YEAR:
        found.judge((basis, later.code), indicator.code, if_drawn=True)


def chain(period: Period) -> tuple[Period, ...]:
    """Return a period and the wider ones that contain it."""
    return (period, *period.parents())


def may_rise(indicator: Indicator) -> bool:
    """Return whether a verdict may compare with an earlier period."""
    entries = (*indicator.targets, *indicator.unit_targets)
    kinds = {entry.kind for entry in entries}
    kinds |= {each.kind for entry in entries for each in entry.conditions}
    return bool(kinds & (TRENDS | {"assigned_by_superior"}))
