"""The finding on an item of a score sheet, written into cells and parsed again. Pure.

Elements, routes and circumstances are written by name; a list is separated by ；, and a count of
each is name=number. 无 means that nothing is missing and nothing was found; a blank cell does not.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from services.core.imports.cell_values import (
    LONGEST_SHOWN,
    NOT_APPLICABLE,
    number_of,
    reason_of,
    words_of,
)
from services.core.imports.sheet_forms import Filled
from services.core.kit.decimals import exact, plain
from services.core.kit.errors import Fault
from services.core.kit.faults import echo
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.sheet_entries import ItemKind, SheetItem
from services.core.sheets.cells import SheetRow

NUMBERS = ("sampled", "count", "key_count", "value", "change")
LISTS = ("missing", "zeroed_by")
PAIRS = ("counts", "figures")
WORDS = ("not_applicable_reason", "note")
FOUND = (
    *("missing", "sampled", "count", "key_count", "counts", "value", "change", "figures"),
    *("zeroed_by", "not_applicable_reason", "evidence", "note"),
)
"""The members of a finding, in the order of a sheet's columns."""

NOTHING = "无"
_NOTHINGS = {NOTHING, "none", "0", "没有"}
_WHOLE = {"sampled", "count", "key_count"}
_BREAKS = re.compile(r"[；;\n]")
_COMMAS = re.compile(r"[、，,]")
_PAIR = re.compile(r"(.+)[=＝:：](.+)", re.DOTALL)
_NO_PAIR = Text(
    "应写作 名称=数，几个之间用分号隔开，如 {shown}", "Write name=number, set apart by ；: {shown}"
)
_NO_ENTRY = Text("此项没有这个名称，可写：{labels}", "The item has no such name; it has: {labels}")
_MOST_SHOWN = 10
_ASKED: Mapping[ItemKind, str] = {
    "missing": "缺少的要素，没有缺少填 无",
    "occurrences": "数量：发生几次",
    "sampled": "抽查数，数量：发现几个问题",
    "quota": "数量：几件",
    "zero_if": "数值",
    "bands": "各路径数值",
    "linear": "数值",
    "bonus": "数量：几项（加分项，可不填）",
    "repeat": "各问题次数，没有问题填 无",
}


