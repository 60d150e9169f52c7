"""Values of several periods beside each other, in the words of the field, and where they break."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.core.papers.blocks import PaperHead
from services.core.papers.bulletin import bulletin
from services.core.papers.figures import FigureBook
from services.core.papers.ground import OtherBoard, PaperGround, note_rows
from services.core.papers.office_texts import DEFAULT_TEXTS, PLACES, filled
from services.core.papers.series_tables import SeriesWriter, ranges_text
from services.core.papers.special import special_report
from services.core.plan.document import PlanDocument
from services.core.plan.state import PlanState
from services.core.scoring.board import empty_board
from tests.support.api import xinmi

DAY = date(2025, 10, 20)
DOCUMENT = xinmi()
QUARTERS = ("2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3")
RATE, AMOUNT = "U08", "R10"
"""Of the plan as printed: a rate in %, and an amount."""


DRAWN_AT = datetime(2025, 10, 15, tzinfo=UTC)


def plan_of(document: PlanDocument = DOCUMENT) -> PlanState:
    return PlanState("410183", document.code, 1, document, {}, {}, {})


def a_board(period: str, values: Mapping[str, str | None], **more: Any) -> dict[str, Any]:
    """Return a scoreboard on which nothing was reported but these values."""
    plan = plan_of()
    board = dict(empty_board(plan, plan.period_calendar.period(period), DAY).board)
    board["indicators"] = [
        {
            **row,
            "value": values[row["code"]],
            "display": values[row["code"]],
            "reporting": {"expected": 1, "reported": 1, "overdue": 0, "absent": [], "late": []},
            **more,
        }
        if row["code"] in values
        else row
        for row in board["indicators"]
    ]
    return board


def other(period: str, values: Mapping[str, str | None], **changed: Any) -> OtherBoard:
    """Return the board of another period, by a plan in which the rate is `changed`."""
    document = DOCUMENT
    if changed:
        indicators = tuple(
            one.model_copy(update=changed) if one.code == RATE else one
            for one in DOCUMENT.indicators
        )
        document = DOCUMENT.model_copy(update={"indicators": indicators})
    calendar = plan_of().period_calendar
    return OtherBoard(calendar.period(period), a_board(period, values), DRAWN_AT, document)


def a_ground(
    values: Mapping[str, str | None], earlier: list[OtherBoard], period: str = "2025-Q3"
) -> PaperGround:
    by_code = {one.period.code: one for one in earlier}
    year, _, rest = period.partition("-")
    a_year_ago = "-".join(part for part in (str(int(year) - 1), rest) if part)
    return PaperGround(
        plan_of(),
        plan_of().period_calendar.period(period),
        a_board(period, values),
        12,
        DAY,
        earlier[-1] if earlier else None,
        by_code.get(a_year_ago),
        earlier,
    )


def lines(ground: PaperGround) -> tuple[list[str], dict[str, list[str]], str, FigureBook]:
    """Return of the table its headings, its lines by indicator, what stands below, the figures."""
    book = FigureBook(ground.period.code)
    numbers = note_rows(ground, book)
    table, note = SeriesWriter(ground, book, ground.rows, numbers).blocks()
    by_name = {row["code"]: ground.name_of(row) for row in ground.rows}
    by_line = {line[0]: line for line in table["rows"]}
    told = "".join(text for text, _ in note["runs"])
    headings = [name for name, *_ in table["columns"]]
    return headings, {code: by_line[name] for code, name in by_name.items()}, told, book


def test_five_quarters_stand_beside_each_other_with_both_changes() -> None:
    rates = dict(zip(QUARTERS, ("38.5", "39", "0", "41.25", "40.65"), strict=True))
    amounts = dict(zip(QUARTERS, ("20", "21", "22", "25", "24"), strict=True))
    earlier = [other(one, {RATE: rates[one], AMOUNT: amounts[one]}) for one in QUARTERS[:-1]]
    headings, found, told, book = lines(a_ground({RATE: "40.65", AMOUNT: "24"}, earlier))
    assert headings[2:9] == [
        *("2024年第三季度", "2024年第四季度", "2025年第一季度", "2025年第二季度"),
        *("2025年第三季度", "较上期", "较上年同期"),
    ]
    assert found[RATE][2:9] == [
        *("38.5", "39", "0", "41.25", "40.65"),
        *("下降0.60个百分点", "提高2.15个百分点"),
    ]
    assert found[AMOUNT][7:9] == ["下降4.00%", "增长20.00%"]
    assert "※" not in told
    assert all("-" not in cell for cell in found[RATE][7:9]), "no minus beside 下降"
    present = {one.key: one for one in book.figures}
    first = present[f"indicator/{RATE}@2024-Q3"]
    assert (first.period, first.indicator, first.facts["value"]) == ("2024-Q3", RATE, "38.5")
    numbers = [present[f"indicator/{RATE}@{one}"].number for one in QUARTERS[:-1]]
    assert found[RATE][-1] == f"{numbers[0]}–{numbers[3]}、{present[f'indicator/{RATE}'].number}"


def test_not_reported_none_and_zero_are_three_things() -> None:
    earlier = [other("2025-Q1", {RATE: "0"}), other("2025-Q2", {})]
    earlier[1].board["indicators"][:] = [
        {**row, "state": "missing"}
        for row in earlier[1].board["indicators"]
        if row["code"] != AMOUNT
    ]
    headings, found, told, _ = lines(a_ground({RATE: "1", AMOUNT: "0"}, earlier))
    assert found[RATE][2:5] == ["0", "未报", "1"]
    assert found[AMOUNT][3:7] == ["—", "0", "—", "—"]
    assert "较上年同期" in headings, "nobody can say what it was"
    assert "“未报”为应报而没有数据" in told


@pytest.mark.parametrize("changed", [{"scope": "改为含乡镇"}, {"unit": "吨"}])
def test_where_the_rule_changed_is_marked_and_nothing_is_reckoned_across(
    changed: dict[str, Any],
) -> None:
    earlier = [
        other("2024-Q3", {RATE: "30"}, **changed),
        other("2025-Q1", {RATE: "31"}, **changed),
        other("2025-Q2", {RATE: "40"}),
    ]
    ground = a_ground({RATE: "41"}, earlier)
    _, found, told, _ = lines(ground)
    assert found[RATE][2:8] == ["30", "31", "※40", "41", "提高1.00个百分点", "不可比"]
    assert "“※”表示自该期起" in told
    (row,) = (row for row in ground.rows if row["code"] == RATE)
    assert (ground.before(row), ground.a_year_ago(row)) == ("40", None)


def test_another_target_is_no_break() -> None:
    earlier = [other("2025-Q2", {RATE: "40"}, owner_text="另一单位", weight=None)]
    _, found, told, _ = lines(a_ground({RATE: "41"}, earlier))
    assert found[RATE][2:5] == ["40", "41", "提高1.00个百分点"]
    assert "※" not in told


def test_a_year_is_compared_once() -> None:
    headings, found, _, _ = lines(a_ground({RATE: "41"}, [other("2024", {RATE: "40"})], "2025"))
    assert headings[2:] == ["2024年", "2025年", "较上年", "编号"]
    assert found[RATE][2:5] == ["40", "41", "提高1.00个百分点"]


def test_a_paper_has_the_annex_where_there_is_something_to_compare() -> None:
    head = PaperHead(None, 2025, None, None)
    texts = {
        kind: filled(DEFAULT_TEXTS[kind], dict.fromkeys(PLACES, "新密市"))
        for kind in ("bulletin", "special")
    }
    for earlier, labels in (
        ([], ["附件"]),
        ([other("2025-Q2", {RATE: "40"})], ["附件1", "附件2"]),
    ):
        ground = a_ground({RATE: "41"}, earlier)
        special = special_report(ground, f"indicator/{RATE}", texts["special"], head, None)
        annexes = [one["label"] for one in special.blocks if one["kind"] == "annex"]
        assert annexes == labels
        whole = bulletin(ground, texts["bulletin"], head, None)
        titles = [one["text"] for one in whole.blocks if one["kind"] == "annex"]
        assert titles[-1].endswith("近2期完成情况对比表") is bool(earlier)
        assert len({one["label"] for one in whole.blocks if one["kind"] == "annex"}) == len(titles)


def test_numbers_that_follow_each_other_are_a_range() -> None:
    assert ranges_text([49, 50, 51, 8]) == "49–51、8"
    assert ranges_text([3]) == "3"
    assert ranges_text([3, 5]) == "3、5"
