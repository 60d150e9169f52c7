"""Cross-checks the parts of a plan document whose shape is valid.

Pure and linear in the size of the document. `plan.rules` reads a document.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.plan.check_faults import check_entry_checks
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import (
    Group,
    Indicator,
    OrganizationEntry,
    PlanDocument,
    TargetKind,
    default_weight,
    task_key,
)
from services.core.plan.measure_faults import check_measures
from services.core.plan.observing_faults import check_observations
from services.core.plan.periods import PeriodCalendar
from services.core.plan.plausibility import check_plausible_ranges
from services.core.plan.quota_faults import check_quotas
from services.core.plan.register_faults import check_registers
from services.core.plan.scheme_faults import check_scheme
from services.core.plan.sheet_faults import check_sheets
from services.core.plan.target_faults import check_targets

_LEAP_YEAR = 2024
_SUBJECT_KINDS = frozenset({"group", "organization", "indicator", "task", "measure"})
_KINDS_WITH_LEVELS: frozenset[TargetKind] = frozenset({"qualitative", "assigned_by_superior"})


def _nothing(_place: str) -> bool:
    return False


def cross_check(
    document: PlanDocument, unreadable: Callable[[str], bool] = _nothing
) -> list[Fault]:
    """Return every contradiction in a document.

    `unreadable` tells whether a place of the document holds only a stand-in.
    """
    faults = Faults(unreadable)
    codes = {kind: _codes(kind, entries, faults) for kind, entries in _coded(document).items()}
    codes["task"] = _also_by_number(codes["task"])
    for kind, names in _names(document).items():
        codes[kind] = replace(codes[kind], names=names)
    units = {unit.code: unit for unit in document.organizations}
    _check_head(document, faults)
    check_scheme(document, codes["grade"], codes["indicator"], faults)
    _check_weights(document, faults)
    check_plausible_ranges(document, faults)
    check_entry_checks(document, codes, faults)
    _check_organizations(document, units, codes, faults)
    _check_supervision(document, codes["organization"], faults)
    check_observations(document, codes["organization"], faults)
    check_registers(document, codes, faults)
    check_measures(document, codes, faults)
    check_quotas(document, codes, faults)
    check_sheets(document, codes, faults)
    _check_parts(document, faults)
    for index, indicator in enumerate(document.indicators):
        calendar = document.period_calendar
        _check_indicator(f"/indicators/{index}", indicator, codes, calendar, faults)
        _check_owner(f"/indicators/{index}", indicator, units, faults)
    _check_measures(document, codes, faults)
    _check_questions(document, codes, faults)
    return faults.faults


def _coded(document: PlanDocument) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the place and code of everything in the document that has a code, by kind."""
    return {
        "group": _places("/groups", "code", (entry.code for entry in document.groups)),
        "organization": _places(
            "/organizations", "code", (entry.code for entry in document.organizations)
        ),
        "indicator": _places("/indicators", "code", (entry.code for entry in document.indicators)),
        "task": _places("/tasks", "number", (task_key(entry) for entry in document.tasks)),
        "measure": [
            entry
            for index, task in enumerate(document.tasks)
            for entry in _places(
                f"/tasks/{index}/measures", "code", (measure.code for measure in task.measures)
            )
        ],
        "grade": _places(
            "/scheme/gate/grades", "code", (entry.code for entry in document.scheme.gate.grades)
        ),
        "register": _places("/registers", "code", (entry.code for entry in document.registers)),
        "question": _places("/open_questions", "id", (q.id for q in document.open_questions)),
    }


def _names(document: PlanDocument) -> Mapping[str, Mapping[str, str]]:
    """Return the names of things other than their codes, with the code of each, by kind."""
    return {
        "group": {entry.name: entry.code for entry in document.groups},
        "organization": {
            name: entry.code
            for entry in document.organizations
            for name in (*entry.aliases, entry.name)
        },
        "indicator": {
            name: entry.code
            for entry in document.indicators
            for name in (entry.printed_name, entry.name)
        },
    }


def _places(place: str, member: str, codes: Iterable[str]) -> list[tuple[str, str]]:
    return [(f"{place}/{index}/{member}", code) for index, code in enumerate(codes)]


