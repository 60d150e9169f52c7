"""Runs the checks of a plan on one submission, given the figures to compare with. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.core.checks.figures import Figures, ReportedFigure, figure_of_row
from services.core.checks.findings import CheckFinding, ComparedFigure, shown
from services.core.checks.lookups import built_in_of, earlier_codes, rules_for, slot_of_term
from services.core.checks.outliers import RobustScore, robust_score
from services.core.checks.verdicts import SideSum, side_sum, verdict
from services.core.kit.decimals import plain, quotient, times, total
from services.core.kit.text import Text
from services.core.plan.check_entries import PAIRS, ChangeCheck, CheckTerm, OutlierCheck
from services.core.plan.checks_in_force import StandingRule
from services.core.plan.document import Indicator
from services.core.plan.plausibility import is_within, range_text
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState

_HUNDRED = Decimal(100)


def findings_of(row: Mapping[str, Any], plan: PlanState, figures: Figures) -> list[CheckFinding]:
    """Return the checks that a submission breaks, those of its figure alone first.

    In its own slot the submission's figure is compared, whatever is stored there; in other slots
    the figure that counts there (`checks.figures`). A submission without a figure breaks no check.
    """
    if row["indicator_code"] not in plan.indicators or _says_nothing(row):
        return []
    own = slot_of(row)
    return [
        *findings_alone(row, plan),
        *_broken_rules(row, own, plan, figures),
        *_unusual(row, own, plan, figures),
    ]


def _says_nothing(row: Mapping[str, Any]) -> bool:
    forms = ("value", "numerator", "level", "not_applicable_reason")
    return all(row[name] is None for name in forms)


def findings_alone(row: Mapping[str, Any], plan: PlanState) -> list[CheckFinding]:
    """Return the checks of its figure alone that a submission breaks; no other figure is needed.

    Only the first is reported, because a part above its whole is also above 100 percent.
    """
    indicator = plan.indicators.get(row["indicator_code"])
    if indicator is None or row["value"] is None:
        return []
    outside = _outside_range(row, indicator, plan)
    if outside is not None:
        return [outside]
    above = _part_above_whole(row, plan)
    return [] if above is None else [above]


def _outside_range(
    row: Mapping[str, Any], indicator: Indicator, plan: PlanState
) -> CheckFinding | None:
    value, believed = row["value"], plan.plausible.get(indicator.code)
    if believed is None or is_within(value, believed):
        return None
    span = range_text(believed)
    refused = believed.outside == "refuse"
    asked = not refused and not (row.get("note") or row.get("justification"))
    words = Text(
        f"{indicator.name}的合理范围是 {span}（{indicator.unit}），填报值为 {plain(value)}",
        f"{indicator.code} lies within {span} ({indicator.unit}), and the value is {plain(value)}",
    )
    return CheckFinding(
        "range",
        None,
        "block" if refused else "warn",
        needs_justification=False,
        words=words,
        said=Text("", ""),
        advice=_WIDEN if refused else _NOTE if asked else None,
    )


_WIDEN = Text(
    "如数值属实（如增长率），请领导小组办公室在计划中为该指标写明 plausible",
    "if it is true (a rate of growth, say), ask the office to state `plausible` in the plan",
)
_NOTE = Text("请在 note 中说明原因", "give the reason in note")


def _part_above_whole(row: Mapping[str, Any], plan: PlanState) -> CheckFinding | None:
    wanted = built_in_of(slot_of(row), plan).part_within_whole
    if wanted is None:
        return None
    numerator, denominator = row["numerator"], row["denominator"]
    if numerator is None or numerator <= denominator:
        return None
    own, above = slot_of(row), f"{plain(numerator)} > {plain(denominator)}"
    return CheckFinding(
        "part_within_whole",
        None,
        wanted,
        needs_justification=False,
        words=Text("分子大于分母", "The numerator is above the denominator"),
        said=Text(above, above),
        advice=_PARTS,
        left=plain(numerator),
        operator="<=",
        right=plain(denominator),
        figures=(
            ComparedFigure("left", *own, "numerator", plain(numerator)),
            ComparedFigure("right", *own, "denominator", plain(denominator)),
        ),
    )


_PARTS = Text(
    "请核对分子、分母是否填反或口径不一致",
    "see whether they are the wrong way round, or count different things",
)


def _broken_rules(
    row: Mapping[str, Any], own: Slot, plan: PlanState, figures: Figures
) -> Iterator[CheckFinding]:
    said = figure_of_row(row)
    for one in rules_for(own, plan):
        found = judge_rule(one, own, said, plan, figures)
        if found is not None:
            yield found


def judge_rule(
    one: StandingRule,
    own: Slot,
    said: ReportedFigure | None,
    plan: PlanState,
    figures: Figures,
) -> CheckFinding | None:
    """Return the finding if a rule does not hold for a slot with the figure `said`."""
    rule = one.rule
    compared = _Compared(own, said, plan, figures)
    left = side_sum(rule.left, compared.left)
    right = side_sum(rule.right, compared.right)
    if verdict(rule, left, right) is not False:
        return None
    name = rule.name_en or rule.name
    return CheckFinding(
        one.kind,
        rule.code,
        rule.importance,
        rule.needs_justification,
        words=Text(
            f"审核关系 {rule.code}（{rule.name}）不成立",
            f"The rule {rule.code} ({name}) does not hold",
        ),
        said=_sides(one, left, right),
        advice=Text(rule.advice.zh, rule.advice.en) if rule.advice else _LOOK,
        left=plain(left.total),
        operator=rule.operator,
        right=plain(right.total),
        tolerance=plain(rule.tolerance),
        figures=tuple(compared.figures),
        approved=compared.approved,
    )


_LOOK = Text("请核对相关数值", "look at the figures that it compares")


def _sides(one: StandingRule, left: SideSum, right: SideSum) -> Text:
    rule = one.rule
    if rule.operator in PAIRS:
        both = rule.operator == "exclusive_pair"
        return Text(
            "两侧不能同时填报" if both else "两侧应同时填报",
            "both sides are reported" if both else "one side is reported without the other",
        )
    zh = f"左 {shown(left.total)}，右 {shown(right.total)}，应为 左 {rule.operator} 右"
    en = f"left {shown(left.total)}, right {shown(right.total)}, and left {rule.operator} right"
    if rule.tolerance:
        zh += f"（容差 {plain(rule.tolerance)}）"
        en += f" within {plain(rule.tolerance)}"
    return Text(zh, f"{en} is asked")


class _Compared:
    """The figures that a rule compares, recorded as they are looked up."""

    def __init__(
        self, own: Slot, said: ReportedFigure | None, plan: PlanState, figures: Figures
    ) -> None:
        self._own, self._said, self._plan, self._at = own, said, plan, figures
        self.figures: list[ComparedFigure] = []
        self.approved = True

    def left(self, term: CheckTerm) -> Decimal | None:
        """Return the figure of a term of the left side."""
        return self._figure("left", term)

    def right(self, term: CheckTerm) -> Decimal | None:
        """Return the figure of a term of the right side."""
        return self._figure("right", term)

    def _figure(self, side: Any, term: CheckTerm) -> Decimal | None:
        slot = slot_of_term(term, self._own, self._plan)
        found = self._said if slot == self._own else self._at.at(slot)
        value = None if found is None else found.part(term.part)
        if found is not None and slot != self._own:
            self.approved = self.approved and found.approved
        written = None if value is None else plain(value)
        self.figures.append(ComparedFigure(side, *slot, term.part, written))
        return value


def _unusual(
    row: Mapping[str, Any], own: Slot, plan: PlanState, figures: Figures
) -> Iterator[CheckFinding]:
    value, built_in = row["value"], built_in_of(own, plan)
    if value is None:
        return
    period = plan.period_calendar.period(own.period)
    for change in built_in.changes:
        slot = own._replace(period=period.compared_with(change.against).code)
        earlier = figures.at(slot)
        if earlier is not None and earlier.value is not None:
            found = _changed(change, value, own, slot, earlier)
            if found is not None:
                yield found
    if built_in.outlier is not None:
        codes = earlier_codes(period, built_in.outlier.window)
        before = [figures.at(own._replace(period=code)) for code in codes]
        found = _outlying(built_in.outlier, value, [one for one in before if one is not None])
        if found is not None:
            yield found


def _changed(
    check: ChangeCheck,
    value: Decimal,
    own: Slot,
    slot: Slot,
    earlier: ReportedFigure,
) -> CheckFinding | None:
    """Return the finding if a figure changed by more than every bound of the check.

    A change from 0 has no percentage: then only the absolute bound applies, if there is one.
    """
    before = earlier.value or Decimal(0)
    difference = total([value, before.copy_negate()])
    moved, base = difference.copy_abs(), before.copy_abs()
    beyond = []
    if check.percent is not None and base:
        beyond.append(times(moved, _HUNDRED) > times(check.percent, base))
    if check.absolute is not None:
        beyond.append(moved > check.absolute)
    if not beyond or not all(beyond):
        return None
    percent = quotient(times(difference, _HUNDRED), base) if base else None
    return CheckFinding(
        "change",
        None,
        check.importance,
        check.needs_justification,
        words=_AGAINST[check.against],
        said=_moved(value, before, difference, percent),
        advice=Text(check.advice.zh, check.advice.en) if check.advice else _LOOK_AGAIN,
        left=plain(value),
        right=plain(before),
        figures=(
            ComparedFigure("left", *own, "value", plain(value)),
            ComparedFigure("right", *slot, "value", plain(before)),
        ),
        statistics={
            "against": check.against,
            "difference": plain(difference),
            "percent": None if percent is None else plain(percent),
            "percent_bound": None if check.percent is None else plain(check.percent),
            "absolute_bound": None if check.absolute is None else plain(check.absolute),
        },
        approved=earlier.approved,
    )


_AGAINST = {
    "previous_period": Text("与上期相比变动过大", "It changed much against the period before"),
    "same_period_last_year": Text(
        "与上年同期相比变动过大", "It changed much against the same period of last year"
    ),
}
_LOOK_AGAIN = Text("请核对数值与单位", "look at the figure and its unit again")


def _moved(value: Decimal, before: Decimal, difference: Decimal, percent: Decimal | None) -> Text:
    more = "" if percent is None else f"，{shown(percent)}%"
    more_en = "" if percent is None else f", {shown(percent)} %"
    return Text(
        f"由 {shown(before)} 到 {shown(value)}（差 {shown(difference)}{more}）",
        f"from {shown(before)} to {shown(value)} (by {shown(difference)}{more_en})",
    )


def _outlying(
    check: OutlierCheck, value: Decimal, before: list[ReportedFigure]
) -> CheckFinding | None:
    earlier = [one.value for one in before if one.value is not None]
    if len(earlier) < check.least:
        return None
    score = robust_score(value, earlier, check.threshold)
    if not score.is_outlier:
        return None
    return CheckFinding(
        "outlier",
        None,
        check.importance,
        check.needs_justification,
        words=Text(
            "与历史数值相比异常（稳健 z 分数）",
            "It lies far from the earlier figures (robust z-score)",
        ),
        said=_scored(score),
        advice=Text(check.advice.zh, check.advice.en) if check.advice else _LOOK_AGAIN,
        left=plain(value),
        statistics={
            "count": str(score.count),
            "median": plain(score.median),
            "mad": plain(score.mad),
            "mean": plain(score.mean),
            "spread": score.spread,
            "z": None if score.z is None else plain(score.z),
            "threshold": plain(check.threshold),
            "lower": plain(score.lower),
            "upper": plain(score.upper),
        },
        approved=all(one.approved for one in before),
    )


def _scored(score: RobustScore) -> Text:
    n, middle, mad = score.count, shown(score.median), shown(score.mad)
    if score.z is None:
        return Text(
            f"此前 {n} 期数值均为 {middle}，没有离差，无法计算 z",
            f"all {n} earlier figures are {middle}, so that there is no z",
        )
    z, lower, upper = (shown(one) for one in (score.z, score.lower, score.upper))
    by = Text("", "")
    if score.spread == "mean_distance":
        by = Text("（MAD 为 0，按平均离差计）", " (by the mean distance, for the MAD is 0)")
    return Text(
        f"此前 {n} 期中位数 {middle}，MAD {mad}，z = {z}{by.zh}，正常范围 {lower} 至 {upper}",
        f"of {n} earlier figures the median is {middle}, the MAD {mad}, z = {z}{by.en},"
        f" usual from {lower} to {upper}",
    )
