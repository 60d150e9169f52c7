"""The self-assessment of a year (自评报告): results, methods and evidence. Pure."""

from collections.abc import Mapping
from typing import Any

from services.core.papers.blocks import (
    PaperHead,
    PaperText,
    annex,
    heading,
    paragraph,
    signature,
    table,
    title,
)
from services.core.papers.bulletin import PeriodWriter
from services.core.papers.ground import BoardLine, PaperGround, row_cells
from services.core.papers.sentences import NOT_APPLICABLE, period_name
from services.core.papers.standing_notes import incomplete_notes, method_note, question_notes

_COLUMNS = (
    ("序号", 6, "center"),
    ("指标", 32, "left"),
    ("计量单位", 9, "center"),
    ("目标值", 12, "center"),
    ("完成值", 12, "center"),
    ("完成目标", 11, "right"),
    ("自评", 10, "center"),
    ("说明", 24, "left"),
    ("编号", 6, "center"),
)


def self_assessment(
    ground: PaperGround,
    texts: Mapping[str, str],
    head: PaperHead,
    day: str | None,
    *,
    files: int,
) -> PaperText:
    """Return the self-assessment of a year; `files` is the number of files of evidence with it."""
    writer = PeriodWriter(ground)
    called = f"{ground.plan.document.city.name}{period_name(ground.period)}“无废城市”建设自评报告"
    evidence = writer.book.note("evidence/files", "佐证材料", f"{files}件", {"files": str(files)})
    blocks = [
        title(called),
        paragraph(texts["opening"]),
        heading(1, "一、自评结论"),
        *writer.totals(),
        paragraph("随本报告提供佐证材料", (f"{files}件", evidence), "，逐件列有摘要。"),
        heading(1, "二、组织实施情况"),
        *(paragraph(line) for line in texts["organization"].splitlines() if line.strip()),
        heading(1, "三、各领域完成情况"),
        *writer.by_group(),
        *writer.best("见附件", None),
        heading(1, "四、存在问题"),
        *writer.problems(),
        heading(1, "五、下一步工作"),
        *(paragraph(line) for line in texts["next_steps"].splitlines() if line.strip()),
        signature(texts["issuer"], day),
        annex(None, f"{period_name(ground.period)}指标自评表"),
        table(_COLUMNS, [_line(ground, row, writer) for row in ground.rows], marks=True),
        *incomplete_notes(ground, ground.rows),
        method_note(ground),
        *question_notes(ground),
    ]
    return PaperText(title=called, head=head, blocks=blocks, book=writer.book, as_of=ground.as_of)


def _line(ground: PaperGround, row: BoardLine, writer: PeriodWriter) -> tuple[str, ...]:
    cells = row_cells(ground, row)
    return (
        *(cells["row"], cells["name"], cells["unit"], cells["target"], cells["value"]),
        *(cells["attainment"], _judged(row), cells["reason"]),
        str(writer.number_of(row)),
    )


def _judged(row: Mapping[str, Any]) -> str:
    """Return the verdict of a row in a word."""
    if row["state"] == "not_applicable":
        return NOT_APPLICABLE
    if row["falsified"]:
        return "数据虚假"
    if row["met"] is None:
        return "未达到" if row["state"] == "missing" else "暂不能评价"
    return "达到" if row["met"] else "未达到"
