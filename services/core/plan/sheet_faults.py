"""Validates the score sheets of a plan, by themselves and against its other parts. Pure."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pydantic import ValidationError

from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.kit.faults import faults_of
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument
from services.core.plan.register_entries import Register
from services.core.plan.sheet_entries import (
    ItemKind,
    ScoreLine,
    ScoreRoute,
    ScoreSheet,
    SheetItem,
)

NEEDED: Mapping[ItemKind, tuple[str, ...]] = {
    "missing": ("elements",),
    "occurrences": ("points",),
    "sampled": ("points", "sample_size"),
    "quota": ("points", "quota"),
    "zero_if": (),
    "bands": ("routes",),
    "linear": ("line",),
    "bonus": ("points",),
    "repeat": ("elements", "more"),
}
"""The members that an item of each kind requires."""

_TAKEN: Mapping[ItemKind, tuple[str, ...]] = {
    "quota": ("key_points",),
    "zero_if": ("least", "most"),
    "linear": ("shrinking",),
}
"""The optional members of an item of each kind."""

_OF_KINDS = (
    *("elements", "points", "sample_size", "quota", "key_points", "least", "most", "routes"),
    *("line", "shrinking", "more"),
)


def check_sheets(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    """Add the faults of the score sheets of a document."""
    named = [(f"/score_sheets/{at}/code", one.code) for at, one in enumerate(document.score_sheets)]
    faults.add_repeats("duplicate-code", named)
    registers = {one.code: one for one in document.registers}
    for at, sheet in enumerate(document.score_sheets):
        check_sheet(f"/score_sheets/{at}", sheet, registers, codes["organization"], faults)


def check_sheet(
    place: str,
    sheet: ScoreSheet,
    registers: Mapping[str, Register],
    organizations: Codes,
    faults: Faults,
) -> None:
    """Add the faults of the sheet at `place`."""
    faults.add_unknown_among(f"{place}/assessors", sheet.assessors, organizations)
    faults.add_unknown_among(f"{place}/units", sheet.units, organizations)
    if sheet.subject == "row":
        _check_rows(place, sheet, registers, faults)
    else:
        for member in ("rows_of", "name_column", "compared_by"):
            if getattr(sheet, member) is not None:
                _not_expected(
                    f"{place}/{member}", f"{place}/subject", f"subject {sheet.subject}", faults
                )
    listed = [(f"{place}/items/{at}/code", one.code) for at, one in enumerate(sheet.items)]
    faults.add_repeats("duplicate-code", listed)
    for at, item in enumerate(sheet.items):
        _check_item(f"{place}/items/{at}", item, faults)
    colours = [(f"{place}/colours/{at}/code", one.code) for at, one in enumerate(sheet.colours)]
    faults.add_repeats("duplicate-code", colours)
    falling = [one.minimum for one in sheet.colours]
    _check_falling(f"{place}/colours", "minimum", falling, "colours-not-descending", faults)
    if not any(one.full > 0 and not one.is_bonus for one in sheet.items):
        faults.add("sheet-without-points", f"{place}/items", None, [f"{place}/items"])
    if sheet.at_most is not None and sheet.at_most <= 0:
        faults.add("threshold-not-positive", f"{place}/at_most", plain(sheet.at_most))


def _check_rows(
    place: str, sheet: ScoreSheet, registers: Mapping[str, Register], faults: Faults
) -> None:
    rests_on = [f"{place}/subject", "/registers"]
    for member in ("rows_of", "name_column"):
        if getattr(sheet, member) is None:
            _required(f"{place}/{member}", member, "subject row", faults, rests_on)
    known = Codes("register", frozenset(registers), not faults.unreadable("/registers"))
    faults.add_unknown(f"{place}/rows_of", sheet.rows_of, known)
    register = registers.get(sheet.rows_of or "")
    if register is None:
        return
    columns = Codes("column", frozenset(one.code for one in register.columns), complete=True)
    faults.add_unknown(f"{place}/name_column", sheet.name_column, columns)
    faults.add_unknown(f"{place}/compared_by", sheet.compared_by, columns)


def _check_item(place: str, item: SheetItem, faults: Faults) -> None:
    _check_members(place, item, faults)
    if item.full < 0:
        faults.add("negative-bound", f"{place}/full", plain(item.full))
    if item.lowest > 0 or item.lowest > item.full:
        faults.add("lowest-above-zero", f"{place}/lowest", plain(item.lowest), [f"{place}/full"])
    for member in ("points", "key_points", "more"):
        points = getattr(item, member)
        if points is not None and points < 0:
            faults.add("negative-bound", f"{place}/{member}", plain(points))
    for member in ("elements", "zero_causes"):
        entries = getattr(item, member)
        named = [(f"{place}/{member}/{at}/code", one.code) for at, one in enumerate(entries)]
        faults.add_repeats("duplicate-code", named)
    for at, element in enumerate(item.elements):
        if element.points < 0:
            faults.add("negative-bound", f"{place}/elements/{at}/points", plain(element.points))
    _check_line(f"{place}/line", item.line, faults)
    _check_line(f"{place}/shrinking", item.shrinking, faults)
    named = [(f"{place}/routes/{at}/code", one.code) for at, one in enumerate(item.routes)]
    faults.add_repeats("duplicate-code", named)
    for at, route in enumerate(item.routes):
        _check_route(f"{place}/routes/{at}", route, item, faults)


def _check_members(place: str, item: SheetItem, faults: Faults) -> None:
    """Add the members that an item's kind lacks, or does not allow."""
    needed = NEEDED[item.kind]
    taken = {*needed, *_TAKEN.get(item.kind, ())}
    for member in _OF_KINDS:
        given = getattr(item, member) not in (None, ())
        if member in needed and not given:
            _required(f"{place}/{member}", member, item.kind, faults, [f"{place}/kind"])
        if given and member not in taken:
            _not_expected(f"{place}/{member}", f"{place}/kind", item.kind, faults)
    if item.kind == "zero_if" and (item.least is None) == (item.most is None):
        faults.add("one-bound-required", f"{place}/least", None, [f"{place}/most"])


