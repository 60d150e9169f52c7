"""Which units are late with which values on a scoreboard, and what they have since sent in. Pure.

A scoreboard shows only values that count: it lacks a submission that is not decided yet just as it
lacks a value that nobody reported. A paper that names units distinguishes the two, as the
obligations do.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

OwedPlace = tuple[str, str, str]
"""(indicator code, period code, unit's code) of a value that is owed."""

NOBODY = "责任单位未明确"
"""Replaces a unit's name if nobody is in charge of an indicator."""

UNREPORTED, UNDECIDED = "unreported", "undecided"
"""Members of a row with the names of the units that did not report, or await a decision."""


def late_places(board: Mapping[str, Any]) -> Iterator[OwedPlace]:
    """Yield the overdue values on a scoreboard, of every unit."""
    for row in board["indicators"]:
        for unit, _, periods in _late(row):
            if unit is not None:
                yield from ((row["code"], period, unit) for period in periods)


def told_apart(board: Mapping[str, Any], handed_in: Collection[OwedPlace]) -> dict[str, Any]:
    """Return a scoreboard whose rows list unreported and undecided values apart.

    A unit that has both counts as one that did not report.
    """
    rows = []
    for row in board["indicators"]:
        names: dict[str, list[str]] = {UNREPORTED: [], UNDECIDED: []}
        for unit, name, periods in _late(row):
            waits = all((row["code"], period, unit) in handed_in for period in periods)
            names[UNDECIDED if waits else UNREPORTED].append(name)
        rows.append({**row, **names})
    return {**board, "indicators": rows}


def awaits_decision(row: Mapping[str, Any]) -> bool:
    """Return whether everything that a row lacks was handed in."""
    return bool(row.get(UNDECIDED)) and not row.get(UNREPORTED)


def _late(row: Mapping[str, Any]) -> Iterator[tuple[str | None, str, list[str]]]:
    reporting = row["reporting"]
    if "late" in reporting:
        for one in reporting["late"]:
            unit = one["organization_code"]
            yield unit, one["name"] or unit or NOBODY, one["periods"]
        return
    # A scoreboard of an earlier version lists only a limited number of parts.
    units: dict[str | None, tuple[str, list[str]]] = {}
    for one in reporting["absent"]:
        if one["overdue"]:
            unit = one["organization_code"]
            units.setdefault(unit, (one["name"] or unit or NOBODY, []))[1].append(one["period"])
    yield from ((unit, name, periods) for unit, (name, periods) in units.items())
