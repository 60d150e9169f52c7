"""The checks of a plan in words, for callers who list them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.core.checks.findings import CheckKind
from services.core.kit.decimals import plain
from services.core.kit.text import Text
from services.core.plan.check_entries import (
    Advice,
    ChangeCheck,
    CheckRule,
    CheckTerm,
    Demand,
    Importance,
    OutlierCheck,
    PeriodOfTerm,
)
from services.core.plan.plausibility import range_text
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class DescribedCheck:
    """A check for people to read: the condition, and the indicators whose figures it applies to."""

    kind: CheckKind
    code: str | None
    name: Text | None
    says: Text
    importance: Importance
    needs_justification: bool
    advice: Advice | None
    indicators: tuple[str, ...]


def described_checks(plan: PlanState) -> Iterator[DescribedCheck]:
    """Yield the checks of a plan: its rules and balances, then the built-in ones."""
    for one in plan.checks.rules:
        rule = one.rule
        asked = tuple(sorted({code for code, _ in one.asked_of}))
        name = Text(rule.name, rule.name_en or rule.name)
        yield _described(one.kind, rule.code, name, rule_in_words(rule), rule, asked)
    for code, believed in plan.plausible.items():
        span = range_text(believed)
        if span:
            blocks = believed.outside == "refuse"
            demand = Demand(importance="block" if blocks else "warn")
            yield _described("range", None, None, Text(span, span), demand, (code,))
    for code, checks in plan.checks.built_in.items():
        if checks.part_within_whole is not None:
            demand = Demand(importance=checks.part_within_whole)
            yield _described("part_within_whole", None, None, _PART, demand, (code,))
        for change in checks.changes:
            yield _described("change", None, None, _change(change), change, (code,))
        if checks.outlier is not None:
            outlier = checks.outlier
            yield _described("outlier", None, None, _outlier(outlier), outlier, (code,))


def _described(
    kind: CheckKind,
    code: str | None,
    name: Text | None,
    says: Text,
    demand: Demand,
    indicators: tuple[str, ...],
) -> DescribedCheck:
    return DescribedCheck(
        kind,
        code,
        name,
        says,
        demand.importance,
        demand.needs_justification,
        demand.advice,
        indicators,
    )


def rule_in_words(rule: CheckRule) -> Text:
    """Return the condition in words, such as `W1 + 2 × W2（上期） <= W3`."""
    said = Text(
        f"{_side(rule.left, 0)} {rule.operator} {_side(rule.right, 0)}",
        f"{_side(rule.left, 1)} {rule.operator} {_side(rule.right, 1)}",
    )
    if not rule.tolerance:
        return said
    within = plain(rule.tolerance)
    return Text(f"{said.zh}（容差 {within}）", f"{said.en} (within {within})")


def _side(terms: tuple[CheckTerm, ...], language: int) -> str:
    said = ""
    for term in terms:
        takes_away = bool(said) and term.times < 0
        times = term.times.copy_abs() if takes_away else term.times
        joined = " - " if takes_away else " + " if said else ""
        said += joined + _term(term.model_copy(update={"times": times}), language)
    return said


def _term(term: CheckTerm, language: int) -> str:
    if term.indicator is None:
        said = plain(term.constant) if term.constant is not None else ""
    else:
        said = term.indicator if term.part == "value" else f"{term.indicator}.{term.part}"
        beside = [_AT[term.at][language], term.organization or ""]
        told = ", ".join(one for one in beside if one)
        said += f" ({told})" if told else ""
    return said if term.times == 1 else f"{plain(term.times)} × {said}"


_AT: dict[PeriodOfTerm, tuple[str, str]] = {
    "this_period": ("", ""),
    "previous_period": ("上期", "the period before"),
    "same_period_last_year": ("上年同期", "the same period of last year"),
}
_PART = Text("分子 <= 分母", "numerator <= denominator")


def _change(check: ChangeCheck) -> Text:
    zh, en = _AT[check.against]
    bounds = [
        *([] if check.percent is None else [f"{plain(check.percent)}%"]),
        *([] if check.absolute is None else [plain(check.absolute)]),
    ]
    return Text(
        f"与{zh}相差不超过 {'，或 '.join(bounds)}",
        f"it differs from {en} by no more than {', or '.join(bounds)}",
    )


def _outlier(check: OutlierCheck) -> Text:
    threshold = plain(check.threshold)
    return Text(
        f"稳健 |z| <= {threshold}（此前 {check.window} 期，至少 {check.least} 期有数值）",
        f"robust |z| <= {threshold} among the {check.window} periods before, of which"
        f" {check.least} have a figure",
    )
