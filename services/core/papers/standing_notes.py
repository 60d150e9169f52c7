"""Notes in papers on how lights and the score are computed, and on what moves the score. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import plain, total
from services.core.papers.blocks import PaperBlock, Run, note, paragraph
from services.core.papers.figures import FigureBook
from services.core.papers.ground import BoardLine, PaperGround
from services.core.papers.lateness import UNDECIDED, UNREPORTED, awaits_decision
from services.core.papers.sentences import names_text
from services.core.papers.typesetting import in_brackets


def method_note(ground: PaperGround) -> PaperBlock:
    """Return the note on how lights and the score are computed, by the plan's parameters."""
    scheme = ground.plan.document.scheme
    lights = scheme.lights
    adjusted = "，扣分、加分另计" if scheme.adjustments else ""
    provisional = "；初步数据的绿灯降为黄灯" if lights.provisional_green_to_yellow else ""
    return note(
        f"灯号：绿●为达到目标，或未到目标时间而进度不低于{lights.green_pace}；"
        f"黄▲为进度不低于{lights.yellow_pace}；红■为低于{lights.yellow_pace}、劣于现状值、"
        f"到期未达到目标或数据虚假；灰○为目标待下达、没有数据（含逾期未报）、未到填报期限、"
        f"待核实或不适用{provisional}。"
        f"进度＝（完成值－现状值）÷（目标值－现状值）与时间进度之比。"
        f"得分＝各指标完成程度按权重加权平均{adjusted}。“未报”为应报而没有数据，“已报未审定”为已报送而尚未审定，“—”为无此项，0为实际数值。"
    )


def unreported(rows: Iterable[BoardLine]) -> list[BoardLine]:
    """Return the rows whose owed values nobody handed in."""
    return [row for row in rows if row["state"] == "missing" and not awaits_decision(row)]


def late_paragraphs(rows: Iterable[BoardLine]) -> Iterator[PaperBlock]:
    """Yield the units that have not reported in time, and those whose values await a decision."""
    listed = list(rows)
    late = _units(listed, UNREPORTED)
    if late:
        yield paragraph(f"逾期未报的单位：{late}。")
    waiting = _units(listed, UNDECIDED)
    if waiting:
        yield paragraph(f"已报送而尚未审定、不属逾期未报的单位：{waiting}。")


def _units(rows: Iterable[BoardLine], which: str) -> str:
    """Return the units in a member of the rows, each with its indicators."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for name in row.get(which, ()):
            found.setdefault(name, []).append(row["name"])
    return "；".join(f"{name}{in_brackets(names_text(of))}" for name, of in found.items())


def incomplete_notes(ground: PaperGround, rows: Iterable[BoardLine]) -> Iterator[PaperBlock]:
    """Yield the explanation of incomplete values, if one of the rows has one."""
    if any(ground.lacking(row) for row in rows):
        yield note("“缺几份”为该完成值尚缺几份数据（一个单位一期为一份）。")


def question_notes(ground: PaperGround) -> Iterator[PaperBlock]:
    """Yield the plan's open questions about indicators (待核实), each once."""
    found = {one.id: one for row in ground.rows for one in ground.open_questions(row)}
    if found:
        yield note("待核实事项（作出决定之前，有关指标按方案原文处理）：")
        yield from (note(f"{one.id}．{one.text}") for one in found.values())


def adjusted_pieces(
    overall: Mapping[str, Any],
    book: FigureBook,
    numbers: Mapping[str, int],
    noted: Callable[[str, str], Run],
) -> list[str | Run]:
    """Return the score after deductions and bonuses, with the reasons; nothing without any.

    `numbers` are those of the indicators' figures; `noted` numbers a figure of the whole
    scoreboard.
    """
    if overall.get("adjusted_score") is None:
        return []
    applied = [one for one in overall["adjustments"] if Decimal(one["points"])]
    pieces: list[str | Run] = ["，"]
    for at, one in enumerate(applied):
        pieces += ["、" if at else "", _adjustment(one, book, numbers[one["indicator"]])]
    bonus = total([Decimal(one["points"]) for one in applied if one["kind"] == "bonus"])
    if bonus > Decimal(overall["added"]):
        pieces.append(f"（加分以{plain(Decimal(overall['added']))}分为限）")
    begin = "后得分为" if applied else "没有扣分、加分，得分仍为"
    return [*pieces, begin, noted("adjusted_score", f"{overall['adjusted_display']}分")]


def _adjustment(one: Mapping[str, str], book: FigureBook, number: int) -> Run:
    verb = "扣" if one["kind"] == "deduction" else "加"
    text = f"{one['name']}{plain(Decimal(one['occurrences']))}次{verb}"
    text += f"{plain(Decimal(one['points']))}分"
    facts = {name: one[name] for name in ("occurrences", "points", "cap")}
    return text, book.note(f"adjustment/{one['code']}", one["name"], text, facts, rests_on=[number])
