"""Annex 2 of the plan as printed, with the results: value, light and reason. Pure."""

from collections.abc import Mapping

from services.core.papers.blocks import PaperHead, PaperText, note, paragraph, table, title
from services.core.papers.figures import FigureBook
from services.core.papers.ground import PaperGround, note_rows, row_cells
from services.core.papers.sentences import day_name, period_name
from services.core.papers.standing_notes import incomplete_notes, method_note, question_notes

_SHARES = (
    ("序号", 4, "center"),
    ("一级指标", 9, "left"),
    ("二级指标", 10, "left"),
    ("三级指标", 20, "left"),
    ("现状值", 8, "center"),
    ("目标值", 11, "center"),
    ("计量单位", 6, "center"),
    ("责任牵头部门", 14, "left"),
    ("完成值", 9, "center"),
    ("灯", 5, "center"),
    ("理由", 22, "left"),
    ("编号", 5, "center"),
)


def annex_two(ground: PaperGround, texts: Mapping[str, str], head: PaperHead) -> PaperText:
    """Return the table of indicators in the plan's columns, with the results beside them."""
    book = FigureBook(ground.period.code)
    numbers = note_rows(ground, book)
    rows = []
    for row in ground.rows:
        cells = row_cells(ground, row)
        entry = ground.plan.indicators.get(row["code"])
        rows.append(
            (
                cells["row"],
                "" if entry is None else entry.level1,
                "" if entry is None else entry.level2 or "",
                *(cells["name"], cells["baseline"], cells["target"], cells["unit"]),
                "—" if entry is None else entry.owner_text,
                *(cells["value"], cells["light"], cells["reason"], str(numbers[row["code"]])),
            )
        )
    columns = [(_headed(ground, name), share, side) for name, share, side in _SHARES]
    city = ground.plan.document.city.name
    blocks = [
        title(texts["title"]),
        paragraph(
            f"{city}{period_name(ground.period)}，数据截至{day_name(ground.as_of)}。", indent=False
        ),
        table(columns, rows, marks=True),
        *(note(one) for one in ground.plan.document.notes),
        *incomplete_notes(ground, ground.rows),
        method_note(ground),
        *question_notes(ground),
    ]
    return PaperText(title=texts["title"], head=head, blocks=blocks, book=book, as_of=ground.as_of)


def _headed(ground: PaperGround, name: str) -> str:
    """Return the heading of a column: with the printed year, if it is the same for all."""
    document = ground.plan.document
    years: set[int] = set()
    if name == "现状值":
        years = {one.baseline.year for one in document.indicators if one.baseline is not None}
    if name == "目标值":
        years = {row["target"]["year"] for row in ground.rows}
    return f"{name}（{years.pop()}年）" if len(years) == 1 else name
