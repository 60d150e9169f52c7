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
    """The log position since which a unit's value is the city's; None: any unit's."""

    since: int
    organization_code: str | None


Tenures = Mapping[str, Sequence[Tenure]]
"""The tenures of each indicator, oldest first."""


def rank(tenures: Sequence[Tenure], organization_code: str, from_position: int) -> int:
    """Return the number of the last tenure that a value counts by; -1: it does not count.

    It counts by those tenures of its unit that had begun when the value began to count. So a value
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
    """Return the units that were ever owners; None is among them if any unit was."""
    return frozenset(tenure.organization_code for tenure in tenures)


@dataclass(frozen=True, slots=True)
class Membership:
    """The log position, and local date, since which these units share a value."""

    since: int
    units: frozenset[str]
    day: date = date.min


Memberships = Mapping[str, Sequence[Membership]]
"""The memberships of each indicator that several units share, oldest first, today's last."""


@dataclass(frozen=True)
class Sharers:
    """The units that share a value, now and before.

    `memberships` are oldest first, the last those of today. `then` has the units that owed a part
    in periods that take no more values, where they differ from today's.
    """

    memberships: Sequence[Membership]
    then: Mapping[str, frozenset[str]]
    calendar: PeriodCalendar

    @cached_property
    def ever(self) -> frozenset[str]:
        """Every unit that shares the value, or ever did."""
        return frozenset().union(*(each.units for each in self.memberships), *self.then.values())

    @property
    def changed(self) -> bool:
        """Whether shares ever changed hands: then the counting units depend on the period."""
        return len(self.memberships) > 1 or bool(self.then)

    def counting(self, period: str, since: Mapping[str, int]) -> frozenset[str]:
        """Return the units whose values of a period count; `since` has the position of each value.

        For a period that takes no more values, those units count that owed it. Otherwise today's
        units count, and a former unit if the period had begun when it left, and if its value began
        to count after its membership began. It gives way to the value of a unit that joined later.
        """
        if period in self.then:
            return self.then[period] & since.keys()
        begun = self.calendar.period(period).first_day
        parts = {unit: self._part(unit, position, begun) for unit, position in since.items()}
        known = {unit: part for unit, part in parts.items() if part is not None}
        newest = max((first for first, _ in known.values()), default=0)
        return frozenset(unit for unit, (_, ended) in known.items() if ended >= newest)

    def _part(self, unit: str, position: int, begun: date) -> tuple[int, int] | None:
        """Return the numbers of the first and last membership that a value counts by."""
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
        """Return a unit's uninterrupted runs of memberships, as (first, last) numbers."""
        found: list[tuple[int, int]] = []
        for number, each in enumerate(self.memberships):
            if unit not in each.units:
                continue
            goes_on = bool(found) and found[-1][1] == number - 1
            begun = found.pop()[0] if goes_on else number
            found.append((begun, number))
        return found