def _codes(kind: str, entries: Sequence[tuple[str, str]], faults: Faults) -> Codes:
    faults.add_repeats("duplicate-code", entries)
    readable = [code for place, code in entries if not faults.unreadable(place)]
    # Tasks may be absent: then no stand-in shows that they could not be read.
    lost = kind in {"task", "measure"} and not entries and faults.unreadable("/tasks")
    complete = len(readable) == len(entries) and not lost
    return Codes(kind, frozenset(readable), complete)


def _also_by_number(tasks: Codes) -> Codes:
    """Return the codes of tasks, extended by each number that only one task has.

    Numbers may restart in each section; a unique number alone identifies its task.
    """
    numbers = Counter(key.rpartition("/")[2] for key in tasks.known)
    alone = {number for number, times in numbers.items() if times == 1}
    return Codes(tasks.kind, tasks.known | alone, tasks.complete)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_head(document: PlanDocument, faults: Faults) -> None:
    if document.code.partition("-")[0] != document.city.code:
        faults.add("code-of-another-city", "/code", document.code, ["/city/code"])
    if document.span.end < document.span.start:
        faults.add("span-order", "/span/end", document.span.end.isoformat(), ["/span/start"])
    zones = Codes("time-zone", _time_zones(), complete=True)
    faults.add_unknown("/time_zone", document.time_zone, zones)


def _check_supervision(document: PlanDocument, organizations: Codes, faults: Faults) -> None:
    supervision = document.supervision
    faults.add_unknown("/supervision/office", supervision.office, organizations)
    for index, each in enumerate(supervision.publicity_days):
        if each.day > monthrange(_LEAP_YEAR, each.month)[1]:
            place = f"/supervision/publicity_days/{index}"
            day = f"{each.month:02}-{each.day:02}"
            faults.add("no-such-day", f"{place}/day", day, [f"{place}/month"])


def _check_parts(document: PlanDocument, faults: Faults) -> None:
    """Refuse a sub-indicator of an unknown indicator, another group, or another sub-indicator."""
    wholes = {entry.code: entry for entry in document.indicators}
    for index, entry in enumerate(document.indicators):
        if entry.part_of is None:
            continue
        place = f"/indicators/{index}/part_of"
        whole = wholes.get(entry.part_of)
        if whole is None:
            if not faults.unreadable("/indicators"):
                faults.add("unknown-indicator", place, entry.part_of)
        elif whole.part_of is not None or whole.group != entry.group:
            faults.add("part-of-a-part", place, entry.part_of)


def _check_weights(document: PlanDocument, faults: Faults) -> None:
    defaults = document.scheme.weights
    default = {entry.code: default_weight(document, entry) for entry in document.indicators}
    weights = [
        *_weights("/groups", document.groups),
        *_weights("/indicators", document.indicators),
        ("/scheme/weights/mandatory", defaults.mandatory),
        ("/scheme/weights/optional", defaults.optional),
        ("/scheme/weights/self_selected", defaults.self_selected),
    ]
    for place, weight in weights:
        if weight is not None and weight < 0:
            faults.add("negative-weight", place, plain(weight))
    weightless = {group.code for group in document.groups if group.weight == 0}
    if not any(
        (default[each.code] if each.weight is None else each.weight) > 0
        for each in document.indicators
        if each.group not in weightless
    ):
        faults.add("no-positive-weight", "/indicators", None, ["/groups", "/scheme/weights"])


def _weights(
    place: str, entries: Iterable[Group | Indicator]
) -> Iterator[tuple[str, Decimal | None]]:
    for index, entry in enumerate(entries):
        yield f"{place}/{index}/weight", entry.weight


def _check_organizations(
    document: PlanDocument,
    units: Mapping[str, OrganizationEntry],
    codes: Mapping[str, Codes],
    faults: Faults,
) -> None:
    faults.add_repeats(
        "repeated-name", _places("/organizations", "name", (x.name for x in document.organizations))
    )
    names: dict[str, str] = {}
    for unit in document.organizations:
        names.setdefault(unit.code, unit.code)
        names.setdefault(unit.name, unit.code)
    for index, unit in enumerate(document.organizations):
        place = f"/organizations/{index}"
        for number, alias in enumerate(unit.aliases):
            if names.setdefault(alias, unit.code) != unit.code:
                faults.add("alias-collision", f"{place}/aliases/{number}", alias, [f"{place}/code"])
        faults.add_unknown_among(f"{place}/members", unit.members, codes["organization"])
        for number, member in enumerate(unit.members):
            if member in units and units[member].members:
                faults.add("collective-member", f"{place}/members/{number}", member)
        if unit.members and unit.submits:
            faults.add("collective-submits", f"{place}/submits", value=True)


