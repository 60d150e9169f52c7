"""A bulletin of 480 rows, composed and written, beside the bare renderer that is given the rows.

The ceiling writes the table and nothing else: python-docx by the cells of a table, and typst with a
template of the table alone. It knows no figures, no layout and no text.
"""

import asyncio
import io
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import typst
from docx import Document
from pylopdf_fonts_zh_cn import serif_path

from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.core.kit.exact_yaml import read_yaml
from services.core.papers.blocks import PaperHead
from services.core.papers.bulletin import bulletin
from services.core.papers.ground import PaperGround
from services.core.papers.making import PaperContent, kept
from services.core.papers.office_texts import DEFAULT_TEXTS, filled
from services.core.papers.rendering import rendered
from services.core.papers.traced_files import PaperMark
from services.core.plan.rules import read_document
from services.core.plan.state import PlanState
from services.core.scoring.board import empty_board

ROWS = 480
_ROUNDS = 5
_DAY = date(2025, 10, 20)
_BARE = """
#set text(font: "Noto Serif SC", size: 9pt)
#let paper = json(bytes(sys.inputs.paper))
#table(columns: paper.columns.len(), ..paper.columns, ..paper.rows.flatten())
"""


async def papers(_system: System) -> list[str]:
    """Measure a bulletin as DOCX and as PDF; nothing of it needs the system that runs."""
    return await asyncio.to_thread(_lines)


def _lines() -> list[str]:
    ground = _ground()
    rows = next(
        block["rows"] for block in _made(ground).content["blocks"] if block["kind"] == "table"
    )
    columns = [f"列{at}" for at in range(len(rows[0]))]
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[serif_path().parent],
    )
    bare: dict[str, Callable[[], bytes]] = {
        "docx": lambda: _bare_docx(columns, rows),
        "pdf": lambda: _bare_pdf(columns, rows, fonts),
    }
    found = []
    for form, ceiling in bare.items():
        whole, alone = [], []
        for _ in range(_ROUNDS):
            whole.append(_milliseconds(partial(_whole, ground, form)))
            alone.append(_milliseconds(ceiling))
        what = f"bulletin of {len(rows)} rows as {form.upper()}"
        found.append(Measure(what, whole, "the bare renderer", alone, 2.0, "ms").line())
    return found


def _whole(ground: PaperGround, form: str) -> object:
    """Compose a bulletin and write it, with its trace where it has room."""
    mark = PaperMark(PLAN, "bulletin", ground.period.code, None)
    return rendered(_made(ground), form, mark)


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _ground() -> PaperGround:
    """Return a scoreboard of so many rows: the plan's, over and over, each with a value."""
    document = read_document(read_yaml(Path(f"plans/{PLAN}.yaml").read_bytes()))
    plan = PlanState(CITY, document.code, 1, document, {}, {}, {})
    period = plan.period_calendar.period("2025-Q3")
    drawn = empty_board(plan, period, _DAY)
    rows: list[dict[str, Any]] = drawn.board["indicators"]
    many = [
        {
            **row,
            "code": f"{row['code']}-{at}",
            "display": "40.65",
            "value": "40.65",
            "state": "scored",
            "light": "green",
            "met": True,
            "attainment": "100",
        }
        for at in range(ROWS // len(rows))
        for row in rows
    ]
    board = {**drawn.board, "indicators": many}
    return PaperGround(plan, period, board, 12, _DAY, None, None)


def _made(ground: PaperGround) -> PaperContent:
    document = ground.plan.document
    values = {"城市": document.city.name, "计划": document.title, "期间": "本期", "截至": "今日"}
    texts = filled(DEFAULT_TEXTS["bulletin"], values)
    head = PaperHead(f"{texts['issuer']}文件", 2025, None, document.status_text)
    return kept(bulletin(ground, texts, head, None), ground.position)


def _bare_docx(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    document = Document()
    table = document.add_table(rows=1, cols=len(columns))
    for cell, name in zip(table.rows[0].cells, columns, strict=True):
        cell.text = name
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def _bare_pdf(columns: Sequence[str], rows: Sequence[Sequence[str]], fonts: typst.Fonts) -> bytes:
    given = json.dumps({"columns": list(columns), "rows": [list(row) for row in rows]})
    return typst.compile(
        _BARE.encode(),
        font_paths=fonts,
        format="pdf",
        sys_inputs={"paper": given},
        timestamp=datetime(2025, 10, 20, tzinfo=UTC),
    )
