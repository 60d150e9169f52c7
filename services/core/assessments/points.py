"""The points of a finding: one function for each kind of item. Pure.

Points always lie between the item's `lowest` and its `full`, both included, and more faults never
give more points. Numbers are exact; a quotient has 20 places.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import less, plain, quotient, times, total
from services.core.kit.text import Text
from services.core.plan.sheet_entries import ItemKind, ScoreBand, ScoreLine, ScoreRoute, SheetItem


@dataclass(frozen=True, slots=True)
class ItemFound:
    """The finding of one item; the kind of the item determines which members are used.

    `missing` are codes of elements, `counts` how often each fault was found, `figures` one per
    route, `zeroed_by` circumstances in which the whole item gives nothing.
    """

    missing: tuple[str, ...] = ()
    count: int = 0
    key_count: int = 0
    counts: Mapping[str, int] | None = None
    value: Decimal = Decimal(0)
    change: Decimal = Decimal(0)
    figures: Mapping[str, Decimal] | None = None
    zeroed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemPoints:
    """The points of an item, and their explanation in words."""

    points: Decimal
    words: Text


def points_of(item: SheetItem, found: ItemFound) -> ItemPoints:
    """Return the points of an item from its finding."""
    scored = _BY_KIND[item.kind](item, found)
    if not found.zeroed_by:
        return scored
    said = "、".join(one.name for one in item.zero_causes if one.code in found.zeroed_by)
    # Points that deductions have already made negative stay negative.
    points = min(Decimal(0), scored.points)
    return ItemPoints(points, Text(f"{said}：整项计 0 分", f"Whole item 0: {said}"))


def _deducted(item: SheetItem, parts: Sequence[tuple[Text, Decimal]]) -> ItemPoints:
    """Return the full points minus the deductions of the parts, never below the lowest."""
    taken = total([points for _, points in parts])
    rest = less(item.full, taken)
    left = max(item.lowest, rest)
    named = [(said, points) for said, points in parts if points]
    if not named:
        full = plain(item.full)
        return ItemPoints(left, Text(f"未扣分：{full} 分", f"Nothing deducted: {full}"))
    zh = "，".join(f"{said.zh} −{plain(points)}" for said, points in named)
    en = ", ".join(f"{said.en} −{plain(points)}" for said, points in named)
    ended = left != rest
    zh_end, en_end = ("（扣完为止）", " (no lower)") if ended else ("", "")
    first, last = plain(item.full), plain(left)
    words = Text(f"{first} 分：{zh}，得 {last} 分{zh_end}", f"{first}: {en}; {last} left{en_end}")
    return ItemPoints(left, words)


def _each(times_found: int, points: Decimal | None) -> Decimal:
    return times(Decimal(times_found), points or Decimal(0))


def _missing(item: SheetItem, found: ItemFound) -> ItemPoints:
    lacking = [one for one in item.elements if one.code in found.missing]
    parts = [(Text(f"缺{one.name}", f"without {one.name}"), one.points) for one in lacking]
    return _deducted(item, parts)


def _occurrences(item: SheetItem, found: ItemFound) -> ItemPoints:
    said = Text(f"{found.count} 处", f"{found.count} found")
    return _deducted(item, [(said, _each(found.count, item.points))])


def _sampled(item: SheetItem, found: ItemFound) -> ItemPoints:
    said = Text(f"抽查发现 {found.count} 处", f"{found.count} found in the sample")
    return _deducted(item, [(said, _each(found.count, item.points))])


def _quota(item: SheetItem, found: ItemFound) -> ItemPoints:
    """Deduct ordinary cases beyond the quota, and every key case, which uses no quota up."""
    key_points = item.points if item.key_points is None else item.key_points
    ordinary = found.count - found.key_count if item.key_points is not None else found.count
    beyond = max(0, ordinary - (item.quota or 0))
    keys = found.key_count if item.key_points is not None else 0
    parts = [
        (Text(f"超出 {beyond} 件", f"{beyond} beyond the quota"), _each(beyond, item.points)),
        (Text(f"重点 {keys} 件", f"{keys} key"), _each(keys, key_points)),
    ]
    return _deducted(item, parts)


def _zero_if(item: SheetItem, found: ItemFound) -> ItemPoints:
    value = plain(found.value)
    if item.least is not None:
        broken, bound = found.value < item.least, plain(item.least)
        zh, en = ("低于", "below") if broken else ("不低于", "not below")
    else:
        most = item.most if item.most is not None else found.value
        broken, bound = found.value > most, plain(most)
        zh, en = ("高于", "above") if broken else ("不高于", "not above")
    points = Decimal(0) if broken else item.full
    shown = plain(points)
    return ItemPoints(
        points, Text(f"{value} {zh} {bound}：{shown} 分", f"{value} is {en} {bound}: {shown}")
    )


def _reached(band: ScoreBand, figure: Decimal) -> bool:
    if band.least is not None:
        return figure >= band.least
    return band.most is not None and figure <= band.most


def _bands(item: SheetItem, found: ItemFound) -> ItemPoints:
    """Return the points of the better route; a figure below every band gives the lowest."""
    figures = found.figures or {}
    best: tuple[Decimal, ScoreRoute] | None = None
    for route in item.routes:
        if route.code not in figures:
            continue
        figure = figures[route.code]
        points = next((one.points for one in route.bands if _reached(one, figure)), item.lowest)
        if best is None or points > best[0]:
            best = points, route
    if best is None:
        return ItemPoints(item.lowest, Text("没有数值", "No figure"))
    points, route = best
    reached, shown = plain(figures[route.code]), plain(points)
    words = Text(f"按{route.name} {reached}：{shown} 分", f"By {route.name} {reached}: {shown}")
    return ItemPoints(points, words)


def _along(line: ScoreLine, value: Decimal, full: Decimal) -> Decimal:
    """Return full × (value − zero) ÷ (full point − zero), between 0 and the full points."""
    above, span = less(value, line.zero_at), less(line.full_at, line.zero_at)
    if span < 0:
        above, span = above.copy_negate(), span.copy_negate()
    if above <= 0:
        return Decimal(0)
    return full if above >= span else quotient(times(full, above), span)


def _linear(item: SheetItem, found: ItemFound) -> ItemPoints:
    """Score along a line: `line`, unless the change is below 0; no change counts as growth."""
    shrinks = item.shrinking is not None and found.change < 0
    line = item.shrinking if shrinks else item.line
    if line is None:
        return ItemPoints(item.lowest, Text("没有数值", "No figure"))
    points = _along(line, found.value, item.full)
    value, shown = plain(found.value), plain(points)
    full_at, zero_at = plain(line.full_at), plain(line.zero_at)
    return ItemPoints(
        points,
        Text(
            f"{value}（{full_at} 满分，{zero_at} 零分）：{shown} 分",
            f"{value} (full at {full_at}, none at {zero_at}): {shown}",
        ),
    )


def _bonus(item: SheetItem, found: ItemFound) -> ItemPoints:
    points = min(item.full, _each(found.count, item.points))
    shown = plain(points)
    return ItemPoints(points, Text(f"{found.count} 项加 {shown} 分", f"{found.count} add {shown}"))


def _repeat(item: SheetItem, found: ItemFound) -> ItemPoints:
    """Deduct each fault for each occurrence, and an extra amount for each repetition."""
    counts = found.counts or {}
    parts = []
    for fault in item.elements:
        often = counts.get(fault.code, 0)
        again = max(0, often - 1)
        cost = total([_each(often, fault.points), _each(again, item.more)])
        parts.append((Text(f"{fault.name} {often} 次", f"{fault.name} {often} times"), cost))
    return _deducted(item, parts)


_BY_KIND: Mapping[ItemKind, Callable[[SheetItem, ItemFound], ItemPoints]] = {
    "missing": _missing,
    "occurrences": _occurrences,
    "sampled": _sampled,
    "quota": _quota,
    "zero_if": _zero_if,
    "bands": _bands,
    "linear": _linear,
    "bonus": _bonus,
    "repeat": _repeat,
}
