"""Which parts of an indicator's value are owed and missing, and since when that counts against it.

Pure. A value has parts: one of each unit that owes it, for the period itself or for each finer
period. `obligations.rules.is_overdue` decides whether a part is late.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from services.core.obligations.rules import is_overdue
from services.core.plan.document import TargetKind
from services.core.plan.models import PlanPeriod
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.scoring.aggregation import Operands, Operators

NAMED = 20
"""At most this many missing parts are listed; the others are counted."""

Want = Literal["overdue", "pending", "unasked"]
"""Why a part is missing: its due date has passed or its period is closed; its due date is still to
come; or nobody was asked for it."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A part that is owed and missing; `organization_code` None: no unit is in charge."""

    period: str
    organization_code: str | None
    name: str | None
    want: Want


@dataclass(frozen=True, slots=True)
class LateUnit:
    """A unit with overdue parts, and the periods of all of them; None: no unit is in charge."""

    organization_code: str | None
    name: str | None
    periods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwedParts:
    """How many parts a value needs so far, how many were reported, and which are missing.

    `due` is the latest due date of the pending parts. `absent` lists at most 20; `late` lists every
    unit with an overdue part, and is not in a trace, because no verdict depends on it.
    `end_unasked`: only the last part counts, and nobody was asked for the parts after it.
    """

    expected: int = 0
    reported: int = 0
    overdue: int = 0
    pending: int = 0
    unasked: int = 0
    due: str | None = None
    absent: tuple[Absent, ...] = ()
    end_unasked: bool = False
    late: tuple[LateUnit, ...] = ()


NOTHING_OWED = OwedParts()

Units = Mapping[tuple[str, str], frozenset[str]]
"""By (indicator code, period code)."""


