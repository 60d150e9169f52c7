"""Whose value counts at which time: a value that was reported before a handover stays valid.

If units combine by `direct`, one unit's value is the city's: `Tenure`. Otherwise each of several
units has a part in the value: `Sharers`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from services.core.plan.periods import PeriodCalendar


@dataclass(frozen=True, slots=True)
class Tenure:
    """From which log position on the value of a unit is the city's; None: of every unit."""

    since: int
    organization_code: str | None


Tenures = Mapping[str, Sequence[Tenure]]
"""The tenures of each indicator, oldest first."""


def rank(tenures: Sequence[Tenure], organization_code: str, from_position: int) -> int:
    """Return the number of the last tenure by which a value counts; -1: by none.

    It counts by the tenures of its unit that had begun when the value began to count. So the value
    of a former owner that is approved after the handover still counts, and gives way only to a
    value of a later owner.
    """
    return max(
        (
            number
            for number, tenure in enumerate(tenures)
            if tenure.since <= from_position
            and tenure.organization_code in {None, organization_code}
        ),
        default=-1,
    )


def units_named(tenures: Iterable[Tenure]) -> frozenset[str | None]:
    """Return the units that ever owned; None is among them where every unit did."""
    return frozenset(tenure.organization_code for tenure in tenures)


@dataclass(frozen=True, slots=True)
class Membership:
    """From which log position, and local date, on these units have a part in a value."""

    since: int
    units: frozenset[str]
    day: date = date.min


Memberships = Mapping[str, Sequence[Membership]]
"""The memberships of each indicator that several units share, oldest first, today's last."""


@dataclass(frozen=True)
class Sharers:
    """Which units have a part in a value, now and before.

    `memberships` are oldest first, the last those of today. `then` gives, for periods that take
    no more values, the units that owed a part in them, where those are not today's.
    """

    memberships: Sequence[Membership]
    then: Mapping[str, frozenset[str]]
    calendar: PeriodCalendar

    @cached_property
    def ever(self) -> frozenset[str]:
        """Every unit that has, or ever had, a part."""
        return frozenset().union(*(each.units for each in self.memberships), *self.then.values())

    @property
    def changed(self) -> bool:
        """Whether a part ever changed hands: then who counts is another question by period."""
        return len(self.memberships) > 1 or bool(self.then)

    def counting(self, period: str, since: Mapping[str, int]) -> frozenset[str]:
        """Return the units whose values of a period count; `since` has the position of each value.

        For a period that takes no more values those count that owed it. Otherwise a unit of today
        counts, and a former one for a period that had begun when it left, if it had its part
        before its value began to count. It gives way to the value of a unit that came later.
        """
        if period in self.then:
            return self.then[period] & since.keys()
        begun = self.calendar.period(period).first_day
        parts = {unit: self._part(unit, position, begun) for unit, position in since.items()}
        known = {unit: part for unit, part in parts.items() if part is not None}
        newest = max((first for first, _ in known.values()), default=0)
        return frozenset(unit for unit, (_, ended) in known.items() if ended >= newest)

    def _part(self, unit: str, position: int, begun: date) -> tuple[int, int] | None:
        """Return the numbers of the first and the last membership by which a value counts."""
        held, today = self.memberships, len(self.memberships) - 1
        return max(
            (
                (first, last)
                for first, last in self._stretches(unit)
                if last == today or (held[first].since <= position and begun <= held[last + 1].day)
            ),
            default=None,
        )

    def _stretches(self, unit: str) -> list[tuple[int, int]]:
        """Return from which membership to which a unit had its part without a break."""
        found: list[tuple[int, int]] = []
        for number, each in enumerate(self.memberships):
            if unit not in each.units:
                continue
            goes_on = bool(found) and found[-1][1] == number - 1
            begun = found.pop()[0] if goes_on else number
            found.append((begun, number))
        return found