class _Named(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


def columns_for(items: Sequence[SheetItem]) -> tuple[str, ...]:
    """Return the members that a finding on one of these items may have, in their order."""
    taken = {"not_applicable_reason", "evidence", "note"}
    for one in items:
        taken |= _MEMBERS[one.kind]
        taken |= {"key_count"} if one.key_points is not None else set()
        taken |= {"change"} if one.shrinking is not None else set()
        taken |= {"zeroed_by"} if one.zero_causes else set()
    return tuple(one for one in FOUND if one in taken)


_MEMBERS: Mapping[ItemKind, frozenset[str]] = {
    "missing": frozenset({"missing"}),
    "occurrences": frozenset({"count"}),
    "sampled": frozenset({"sampled", "count"}),
    "quota": frozenset({"count"}),
    "zero_if": frozenset({"value"}),
    "bands": frozenset({"figures"}),
    "linear": frozenset({"value"}),
    "bonus": frozenset({"count"}),
    "repeat": frozenset({"counts"}),
}


def asked_for(item: SheetItem) -> str:
    """Return in words what is to be filled in for an item."""
    said = [_ASKED[item.kind]]
    if item.key_points is not None:
        said.append("其中重点")
    if item.shrinking is not None:
        said.append("变化")
    for title, entries in (
        ("要素", item.elements),
        ("路径", item.routes),
        ("零分情形", item.zero_causes),
    ):
        if entries:
            said.append(f"{title}：{'；'.join(_labels(entries).values())}")
    return "。".join(said)


def cells_of_finding(item: SheetItem, finding: Mapping[str, Any] | None) -> dict[str, Filled]:
    """Return the cells of an item by member, from its finding as stored."""
    if finding is None:
        return {}
    cells: dict[str, Filled] = {}
    for name in NUMBERS:
        if finding.get(name) is not None:
            cells[name] = exact(str(finding[name]))
    for name in LISTS:
        if finding.get(name) is not None:
            labels = _labels(_entries(item, name))
            named = [labels.get(one, one) for one in finding[name]]
            cells[name] = "；".join(named) or NOTHING
    for name in PAIRS:
        if finding.get(name) is not None:
            labels = _labels(_entries(item, name))
            named = [f"{labels.get(one, one)}={said}" for one, said in finding[name].items()]
            cells[name] = "；".join(named) or NOTHING
    if finding.get("evidence"):
        cells["evidence"] = "；".join(finding["evidence"])
    return {**cells, **{name: finding[name] for name in WORDS if finding.get(name)}}


def finding_of(
    row: SheetRow, at: Mapping[str, int], item: SheetItem | None, faults: list[Fault]
) -> dict[str, Any]:
    """Parse a row's finding on an item, in the form of a call; None: the item is unknown.

    Cells that cannot be parsed are appended to `faults`; whether the finding suits the item is
    judged later.
    """
    said = _numbers(row, at, faults)
    for name in LISTS:
        if text := words_of(row, at, name, faults):
            said[name] = _list_of(name, text, item, faults)
    if said.get("zeroed_by") == []:
        del said["zeroed_by"]
    for name in PAIRS:
        if text := words_of(row, at, name, faults):
            said[name] = _pairs_of(name, text, item, faults)
    if text := words_of(row, at, "evidence", faults):
        said["evidence"] = _parts(text)
    if reason := reason_of(row, at, faults):
        said[NOT_APPLICABLE] = reason
    if note := words_of(row, at, "note", faults):
        said["note"] = note
    return said


def _numbers(row: SheetRow, at: Mapping[str, int], faults: list[Fault]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in NUMBERS:
        cell = row.cells.get(at.get(name, 0))
        found = None if cell is None else number_of(name, cell)
        if isinstance(found, Fault):
            faults.append(found)
        elif found is not None:
            whole = name in _WHOLE and found == found.to_integral_value()
            said[name] = int(found) if whole else plain(found)
    return said


def _entries(item: SheetItem, member: str) -> Sequence[_Named]:
    if member == "zeroed_by":
        return item.zero_causes
    return item.routes if member == "figures" else item.elements


def _labels(entries: Sequence[_Named]) -> dict[str, str]:
    """Return the cell text of each entry by code: its name, if that is parsed as the same entry."""
    names = Counter(plainly(one.name) for one in entries)
    return {
        one.code: one.name
        if names[plainly(one.name)] == 1 and not re.search(r"[；;\n=＝:：]", one.name)
        else one.code
        for one in entries
    }


def _codes(entries: Sequence[_Named]) -> dict[str, str]:
    by_name = {plainly(label): code for code, label in _labels(entries).items()}
    return {**by_name, **{plainly(one.code): one.code for one in entries}}


def _list_of(name: str, text: str, item: SheetItem | None, faults: list[Fault]) -> list[str]:
    if text.lower() in _NOTHINGS:
        return []
    entries = () if item is None else _entries(item, name)
    codes = _codes(entries)
    found: list[str] = []
    for part in _parts(text):
        smaller = [part] if plainly(part) in codes else _COMMAS.split(part)
        found += [said for one in smaller if (said := trimmed(one))]
    faults += _unknown(name, [one for one in found if item and plainly(one) not in codes], entries)
    return [codes.get(plainly(one), one) for one in found]


def _unknown(name: str, said: Sequence[str], entries: Sequence[_Named]) -> list[Fault]:
    if not said:
        return []
    labels = "；".join(list(_labels(entries).values())[:_MOST_SHOWN]) or NOTHING
    told = _NO_ENTRY.format(labels=labels)
    return [Fault(f"/{name}", "unknown-element", told, echo(one)) for one in said]


def _pairs_of(name: str, text: str, item: SheetItem | None, faults: list[Fault]) -> dict[str, Any]:
    if text.lower() in _NOTHINGS - {"0"}:
        return {}
    entries = () if item is None else _entries(item, name)
    codes = _codes(entries)
    found: dict[str, Any] = {}
    for part in _parts(text):
        pair = _PAIR.fullmatch(part)
        label, said = (pair[1], pair[2]) if pair else ("", part)
        if not pair and len(entries) == 1:
            label = entries[0].code  # there is one, which need not be named
        number = _number(said)
        code = codes.get(plainly(label), trimmed(label))
        if number is None or not code or code in found:
            shown = "；".join(f"{one}=2" for one in list(_labels(entries).values())[:2]) or "A=2"
            told = _NO_PAIR.format(shown=shown)
            faults.append(Fault(f"/{name}", "pairs", told, text[:LONGEST_SHOWN]))
            return {}
        if item and code not in codes.values():
            faults += _unknown(name, [code], entries)
        whole = name == "counts" and number == number.to_integral_value()
        found[code] = int(number) if whole else plain(number)
    return found


def _number(text: str) -> Decimal | None:
    try:
        return exact(unicodedata.normalize("NFKC", trimmed(text)))
    except ValueError:
        return None


def _parts(text: str) -> list[str]:
    return [said for one in _BREAKS.split(text) if (said := trimmed(one))]


def plainly(text: str) -> str:
    """Return a text for comparison: without blanks, width and case normalized."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()
