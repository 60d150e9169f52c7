"""Papers opened by an office program: their words are there, and they convert to PDF."""

from datetime import date
from pathlib import Path

import pytest

from services.core.papers.blocks import PaperHead
from services.core.papers.bulletin import bulletin
from services.core.papers.ground import PaperGround
from services.core.papers.making import PaperContent, code_of, kept
from services.core.papers.office_texts import DEFAULT_TEXTS, PLACES, filled
from services.core.papers.rendering import rendered
from services.core.plan.state import PlanState
from services.core.scoring.board import empty_board
from tests.support.api import xinmi
from tests.support.libreoffice import converted, needs_libreoffice

_DAY = date(2025, 10, 20)


def a_bulletin() -> PaperContent:
    """Return a bulletin of a quarter in which nothing was reported."""
    document = xinmi()
    plan = PlanState("410183", document.code, 1, document, {}, {}, {})
    period = plan.period_calendar.period("2025-Q3")
    drawn = empty_board(plan, period, _DAY)
    ground = PaperGround(plan, period, drawn.board, 12, _DAY, None, None)
    texts = filled(DEFAULT_TEXTS["bulletin"], dict.fromkeys(PLACES, "新密市"))
    head = PaperHead(f"{texts['issuer']}文件", 2025, None, document.status_text)
    return kept(bulletin(ground, texts, head, None), 12)


@needs_libreoffice
def test_a_bulletin_opens_with_its_words_and_becomes_a_pdf(tmp_path: Path) -> None:
    made = a_bulletin()
    paper = tmp_path / "bulletin.docx"
    paper.write_bytes(rendered(made, "docx").content or b"")
    said = converted(tmp_path, paper, "txt:Text (encoded):UTF8").read_text("utf-8-sig")
    for words in ("关于2025年第三季度", "一、总体情况", "附件1", "（城区）生活垃圾回收利用率★"):
        assert words in said.replace(" ", "")
    assert code_of(made.digest) in said
    assert converted(tmp_path, paper, "pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("form", ["docx", "pdf", "xlsx"])
def test_the_same_paper_has_the_same_bytes(form: str) -> None:
    first, second = rendered(a_bulletin(), form), rendered(a_bulletin(), form)
    assert first.content == second.content
    assert first.sha256 == second.sha256
