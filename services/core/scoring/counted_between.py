"""The values that counted for a period at two positions of the log, and the steps between. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.core.plan.periods import Period
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext
from services.core.scoring.cases import finer_of
from services.core.scoring.changes import ValueStep
from services.core.scoring.counting import CountingScope, finer_operands, operands_of

_MOST_VALUES = 50
"""At most this many values of an indicator are listed; the last stands for the rest too."""

MOST_ROWS = 2000
"""At most this many rows of an indicator are examined; with more there is a single step."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that began or ceased to count at `position`; `more` others are merged into it."""

    position: int
    submission_id: UUID
    revision: int
    organization_code: str
    period: str
    more: int = 0


class History:
    """The values that counted at two positions, and the steps between them."""

    def __init__(
        self,
        bench: ScoringContext,
        period: Period,
        since: int,
        upto: int,
        rows: Iterable[Mapping[str, Any]],
    ) -> None:
        """Take the values that counted at either position: rows of `COUNTED_BETWEEN`."""
        self._bench, self.period = bench, period
        self._since, self._upto = since, upto
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            self._rows.setdefault(row["indicator_code"], []).append(row)
        self.positions: set[int] = set()

    def moved(self, code: str) -> bool:
        """Return whether a value of an indicator began or ceased to count."""
        return any(
            self._counted(row, self._since) != self._counted(row, self._upto)
            for row in self._rows.get(code, [])
        )

    def standing(self, code: str) -> ValueStep | None:
        """Return the operands of an indicator that already counted; None: nothing counted."""
        rows = self.standing_rows(code)
        return self._step(code, rows, None) if rows else None

    def standing_rows(self, code: str) -> list[Mapping[str, Any]]:
        """Return the rows of an indicator that counted at the earlier position."""
        return [row for row in self._rows.get(code, []) if self._counted(row, self._since)]

    def operated(
        self, code: str, counting: Sequence[Mapping[str, Any]]
    ) -> dict[tuple[str, str], Operands]:
        """Add up rows of an indicator, by indicator and period."""
        counted = self._bench.counted([code])
        found = operands_of([{**each, "indicator_code": code} for each in counting], counted)
        place = (code, self.period.code)
        if place in found and code in counted.shared:
            found[place] = self._beside(code, found[place], counted, counting)
        return found

    def steps(self, code: str) -> list[ValueStep]:
        """Return the steps of an indicator's values; a single step if there are too many."""
        rows = self._rows.get(code, [])
        if len(rows) > MOST_ROWS:
            return [self._step(code, (), None)]
        counting = {_place(row): row for row in rows if self._counted(row, self._since)}
        then = {_place(row): row for row in rows if self._counted(row, self._upto)}
        moves = sorted(
            (self._moved_at(place, counting, then), place)
            for place in {*counting, *then}
            if counting.get(place) is not then.get(place)
        )
        found = []
        for number, (position, place) in enumerate(moves, start=1):
            counting.pop(place, None)
            if place in then:
                counting[place] = then[place]
            if number < _MOST_VALUES or number == len(moves):
                more = max(0, len(moves) - _MOST_VALUES) if number == len(moves) else 0
                row = then.get(place) or self._first(rows, place)
                self.positions.add(position)
                found.append(self._step(code, counting.values(), _value(row, position, more)))
        return found

    def _counted(self, row: Mapping[str, Any], position: int) -> bool:
        until = row["until_position"]
        return row["from_position"] <= position and (until is None or until > position)

    def _moved_at(
        self,
        place: tuple[str, str],
        before: Mapping[tuple[str, str], Mapping[str, Any]],
        then: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> int:
        row = then.get(place)
        return int(row["from_position"] if row is not None else before[place]["until_position"])

    def _first(
        self, rows: Iterable[Mapping[str, Any]], place: tuple[str, str]
    ) -> Mapping[str, Any]:
        return next(row for row in rows if _place(row) == place)

    def _step(
        self, code: str, counting: Iterable[Mapping[str, Any]], value: Value | None
    ) -> ValueStep:
        found, codes = self.operated(code, list(counting)), self._finer(code)
        own = found.get((code, self.period.code))
        parts = tuple(found[code, each] for each in codes if (code, each) in found)
        absent = tuple(each for each in codes if (code, each) not in found)
        return ValueStep(
            reference=value,
            own=own,
            parts=() if own is not None else parts,
            absent=() if own is not None else absent,
        )

    def _finer(self, code: str) -> tuple[str, ...]:
        return finer_of(self._bench.state, self._bench.facts[code].indicator, self.period)

    def _beside(
        self,
        code: str,
        own: Operands,
        counted: CountingScope,
        counting: Iterable[Mapping[str, Any]],
    ) -> Operands:
        """Add to the period's operands the values of units that reported only for finer periods."""
        rows = [row for row in counting if counted.may_count(code, row["organization_code"])]
        whole = set(own.organizations) or {
            row["organization_code"] for row in rows if row["period"] == self.period.code
        }
        others = [
            row
            for period in self._finer(code)
            for row in rows
            if row["period"] == period and row["organization_code"] not in whole
        ]
        return replace(own, finer=finer_operands(others, code, counted))


def _value(row: Mapping[str, Any], position: int, more: int) -> Value:
    return Value(
        position,
        row["submission_id"],
        row["revision"],
        row["organization_code"],
        row["period"],
        more,
    )


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["period"], row["organization_code"]
