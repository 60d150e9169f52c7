"""Plans, operands and boards for the tests of scoring, with defaults for what is not the point."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.core.plan.document import PlanDocument
from services.core.plan.models import AssignedTarget, PlanPeriod, Settlement
from services.core.plan.state import PlanState
from services.core.scoring.adding_up import Board
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, draw_board

CITY = "410183"
PLAN = "410183-2025"
NOW = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)


def an_indicator(code: str = "R01", **changes: Any) -> dict[str, Any]:
    """An indicator of the plan format: annual, direct, at least 95 by 2025, led by UN01."""
    base: dict[str, Any] = {
        "code": code,
        "name": f"指标{code}",
        "printed_name": f"指标{code}★",
        "group": "R",
        "level1": "源头减量",
        "level2": "工业",
        "selection": "mandatory",
        "unit": "%",
        "targets": [a_target()],
        "direction": "higher_better",
        "owners": ["UN01"],
        "owner_text": "市农委",
    }
    return base | changes


def a_target(
    kind: str = "at_least", value: object = 95, year: int = 2025, text: str = "≥95"
) -> dict[str, Any]:
    return {"year": year, "kind": kind, "value": value, "text": text}


def a_baseline(value: object, year: int = 2022) -> dict[str, Any]:
    return {"year": year, "value": value, "text": str(value)}


def a_document(*indicators: Mapping[str, Any], **changes: Any) -> PlanDocument:
    """A plan document; its groups are those that the indicators name unless given."""
    listed = indicators or (an_indicator(),)
    groups = dict.fromkeys(entry["group"] for entry in listed)
    base: dict[str, Any] = {
        "format": "wufei-plan/1",
        "code": PLAN,
        "title": "测试方案",
        "city": {"code": CITY, "name": "新密市"},
        "status": "issued",
        "status_text": "印发稿",
        "span": {"start": "2021-01-01", "end": "2025-12-31"},
        "due_days": {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10},
        "scheme": a_scheme(),
        "groups": [{"code": code, "name": f"组{code}"} for code in groups],
        "organizations": [
            {"code": f"UN{number:02}", "name": f"单位{number}", "kind": "unit"}
            for number in range(1, 6)
        ],
        "indicators": list(listed),
    }
    return PlanDocument.model_validate(base | changes)


def a_scheme(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": "completion-rate",
        "version": "1",
        "floor": 0,
        "weights": {"mandatory": 2, "optional": 1, "self_selected": 1},
        "gate": {
            "grades": [
                {"code": "excellent", "name": "优秀", "minimum": 90},
                {"code": "good", "name": "良好", "minimum": 80},
                {"code": "pass", "name": "合格", "minimum": 60},
                {"code": "fail", "name": "不合格", "minimum": 0},
            ],
            "minimum_coverage": "0.6",
            "mandatory_not_met_cap": "good",
            "falsified_grade": "fail",
        },
        "lights": {"green_pace": 1, "yellow_pace": "0.8"},
    }
    return base | changes


def a_state(
    *indicators: Mapping[str, Any],
    opened: Mapping[str, date] | None = None,
    assigned: Sequence[AssignedTarget] = (),
    settled: Sequence[str] = (),
    **changes: Any,
) -> PlanState:
    """A plan as it stands; `opened` gives due dates by period, `settled` ids of questions."""
    by_place: dict[tuple[str, int], tuple[AssignedTarget, ...]] = {}
    for row in assigned:
        place = (row.indicator_code, row.year)
        by_place[place] = (*by_place.get(place, ()), row)
    return PlanState(
        city_code=CITY,
        code=PLAN,
        version=1,
        document=a_document(*indicators, **changes),
        assigned=by_place,
        settlements={question: Settlement(question_id=question) for question in settled},
        periods={
            code: PlanPeriod(period=code, state="open", due_date=due, opened_at=NOW, version=1)
            for code, due in (opened or {}).items()
        },
    )


def an_assignment(
    code: str, kind: str, value: object = None, text: str | None = None, **changes: Any
) -> AssignedTarget:
    base: dict[str, Any] = {
        "indicator_code": code,
        "year": 2025,
        "sequence": 1,
        "kind": kind,
        "value": None if value is None else Decimal(str(value)),
        "text": text,
        "document_number": "郑环〔2024〕7号",
        "document_date": date(2024, 3, 1),
    }
    return AssignedTarget(**(base | changes))


def a_value(value: object, period: str = "2025", **changes: Any) -> Operands:
    """Operands of one unit that reported a value."""
    base: dict[str, Any] = {
        "reports": 1,
        "values": 1,
        "value_sum": Decimal(str(value)),
        "organization_code": "UN01",
    }
    return Operands(period, **(base | changes))


def a_ratio(top: object, bottom: object, period: str = "2025", **changes: Any) -> Operands:
    """Operands of units that reported numerators and denominators with these sums."""
    base: dict[str, Any] = {
        "reports": 1,
        "values": 1,
        "value_sum": Decimal(0),
        "ratios": 1,
        "numerator_sum": Decimal(str(top)),
        "denominator_sum": Decimal(str(bottom)),
    }
    return Operands(period, **(base | changes))


def a_level(code: str, period: str = "2025") -> Operands:
    return Operands(period, 1, levels=(code,))


def not_applicable(reason: str = "没有此类企业", period: str = "2025") -> Operands:
    return Operands(period, 1, not_applicable=1, not_applicable_reason=reason)


def draw(
    state: PlanState,
    reported: Mapping[str, Operands | Sequence[Operands]],
    period: str = "2025",
    today: date = date(2026, 1, 10),
) -> Board:
    """The board of a period when these operands count, by indicator."""
    operated = {
        (code, each.period): each
        for code, given in reported.items()
        for each in ([given] if isinstance(given, Operands) else given)
    }
    return draw_board(
        ScoringContext.of(state, today), state.period_calendar.period(period), operated
    ).board


def row_of(board: Board, code: str = "R01") -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in board["indicators"] if row["code"] == code)
    return found


def judged(
    indicator: Mapping[str, Any],
    reported: Operands | Sequence[Operands] = (),
    *,
    period: str = "2025",
    today: date = date(2026, 1, 10),
    **plan: Any,
) -> dict[str, Any]:
    """The row of one indicator on the board of a plan that has only this one."""
    board = draw(a_state(indicator, **plan), {indicator["code"]: reported}, period, today)
    return row_of(board, indicator["code"])