def _check_indicator(
    place: str,
    indicator: Indicator,
    codes: Mapping[str, Codes],
    calendar: PeriodCalendar,
    faults: Faults,
) -> None:
    faults.add_unknown(f"{place}/group", indicator.group, codes["group"])
    faults.add_unknown_among(f"{place}/owners", indicator.owners, codes["organization"])
    faults.add_unknown(f"{place}/acting_owner", indicator.acting_owner, codes["organization"])
    faults.add_unknown_among(
        f"{place}/linked_measures", indicator.linked_measures, codes["measure"]
    )
    if indicator.multiplier == 0:
        faults.add("multiplier-zero", f"{place}/multiplier", "0")
    if indicator.formula and indicator.formula.multiplier == 0:
        faults.add("multiplier-zero", f"{place}/formula/multiplier", "0")
    check_targets(place, indicator, codes["organization"], calendar, faults)
    _check_levels(place, indicator, faults)


def _check_levels(place: str, indicator: Indicator, faults: Faults) -> None:
    kinds = {target.kind for target in indicator.targets}
    levels, targets = indicator.levels, f"{place}/targets"
    if indicator.level_with_value and not levels:
        faults.add("level-with-value", f"{place}/level_with_value", None, [f"{place}/levels"])
    if not levels and "qualitative" in kinds:
        faults.add("levels-required", f"{place}/levels", None, [targets])
    if levels and not kinds & _KINDS_WITH_LEVELS:
        faults.add("levels-not-expected", f"{place}/levels", None, [targets])
    faults.add_repeats(
        "duplicate-code", _places(f"{place}/levels", "code", (x.code for x in levels))
    )
    for index, level in enumerate(levels):
        faults.add_outside(f"{place}/levels/{index}/points", level.points, 0, 100)
    if levels and levels[0].points < max(level.points for level in levels):
        where, others = f"{place}/levels/0/points", [f"{place}/levels"]
        faults.add("first-level-not-highest", where, levels[0].points, others)


def _check_owner(
    place: str, indicator: Indicator, units: Mapping[str, OrganizationEntry], faults: Faults
) -> None:
    acting, owners = indicator.acting_owner, indicator.owners
    if acting is not None and acting in units and not units[acting].submits:
        faults.add("acting-owner-does-not-submit", f"{place}/acting_owner", acting)
    # An unknown owner is a fault of its own, and may be a unit that submits.
    known = all(owner in units for owner in owners)
    submits = known and any(units[owner].submits for owner in owners)
    if indicator.aggregation.units == "direct" and acting is None and known and not submits:
        rests_on = [f"{place}/acting_owner", f"{place}/aggregation"]
        faults.add("no-reporting-owner", f"{place}/owners", None, rests_on)


def _check_measures(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    for task_index, task in enumerate(document.tasks):
        for index, measure in enumerate(task.measures):
            place = f"/tasks/{task_index}/measures/{index}"
            if not measure.lead_units and not measure.responsible_units:
                rests_on = [f"{place}/responsible_units"]
                faults.add("no-unit", f"{place}/lead_units", None, rests_on)
            units, indicators = codes["organization"], codes["indicator"]
            faults.add_unknown_among(f"{place}/lead_units", measure.lead_units, units)
            faults.add_unknown_among(f"{place}/responsible_units", measure.responsible_units, units)
            faults.add_unknown_among(
                f"{place}/related_indicators", measure.related_indicators, indicators
            )
            for number, target in enumerate(measure.targets):
                where = f"{place}/targets/{number}"
                faults.add_unknown(f"{where}/indicator", target.indicator, indicators)
                faults.add_unknown(
                    f"{where}/related_indicator", target.related_indicator, indicators
                )


def _check_questions(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    for index, question in enumerate(document.open_questions):
        place = f"/open_questions/{index}/subjects"
        for number, subject in enumerate(question.subjects):
            kind, colon, code = subject.partition(":")
            if colon and kind in _SUBJECT_KINDS:
                faults.add_unknown(f"{place}/{number}", code, codes[kind])
            elif subject != "plan":
                faults.add("unknown-subject", f"{place}/{number}", subject)
        faults.add_repeats(
            "repeated-reference",
            [(f"{place}/{number}", subject) for number, subject in enumerate(question.subjects)],
        )
