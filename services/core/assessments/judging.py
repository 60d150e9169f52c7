"""Validates and scores the findings of a sheet: all faults at once, points by item, total. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import Field, ValidationError

from services.core.assessments.points import ItemFound, points_of
from services.core.kit.decimals import ExactDecimal, plain, quotient, times, total
from services.core.kit.errors import Fault
from services.core.kit.faults import echo, faults_of, pointer
from services.core.kit.nearest import with_nearest
from services.core.kit.said import Line, Said, Words
from services.core.kit.text import Text
from services.core.plan.sheet_entries import (
    MOST_ELEMENTS,
    MOST_ROUTES,
    ItemCount,
    ItemKind,
    ScoreSheet,
    SheetItem,
)
from services.core.plan.written import Code


class ItemFinding(Said):
    """What was found for one item of a score sheet; which members it takes hangs on its kind."""

    missing: list[Code] | None = Field(
        default=None,
        max_length=MOST_ELEMENTS,
        description="Of a `missing`: codes of the elements that are not there",
    )
    count: ItemCount | None = Field(
        default=None, description="How many occurrences, faults, cases or pieces there are"
    )
    key_count: ItemCount | None = Field(
        default=None, description="Of a `quota`: how many of the cases are key ones"
    )
    sampled: ItemCount | None = Field(
        default=None, description="Of a `sampled`: how many units were looked at"
    )
    counts: dict[str, ItemCount] | None = Field(
        default=None,
        max_length=MOST_ELEMENTS,
        description="Of a `repeat`: how often each fault was found, by its code",
    )
    value: ExactDecimal | None = Field(
        default=None, description="Of a `zero_if` or a `linear`: the figure"
    )
    change: ExactDecimal | None = Field(
        default=None, description="Of a `linear` with `shrinking`: the change that chooses the line"
    )
    figures: dict[str, ExactDecimal] | None = Field(
        default=None,
        max_length=MOST_ROUTES,
        description="Of a `bands`: the figure of each route, one at least",
    )
    zeroed_by: list[Code] | None = Field(
        default=None,
        max_length=MOST_ELEMENTS,
        description="Codes of the circumstances in which the whole item gives nothing",
    )
    not_applicable_reason: Words | None = Field(
        default=None, description="Why the item does not apply; then nothing else was found"
    )
    evidence: list[Line] | None = Field(
        default=None, max_length=50, description="What was shown for it"
    )
    note: Words | None = Field(
        default=None, description="What else is to be said; required for a sample that is too small"
    )


SheetFindings = Mapping[str, Mapping[str, Any]]
"""Findings by item code, in their stored form: exact decimals are text."""

NEEDED: Mapping[ItemKind, tuple[str, ...]] = {
    "missing": ("missing",),
    "occurrences": ("count",),
    "sampled": ("sampled", "count"),
    "quota": ("count",),
    "zero_if": ("value",),
    "bands": ("figures",),
    "linear": ("value",),
    "bonus": ("count",),
    "repeat": ("counts",),
}
"""The members that a finding of an item requires, by the item's kind."""

_BESIDE = ("evidence", "note")

_NO_ITEM = Text("评估细则中没有此项", "The score sheet has no such item")
_NO_ELEMENT = Text("此项没有该要素", "The item has no such element")
_NO_ROUTE = Text("此项没有该指标", "The item has no such route")
_NO_CAUSE = Text("此项没有该情形", "The item has no such circumstance")
_NEEDED = Text("此项须填写 {member}", "This item needs {member}")
_NOT_TAKEN = Text("此项不填 {member}", "This item takes no {member}")
_OF_NONE = Text("不适用的项不填 {member}", "An item that does not apply takes no {member}")
_TWICE = Text("同一列表中重复", "It is in this list already")
_TOO_MANY_KEYS = Text("不能多于 count", "Must be at most count")
_SMALL_SAMPLE = Text(
    "抽查数少于规定的 {size}：请在 note 写明原因",
    "Fewer than the {size} that are to be sampled: say why in note",
)
_OPEN = Text("此项尚未评", "This item is not assessed yet")


@dataclass(frozen=True, slots=True)
class JudgedSheet:
    """Findings, the points of each item, and the total.

    `results` are by item in the sheet's order; the total, its colour and `complete` are set once
    every item but the bonuses was assessed. A total of None then: no item applies.
    """

    findings: SheetFindings
    results: tuple[Mapping[str, Any], ...]
    total: Decimal | None
    colour: str | None
    complete: bool
    faults: tuple[Fault, ...] = ()


