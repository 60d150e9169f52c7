"""Why a score changed: the difference of two boards, split exactly by indicator and cause.

The causes are applied one after another, and the score is recomputed after each. So the parts
add up to the whole difference, to the last digit. The order is fixed: first indicators that
left, then the plan as a whole, then each indicator in the document's order. Within an indicator:
the rule, the target, the day, and then the values in the order in which they came to count. An
indicator that a plan version added, or that is now reported by other units or more often, is first
charged to the rule, on the values without those that came to count since.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from services.core.kit.decimals import plain_or_none
from services.core.plan.document import PlanDocument
from services.core.scoring.adding_up import Board, BoardRow, total_of
from services.core.scoring.figures import ZERO, difference
from services.core.scoring.judgement import Case, judge
from services.core.scoring.traces import Trace, case_of, number_of

Kind = Literal["value", "target", "rule", "period", "day", "plan", "method"]
"""Causes, in this order: a value was approved or corrected; a target was assigned or republished;
a rule or weight changed; a period was opened or closed; a day passed; the plan's groups or scheme
changed; the way in which this system adds up changed."""

_TARGET = frozenset({"target", "beyond_target"})
_DATED = frozenset({"at_target_date", "target_date_passed", "reporting", "due_date"})
_COUNTED = frozenset({"own", "parts", "absent", "previous"})
_REACHED = frozenset({"owed", "elapsed_months", "months_of_sum", "begun"})
_RULES = frozenset(each.name for each in fields(Case)) - _TARGET - _DATED - _COUNTED - _REACHED


@dataclass(frozen=True, slots=True)
class Stand:
    """A board with its document and the traces of its indicators."""

    document: PlanDocument
    board: Board
    traces: Mapping[str, Trace]


@dataclass(frozen=True, slots=True)
class ValueStep:
    """One value that began or ceased to count; `own` and `parts` are the operands after it."""

    reference: object
    own: Any
    parts: Any
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of the difference, in points of the score.

    `reference` identifies the value, or for a target who set it: `plan` or `assigned`.
    """

    kind: Kind
    points: Decimal
    reference: object = None


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """An indicator's part of the difference, and its rows; None: not in the plan."""

    code: str
    before: BoardRow | None
    after: BoardRow | None
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """The difference of two scores with its parts; a board without a score counts as 0."""

    difference: Decimal
    whole: tuple[Cause, ...]
    indicators: tuple[IndicatorChange, ...]


Steps = Callable[[str], Sequence[ValueStep]]
"""Takes an indicator's code; returns its values' steps in the order in which they counted."""

_Hybrid = tuple[Kind, Case, object]
"""A cause, the case that it leads to, and its reference."""


def explain_difference(
    before: Stand,
    after: Stand,
    *,
    steps: Steps,
    dated: bool,
    arrivals: Mapping[str, Case] = MappingProxyType({}),
    ruled: Mapping[str, Case] = MappingProxyType({}),
    only: Collection[str] | None = None,
) -> ScoreDifference:
    """Explain why the score of `after` differs from that of `before`.

    With `only`, all other indicators are unchanged, and their traces are not needed. `dated` tells
    whether the day or the period's state differs. `arrivals` are the cases of indicators that
    `before` does not have, without the values that came to count since; `ruled` are the cases of
    indicators that now have other parts, by the later rule on the values that counted before.
    """
    walk = _Walk(before.document, {row["code"]: row for row in before.board["indicators"]})
    then = {row["code"]: row for row in after.board["indicators"]}
    whole = [Cause("method", difference(walk.score, _score(before.board)))]
    changes = [walk.leave(code) for code in [*walk.rows] if code not in then]
    whole.append(Cause("plan", walk.become(after.document, then)))
    present = {each["code"]: each for each in before.board["indicators"]}
    # If no value moved and yet other values count, a plan change caused it.
    untold: Kind = "value" if before.document == after.document else "rule"
    moved = then if only is None else {code: row for code, row in then.items() if code in only}
    for code, row in moved.items():
        case, known = case_of(after.traces[code]), before.traces.get(code)
        earlier = _arrived(case, arrivals.get(code)) if known is None else case_of(known)
        cases: list[_Hybrid] = [("rule", earlier, None)] if known is None else []
        if earlier != case:
            values = steps(code)
            parted = ruled.get(code)
            cases += _hybrids(earlier, case, values, dated=dated, untold=untold, parted=parted)
        causes = walk.arrive(row, cases)
        if causes:
            changes.append(IndicatorChange(code, present.get(code), row, tuple(causes)))
    whole.append(Cause("method", difference(_score(after.board), walk.score)))
    return ScoreDifference(
        difference=difference(_score(after.board), _score(before.board)),
        whole=tuple(cause for cause in whole if cause.points),
        indicators=tuple(changes),
    )


def _arrived(case: Case, arrival: Case | None) -> Case:
    """Return an indicator's case when the plan added it, without values that came later."""
    if arrival is None or not _differ(arrival, case, _COUNTED):
        return case
    return _with(case, arrival, _COUNTED | _REACHED)