def _required(place: str, member: str, kind: str, faults: Faults, rests_on: Sequence[str]) -> None:
    faults.add("member-required", place, None, rests_on, member=member, kind=kind)


def _not_expected(place: str, kind_at: str, kind: str, faults: Faults) -> None:
    member = place.rpartition("/")[2]
    faults.add("member-not-expected", place, None, [kind_at], member=member, kind=kind)


def _check_line(place: str, line: ScoreLine | None, faults: Faults) -> None:
    if line is not None and line.full_at == line.zero_at:
        faults.add("line-without-slope", f"{place}/zero_at", plain(line.zero_at), [place])


def _check_route(place: str, route: ScoreRoute, item: SheetItem, faults: Faults) -> None:
    """Add the faults of bands: each has one bound, all on one side, the best first."""
    sides = set()
    for at, band in enumerate(route.bands):
        here = f"{place}/bands/{at}"
        if (band.least is None) == (band.most is None):
            faults.add("one-bound-required", f"{here}/least", None, [f"{here}/most"])
        else:
            sides.add("least" if band.most is None else "most")
        if not item.lowest <= band.points <= item.full:
            least, most = plain(item.lowest), plain(item.full)
            points, rests_on = plain(band.points), [f"{place}/full"]
            faults.add("out-of-range", f"{here}/points", points, rests_on, least=least, most=most)
    if len(sides) > 1:
        faults.add("bands-on-two-sides", f"{place}/bands")
    if len(sides) != 1:
        return
    side = sides.pop()
    bounds = [getattr(one, side) for one in route.bands]
    if None in bounds:
        return
    turned = bounds if side == "least" else [one.copy_negate() for one in bounds]
    _check_falling(f"{place}/bands", side, turned, "bands-not-best-first", faults)
    points_of_bands = [one.points for one in route.bands]
    _check_falling(f"{place}/bands", "points", points_of_bands, "bands-not-best-first", faults)


def _check_falling(
    place: str, member: str, numbers: Sequence[Decimal], code: str, faults: Faults
) -> None:
    for at, (better, worse) in enumerate(itertools.pairwise(numbers), start=1):
        if worse >= better:
            faults.add(code, f"{place}/{at}/{member}", None, [f"{place}/{at - 1}/{member}"])


def read_sheet(
    raw: object, document: PlanDocument, place: str
) -> tuple[ScoreSheet | None, list[Fault]]:
    """Validate a sheet that is tried out beside a document: return it, or its faults at `place`."""
    try:
        sheet = ScoreSheet.model_validate(raw)
    except ValidationError as error:
        found = faults_of(error.errors(include_url=False))
        return None, [replace(one, pointer=f"{place}{one.pointer}") for one in found]
    faults = Faults(lambda _place: False)
    registers = {one.code: one for one in document.registers}
    units = frozenset(one.code for one in document.organizations)
    organizations = Codes("organization", units, complete=True)
    check_sheet(place, sheet, registers, organizations, faults)
    return sheet, faults.faults
