"""Why a score changed: the difference of two boards, split exactly by indicator and cause.

The causes are applied one after another, and the score is recomputed after each. So the parts
add up to the whole difference, to the last digit. The order is fixed: first indicators that
left, then the plan as a whole, then each indicator in the document's order. Within an indicator:
the rule, the target, the day, and then the values in the order in which they came to count. An
indicator that a plan version added, or has reported by other units or more often, is first charged
to the rule, without the values since then.
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
"""A value approved or corrected, a target assigned or printed anew, a rule or weight changed, a
period opened or closed, a day that passed, the plan's groups or scheme, and how this system adds
up."""

_TARGET = frozenset({"target", "beyond_target"})
_DATED = frozenset({"at_target_date", "target_date_passed", "reporting", "due_date"})
_COUNTED = frozenset({"own", "parts", "absent", "previous"})
_REACHED = frozenset({"owed", "elapsed_months", "months_of_sum", "begun"})
_RULES = frozenset(each.name for each in fields(Case)) - _TARGET - _DATED - _COUNTED - _REACHED


@dataclass(frozen=True, slots=True)
class Stand:
    """A board with what it was made from; None for traces: those of its indicators."""

    document: PlanDocument
    board: Board
    traces: Mapping[str, Trace]


@dataclass(frozen=True, slots=True)
class ValueStep:
    """One value that came to count, or ceased to; `own` and `parts` are the operands after it."""

    reference: object
    own: Any
    parts: Any
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of the difference, in points of the score.

    `reference` says which value it was, and of a target who set it: `plan` or `assigned`.
    """

    kind: Kind
    points: Decimal
    reference: object = None


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """What of the difference an indicator made, and its rows; None: it was or is no part."""

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
    """Return why the score of `after` is not that of `before`.

    With `only` all other indicators stand as they did, and their traces are not needed.
    `dated` says whether the day or the period's state is another one. `arrivals` are the cases of
    the indicators that `before` had not, without the values that came to count since; `ruled` are
    those of indicators that are made of other parts, by the later rule on what counted before.
    """
    walk = _Walk(before.document, {row["code"]: row for row in before.board["indicators"]})
    then = {row["code"]: row for row in after.board["indicators"]}
    whole = [Cause("method", difference(walk.score, _score(before.board)))]
    changes = [walk.leave(code) for code in [*walk.rows] if code not in then]
    whole.append(Cause("plan", walk.become(after.document, then)))
    present = {each["code"]: each for each in before.board["indicators"]}
    # Where no value moved and yet others count, the plan counts them otherwise.
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
    """Return an indicator as it came with the plan: without the values that came after."""
    if arrival is None or not _differ(arrival, case, _COUNTED):
        return case
    return _with(case, arrival, _COUNTED | _REACHED)


class _Walk:
    """Rows on their way from one board to another, and the score that they add up to."""

    def __init__(self, document: PlanDocument, rows: Mapping[str, BoardRow]) -> None:
        self.document = document
        self.rows = dict(rows)
        self.score = self._added()

    def _added(self) -> Decimal:
        return total_of(self.document, list(self.rows.values())).score or ZERO

    def _put(self, row: BoardRow) -> Decimal:
        """Put a row in place of the one there was; return by how much the score moved by it."""
        kept = self.rows.get(row["code"])
        self.rows[row["code"]] = row
        # Adding up looks at every row, and most causes change nothing of what it looks at.
        return ZERO if kept is not None and _added_by(kept) == _added_by(row) else self._moved()

    def _moved(self) -> Decimal:
        """Return by how much the score moved since it was last looked at."""
        before, self.score = self.score, self._added()
        return difference(self.score, before)

    def leave(self, code: str) -> IndicatorChange:
        """Take an indicator out that is no more in the plan."""
        row = self.rows.pop(code)
        return IndicatorChange(code, row, None, (Cause("rule", self._moved()),))

    def become(self, document: PlanDocument, then: Mapping[str, BoardRow]) -> Decimal:
        """Take over the later plan's groups and scheme; rows move to the groups they have there."""
        self.document = document
        for code, row in self.rows.items():
            self.rows[code] = {**row, "group": then[code]["group"]}
        return self._moved()

    def arrive(self, row: BoardRow, cases: Sequence[_Hybrid]) -> list[Cause]:
        """Put an indicator through these cases to its last row; return the causes that show."""
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
    """Return what of a row a score is added up from."""
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
    """Yield each cause with a case in which it, and all causes before it, are as they are now.

    So each cause is charged with just what it adds to those before it. `parted` is the case by the
    later rule on what counted before, where its parts are others; None: they are not.
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
        # With the last of them comes whatever follows from them all.
        case = after if number == len(told) else case
        yield "value", case, step.reference
    if case != after:
        yield untold if counts else "day", after, None


def _set_by(before: Case, after: Case) -> Literal["plan", "assigned"]:
    """Return who set the target that is another one now."""
    one, other = before.target, after.target
    same = (one.source, one.year, one.sequence) == (other.source, other.year, other.sequence)
    # The same assignment with another date: the plan's year is another one.
    return "plan" if other.source == "plan" or same else "assigned"


def _differ(one: Case, other: Case, names: frozenset[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _with(case: Case, other: Case, names: frozenset[str]) -> Case:
    return replace(case, **{name: getattr(other, name) for name in names})


def _score(board: Board) -> Decimal:
    return number_of(board["overall"]["score"]) or ZERO