class _Walk:
    """The rows during the transition from one board to another, and their score."""

    def __init__(self, document: PlanDocument, rows: Mapping[str, BoardRow]) -> None:
        self.document = document
        self.rows = dict(rows)
        self.score = self._added()

    def _added(self) -> Decimal:
        return total_of(self.document, list(self.rows.values())).score or ZERO

    def _put(self, row: BoardRow) -> Decimal:
        """Replace or add a row; return by how much the score moved."""
        kept = self.rows.get(row["code"])
        self.rows[row["code"]] = row
        # Adding up reads every row, and most causes leave its inputs unchanged.
        return ZERO if kept is not None and _added_by(kept) == _added_by(row) else self._moved()

    def _moved(self) -> Decimal:
        """Return by how much the score moved since the last call."""
        before, self.score = self.score, self._added()
        return difference(self.score, before)

    def leave(self, code: str) -> IndicatorChange:
        """Remove an indicator that is no longer in the plan."""
        row = self.rows.pop(code)
        return IndicatorChange(code, row, None, (Cause("rule", self._moved()),))

    def become(self, document: PlanDocument, then: Mapping[str, BoardRow]) -> Decimal:
        """Adopt the later plan's groups and scheme; rows move to their groups in it."""
        self.document = document
        for code, row in self.rows.items():
            self.rows[code] = {**row, "group": then[code]["group"]}
        return self._moved()

    def arrive(self, row: BoardRow, cases: Sequence[_Hybrid]) -> list[Cause]:
        """Take an indicator through these cases to its last row; return causes with an effect."""
        code, causes = row["code"], []
        kept = self.rows.get(code)
        if kept is not None and kept["weight"] != row["weight"]:
            causes.append(Cause("rule", self._put({**kept, "weight": row["weight"]})))
        for number, (kind, case, reference) in enumerate(cases):
            kept = self.rows.get(code, row)
            last = number == len(cases) - 1
            reached = row if last else _judged(row, case)
            changed = _standing(kept) != _standing(reached) or code not in self.rows
            points = self._put(reached)
            if points or changed or kind == "value":
                causes.append(Cause(kind, points, reference))
        if not cases and self.rows.get(code) != row:
            points = self._put(row)
            if points:
                causes.append(Cause("rule", points))
        return causes


def _added_by(row: BoardRow) -> tuple[Any, ...]:
    """Return the members of a row that the score depends on."""
    return row["group"], row["state"], row["weight"], row["attainment"]


def _standing(row: BoardRow) -> tuple[Any, ...]:
    return row["state"], row["attainment"], row["weight"], row["value"]


def _judged(row: BoardRow, case: Case) -> BoardRow:
    """Return a row as it would be on a case."""
    verdict = judge(case)
    figure = verdict.reading.figure
    return {
        **row,
        "state": verdict.state,
        "attainment": plain_or_none(verdict.attainment),
        "value": plain_or_none(None if figure is None else figure.value),
    }


def _hybrids(
    before: Case,
    after: Case,
    steps: Sequence[ValueStep],
    *,
    dated: bool,
    untold: Kind,
    parted: Case | None,
) -> Iterator[_Hybrid]:
    """Yield each cause with a case where it and all causes before it have their new state.

    So each cause is charged exactly with its addition to the causes before it. `parted` is the case
    by the later rule on the values that counted before, if its parts differ; None: they do not.
    """
    counts = _differ(before, after, _COUNTED)
    by_day = (_DATED if dated else frozenset()) | (frozenset() if counts else _REACHED)
    case = _with(before, after, _RULES)
    if parted is not None:
        case = _with(case, parted, _COUNTED | _REACHED)
    if case != before:
        yield "rule", case, None
    stages: tuple[tuple[Kind, frozenset[str], object], ...] = (
        ("target", _TARGET, _set_by(before, after)),
        ("day", by_day, None),
    )
    for kind, names, reference in stages:
        if _differ(case, after, names):
            case = _with(case, after, names)
            yield kind, case, reference
    told = steps if counts else ()
    for number, step in enumerate(told, start=1):
        case = replace(case, own=step.own, parts=step.parts, absent=step.absent)
        # The last value also brings everything that depends on all of them.
        case = after if number == len(told) else case
        yield "value", case, step.reference
    if case != after:
        yield untold if counts else "day", after, None


def _set_by(before: Case, after: Case) -> Literal["plan", "assigned"]:
    """Return who set the target that replaced the old one: the plan, or an assignment."""
    one, other = before.target, after.target
    same = (one.source, one.year, one.sequence) == (other.source, other.year, other.sequence)
    # The same assignment with another date means that the plan's year changed.
    return "plan" if other.source == "plan" or same else "assigned"


def _differ(one: Case, other: Case, names: frozenset[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _with(case: Case, other: Case, names: frozenset[str]) -> Case:
    return replace(case, **{name: getattr(other, name) for name in names})


def _score(board: Board) -> Decimal:
    return number_of(board["overall"]["score"]) or ZERO