_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Former:
    """Who owed values in periods that take no more values, where that differs from today.

    `excused` are today's units that did not owe the value then, `owing` those that owed it then and
    do not today; `names` are the names of the latter, which the plan may no longer have. `unasked`
    are indicators that nobody owed in a period, because a later plan version added them.
    """

    excused: Units = field(default_factory=dict)
    owing: Units = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    unasked: frozenset[tuple[str, str]] = frozenset()

    def owed_then(self, indicator: str, reporters: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return who owed a part of an indicator, for each period where that differs from today."""
        return {
            period: (frozenset(reporters) - self.excused.get((indicator, period), _NOBODY))
            | self.owing.get((indicator, period), _NOBODY)
            for code, period in {*self.excused, *self.owing}
            if code == indicator
        }


@dataclass(frozen=True)
class Duties:
    """Who owes which values of a plan, and until when.

    `granted` are the extended due dates, by (indicator, period, unit).
    """

    state: PlanState
    granted: Mapping[tuple[str, str, str], date] = field(default_factory=dict)
    former: Former = field(default_factory=Former)

    def units(self, indicator: str, reporters: Sequence[str], period: str) -> list[str]:
        """Return the units that owe a value for a period: today's, corrected to that time."""
        place = (indicator, period)
        excused = self.former.excused.get(place, frozenset())
        former = self.former.owing.get(place, frozenset()) - set(reporters)
        return [unit for unit in reporters if unit not in excused] + sorted(former)

    def asked(self, period: Period, within: Period) -> PlanPeriod | None:
        """Return the opened period that asks for a part: its own, or else the next wider one."""
        for each in (period, *period.parents()):
            opened = self.state.periods.get(each.code)
            if each.months <= within.months and opened is not None and opened.state != "planned":
                return opened
        return None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a period's value: `pieces` are periods with their operands, oldest first.

    `reporters` owe it: all of them if the value is `shared`, else only the first. Units in `whole`
    have a value of the `board`'s own period; then the finer pieces belong to the other units.
    """

    indicator: str
    board: Period
    pieces: Sequence[tuple[str, Operands | None]]
    operators: Operators
    reporters: tuple[str, ...]
    shared: bool
    whole: frozenset[str] = _NOBODY

    @property
    def latest_counts(self) -> bool:
        """Whether the last of several pieces is the period's value."""
        latest = self.operators.periods == "last" or self.operators.by_level
        return latest and len(self.pieces) > 1


def owed_parts(duties: Duties, parts: Parts, today: date, *, ended: bool) -> OwedParts:
    """Return the owed parts of a value, as far as its period has advanced by the day `today`.

    A missing part after the last reported one does not count until the period has ended, because it
    is not expected yet. If only the last part gives the value, such as a stock at the end of the
    year, an earlier part counts only once it is overdue.
    """
    absent: list[Absent] = []
    dues: list[date] = []
    reported = 0
    filled = [place for place, (_, operands) in enumerate(parts.pieces) if operands is not None]
    last = filled[-1] if filled else -1
    for place, (code, operands) in enumerate(parts.pieces):
        there, gone = _units(duties, parts, code, operands)
        reported += there
        for unit in gone:
            want, due = _want(duties, parts, code, unit, today)
            gap = _Gap(want, _where(place, last), operands is None, code in duties.state.periods)
            if _counts(parts, gap, ended=ended):
                absent.append(Absent(code, unit, _name(duties, unit), want))
                dues += [due] if want == "pending" and due is not None else []
    count = {want: sum(each.want == want for each in absent) for want in _ORDER}
    return OwedParts(
        expected=reported + len(absent),
        reported=reported,
        overdue=count["overdue"],
        pending=count["pending"],
        unasked=count["unasked"],
        due=max(dues).isoformat() if dues else None,
        absent=tuple(sorted(absent, key=lambda each: _ORDER.index(each.want))[:NAMED]),
        end_unasked=parts.latest_counts and last >= 0 and count["unasked"] > 0,
        late=_late_units(absent),
    )


def _late_units(absent: Iterable[Absent]) -> tuple[LateUnit, ...]:
    """Return the units with overdue parts, in the order in which they are owed."""
    units: dict[tuple[str | None, str | None], list[str]] = {}
    for each in absent:
        if each.want == "overdue":
            units.setdefault((each.organization_code, each.name), []).append(each.period)
    return tuple(LateUnit(code, name, tuple(periods)) for (code, name), periods in units.items())


def lacking(duties: Duties, parts: Parts) -> tuple[str, ...]:
    """Return in words the missing parts of an earlier period's value, at most 20.

    It is irrelevant who was asked for a part, or whether it is overdue: without it, a later value
    would be compared with an incomplete one.
    """
    filled = [place for place, (_, operands) in enumerate(parts.pieces) if operands is not None]
    last = filled[-1] if filled else -1
    gone = [
        Absent(code, unit, _name(duties, unit), "unasked")
        for place, (code, operands) in enumerate(parts.pieces)
        if place >= last or not parts.latest_counts
        for unit in _units(duties, parts, code, operands)[1]
    ]
    return tuple(_in_words(each) for each in gone[:NAMED])


_ORDER: Sequence[Want] = ("overdue", "pending", "unasked")


def _units(
    duties: Duties, parts: Parts, code: str, operands: Operands | None
) -> tuple[int, list[str | None]]:
    """Return how many parts of a piece were reported, and the units whose part is missing."""
    if not parts.shared:
        if operands is not None:
            return 1, []
        owing = duties.units(parts.indicator, parts.reporters, code)
        return 0, [owing[0] if owing else None]
    units = duties.units(parts.indicator, parts.reporters, code)
    if parts.whole:
        own = code == parts.board.code
        units = [unit for unit in units if (unit in parts.whole) is own]
    if operands is None:
        return 0, list(units)
    # Unit names were read only where needed; a single reporter is always known. If neither is
    # known, no unit can be named as absent.
    known = units_behind(operands)
    if not known:
        return operands.reports, []
    # A former unit's value may still count, but it is not an owed part.
    gone: list[str | None] = [unit for unit in units if unit not in known]
    return len(units) - len(gone), gone


def units_behind(operands: Operands) -> frozenset[str]:
    """Return the units behind operands, as far as they are known."""
    if operands.organizations or operands.organization_code is None:
        return frozenset(operands.organizations)
    return frozenset({operands.organization_code})


def _want(
    duties: Duties, parts: Parts, code: str, unit: str | None, today: date
) -> tuple[Want, date | None]:
    asked = duties.asked(parts.board.calendar.period(code), parts.board)
    board = duties.state.periods.get(parts.board.code)
    if asked is None or (parts.indicator, code) in duties.former.unasked:
        return "unasked", None
    due = max(asked.due_date, duties.granted.get((parts.indicator, code, unit or ""), date.min))
    states = (asked.state, *([board.state] if board is not None else []))
    if any(is_overdue(due, today, state) for state in states):
        return "overdue", due
    return "pending" if asked.period == code else "unasked", due


@dataclass(frozen=True, slots=True)
class _Gap:
    """A missing part: before, in or after the last piece with a value.

    `whole`: nothing was reported for its piece; `opened`: that period itself was opened.
    """

    want: Want
    where: Literal["before", "in", "after"]
    whole: bool
    opened: bool


def _where(place: int, last: int) -> Literal["before", "in", "after"]:
    if place == last:
        return "in"
    return "after" if place > last else "before"


def _counts(parts: Parts, gap: _Gap, *, ended: bool) -> bool:
    """Return whether a missing part affects the value."""
    if gap.where == "in" or len(parts.pieces) == 1:
        return True
    latest = parts.latest_counts
    match gap.want:
        case "overdue":
            return not latest or gap.where == "after" or gap.opened
        case "pending":
            return ended if gap.where == "after" else not latest
        case "unasked":
            added = parts.operators.periods == "sum" or not gap.whole
            if latest:
                return ended and gap.where == "after"
            return added and (ended or gap.where == "before")


def _name(duties: Duties, unit: str | None) -> str | None:
    entry = duties.state.organizations.get(unit or "")
    return entry.name if entry else duties.former.names.get(unit or "", unit)


_MORE_IS_NEARER: frozenset[TargetKind] = frozenset(
    {"at_least", "more_than", "full_coverage", "rising", "qualitative", "assigned_by_superior"}
)
"""The kinds where a part that is still missing can only bring the value nearer to the target."""


def silence_helps(operators: Operators, kinds: Iterable[TargetKind]) -> bool:
    """Return whether missing parts may bring a value nearer to its target.

    `kinds` are all kinds of the target; a kind not known to be safe counts as helped.
    """
    added = operators.units in {"direct", "sum"} and operators.periods in {"last", "sum"}
    return not added or not _MORE_IS_NEARER.issuperset(kinds)


def owed_details(owed: OwedParts) -> Mapping[str, str]:
    """Return the placeholders of a reason's words; at most ten missing parts are listed."""
    named = "、".join(_in_words(each) for each in owed.absent[:_SAID])
    more = len(owed.absent) > _SAID or owed.expected - owed.reported > len(owed.absent)
    return {
        "expected": str(owed.expected),
        "reported": str(owed.reported),
        "absent": f"{named} …" if more else named or "—",
        "due": owed.due or "—",
    }


_SAID = 10


def in_words(named: Iterable[str]) -> str:
    """Join names for a sentence, at most ten; — if there are none."""
    listed = list(named)
    return "、".join(listed[:_SAID]) + (" …" if len(listed) > _SAID else "") or "—"


def _in_words(absent: Absent) -> str:
    who = absent.name or absent.organization_code
    return f"{who}（{absent.period}）" if who else absent.period