def merged(before: SheetFindings, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the findings after a change: given items are replaced, null removes one."""
    return {code: one for code, one in {**before, **said}.items() if one is not None}


def known_findings(findings: Mapping[str, Any], sheet: ScoreSheet) -> dict[str, Any]:
    """Return the findings of items that the sheet still has."""
    codes = {one.code for one in sheet.items}
    return {code: one for code, one in findings.items() if code in codes}


def judged(sheet: ScoreSheet, said: Mapping[str, Any], *, place: str = "/findings") -> JudgedSheet:
    """Return the result of the findings `said`, by item code; with faults it has no findings."""
    items = {one.code: one for one in sheet.items}
    kept: dict[str, Mapping[str, Any]] = {}
    results: list[Mapping[str, Any]] = []
    faults: list[Fault] = []
    for code in said:
        if code not in items:
            told = with_nearest(_NO_ITEM, code, list(items))
            faults.append(Fault(f"{place}{pointer([code])}", "unknown-item", told, echo(code)))
    for code, item in items.items():
        finding, wrong = _finding(item, said.get(code), f"{place}/{code}")
        faults += wrong
        if finding is not None and not wrong:
            kept[code] = finding.model_dump(mode="json", exclude_none=True)
        results.append(_result(item, None if wrong else finding, sheet))
    if faults:
        return JudgedSheet({}, (), None, None, complete=False, faults=tuple(faults))
    complete = not open_items(sheet, kept)
    reached = _total(sheet, results) if complete else None
    return JudgedSheet(kept, tuple(results), reached, colour_of(sheet, reached), complete)


def open_items(sheet: ScoreSheet, findings: SheetFindings) -> list[str]:
    """Return the codes of items that are not assessed yet; bonuses are optional."""
    return [one.code for one in sheet.items if one.code not in findings and not one.is_bonus]


def open_faults(sheet: ScoreSheet, findings: SheetFindings) -> list[Fault]:
    """Return a fault for each item that is not assessed yet."""
    return [
        Fault(f"/findings/{code}", "item-not-assessed", _OPEN)
        for code in open_items(sheet, findings)
    ]


def colour_of(sheet: ScoreSheet, reached: Decimal | None) -> str | None:
    """Return the code of the first colour whose bound a total reaches, bound included."""
    if reached is None:
        return None
    return next((one.code for one in sheet.colours if reached >= one.minimum), None)


def full_of(sheet: ScoreSheet) -> Decimal:
    """Return the full points of a sheet, without its bonuses."""
    return total([one.full for one in sheet.items if not one.is_bonus])


def _finding(item: SheetItem, raw: Any, place: str) -> tuple[ItemFinding | None, list[Fault]]:
    if raw is None:
        return None, []
    try:
        finding = ItemFinding.model_validate(raw)
    except ValidationError as error:
        found = faults_of(error.errors(include_url=False))
        return None, [
            Fault(f"{place}{one.pointer}", one.code, one.detail, one.value) for one in found
        ]
    return finding, [*_of_members(item, finding, place), *_of_codes(item, finding, place)]


def _of_members(item: SheetItem, finding: ItemFinding, place: str) -> list[Fault]:
    """Return the members that a finding lacks, or must not have, by its item's kind."""
    given = {name for name in ItemFinding.model_fields if getattr(finding, name) is not None}
    if finding.not_applicable_reason is not None:
        others = sorted(given - {"not_applicable_reason", *_BESIDE})
        return [
            Fault(f"{place}/{one}", "not-of-this-item", _OF_NONE.format(member=one))
            for one in others
        ]
    needed = {*NEEDED[item.kind]}
    if item.shrinking is not None:
        needed.add("change")
    taken = {*needed, *_BESIDE, "zeroed_by"}
    if item.key_points is not None:
        taken.add("key_count")
    # If the whole item gives nothing, nobody has to count the rest.
    lacking = sorted(needed - given) if not finding.zeroed_by else []
    faults = [Fault(f"{place}/{one}", "missing", _NEEDED.format(member=one)) for one in lacking]
    faults += [
        Fault(f"{place}/{one}", "not-of-this-item", _NOT_TAKEN.format(member=one))
        for one in sorted(given - taken)
    ]
    size = item.sample_size or 0
    if finding.sampled is not None and finding.sampled < size and finding.note is None:
        told = _SMALL_SAMPLE.format(size=str(size))
        faults.append(Fault(f"{place}/sampled", "sample-too-small", told, finding.sampled))
    if finding.key_count is not None and finding.key_count > (finding.count or 0):
        faults.append(
            Fault(f"{place}/key_count", "more-than-all", _TOO_MANY_KEYS, finding.key_count)
        )
    if finding.figures == {} and not finding.zeroed_by:
        faults.append(Fault(f"{place}/figures", "missing", _NEEDED.format(member="figures")))
    return faults


def _of_codes(item: SheetItem, finding: ItemFinding, place: str) -> list[Fault]:
    elements = [one.code for one in item.elements]
    routes = [one.code for one in item.routes]
    causes = [one.code for one in item.zero_causes]
    named: list[tuple[str, str, Sequence[str], Text]] = [
        *((f"missing/{at}", one, elements, _NO_ELEMENT) for at, one in _listed(finding.missing)),
        *((f"zeroed_by/{at}", one, causes, _NO_CAUSE) for at, one in _listed(finding.zeroed_by)),
        *((f"counts{pointer([one])}", one, elements, _NO_ELEMENT) for one in finding.counts or ()),
        *((f"figures{pointer([one])}", one, routes, _NO_ROUTE) for one in finding.figures or ()),
    ]
    faults = [
        Fault(f"{place}/{where}", "unknown-element", with_nearest(said, code, known), code)
        for where, code, known, said in named
        if code not in known
    ]
    for member in ("missing", "zeroed_by"):
        listed = getattr(finding, member) or []
        faults += [
            Fault(f"{place}/{member}/{at}", "repeated-reference", _TWICE, code)
            for at, code in enumerate(listed)
            if code in listed[:at]
        ]
    return faults


def _listed(codes: Sequence[str] | None) -> list[tuple[int, str]]:
    return list(enumerate(codes or ()))


def _result(item: SheetItem, finding: ItemFinding | None, sheet: ScoreSheet) -> Mapping[str, Any]:
    """Return the result of an item: `state` is `scored`, `not_applicable` or `open`."""
    shown: dict[str, Any] = {
        "code": item.code,
        "name": item.name,
        "section": item.section,
        "full": plain(item.full),
        "bonus": item.is_bonus,
    }
    if finding is None:
        return {**shown, "state": "open", "points": None, "reason": None, "reason_en": None}
    if finding.not_applicable_reason is not None:
        whole = sheet.not_applicable == "full_points" and not item.is_bonus
        return {
            **shown,
            "state": "not_applicable",
            "points": plain(item.full) if whole else None,
            "reason": f"不适用：{finding.not_applicable_reason}",
            "reason_en": f"Does not apply: {finding.not_applicable_reason}",
        }
    scored = points_of(item, found_of(finding))
    return {
        **shown,
        "state": "scored",
        "points": plain(scored.points),
        "reason": scored.words.zh,
        "reason_en": scored.words.en,
    }


def found_of(finding: ItemFinding) -> ItemFound:
    """Return a finding in the form from which points are computed."""
    return ItemFound(
        missing=tuple(finding.missing or ()),
        count=finding.count or 0,
        key_count=finding.key_count or 0,
        counts=finding.counts,
        value=finding.value if finding.value is not None else Decimal(0),
        change=finding.change if finding.change is not None else Decimal(0),
        figures=finding.figures,
        zeroed_by=tuple(finding.zeroed_by or ()),
    )


def _total(sheet: ScoreSheet, results: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """Return the total of a complete sheet; None: no item applies.

    If the sheet says so, the points of the applicable items are scaled up to the full points of
    all; bonuses are added after that. The total is never below 0.
    """
    counted = [one for one in results if not one["bonus"] and one["points"] is not None]
    applying = total([Decimal(one["full"]) for one in counted])
    if not applying:
        return None
    reached = total([Decimal(one["points"]) for one in counted])
    full = full_of(sheet)
    if applying != full:
        reached = quotient(times(reached, full), applying)
    extra = [Decimal(one["points"]) for one in results if one["bonus"] and one["points"]]
    reached = max(Decimal(0), total([reached, *extra]))
    return reached if sheet.at_most is None else min(reached, sheet.at_most)
