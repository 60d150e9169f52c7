"""Validates a value against the plan: whether it is possible, and whether it can count. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from services.core.checks.findings import CheckFinding, findings_kept, told
from services.core.checks.judging import findings_alone
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.evidence_rules import Piece, lacking
from services.core.plan.members import Frequency
from services.core.plan.periods import Period, is_within_reach, months_of
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.submissions.checking import finding_fault
from services.core.submissions.rules import Form, form_faults, reported


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a value does not count: a stable code, and the reason in both languages."""

    code: str
    words: Text


def value_faults(
    form: Form, indicator: Indicator, plan: PlanState, period: str, *, draft: bool
) -> list[Fault]:
    """Return all faults of a form for a period, and of the value that it gives.

    A draft may lack its value; a value that it has is validated like any other.
    """
    faults = form_faults(form, indicator, draft=draft)
    if form.value is not None and needs_parts_in(plan, indicator, period):
        faults.append(Fault("/value", "ratio-required", _PARTS, plain(form.value)))
    faults += negative_parts(form, indicator, plan)
    if faults or (form.value is None and form.numerator is None):
        return faults
    said = {"indicator_code": indicator.code, "organization_code": "", "period": period}
    row = {**said, **reported(form, indicator).columns}
    return [
        finding_fault(one, row, told(one, figures=True))
        for one in findings_alone(row, plan)
        if one.importance == "block"
    ]


def negative_parts(form: Form, indicator: Indicator, plan: PlanState) -> list[Fault]:
    """Return the faults of parts below 0, if the plan's plausible range excludes values below 0.

    Two negative parts make a positive quotient, which looks normal and makes sums wrong.
    """
    believed = plan.plausible.get(indicator.code)
    least = None if believed is None or believed.outside == "warn" else believed.minimum
    if least is None or least < 0:
        return []
    return [
        Fault(f"/{name}", "negative-part", _NEGATIVE, plain(part))
        for name, part in (("numerator", form.numerator), ("denominator", form.denominator))
        if part is not None and part < 0
    ]


_NEGATIVE = Text(
    "该指标是占比，分子与分母都不小于 0：请填写实际数量",
    "This indicator is a share: numerator and denominator are 0 or more. Give the amounts",
)


def evidence_faults(
    form: Form, indicator: Indicator, pieces: Sequence[Piece], *, draft: bool
) -> list[Fault]:
    """Return the evidence that the plan requires at submitting and that is missing.

    A "not applicable" value has its reason in words and needs no evidence.
    """
    if draft or form.not_applicable_reason is not None:
        return []
    return lacking(indicator.evidence, pieces, "/v1/submissions/{id}/evidence")


def approval_faults(row: Mapping[str, Any], plan: PlanState) -> list[Fault]:
    """Return why a value cannot be approved any more: the plan asks for another form since."""
    indicator = plan.indicators.get(row["indicator_code"])
    if indicator is None:
        return []
    if (otherwise := _otherwise_judged(row, indicator)) is not None:
        place = "/value" if otherwise is _LEVEL_ASKED and row["level"] is None else "/level"
        return [Fault(place, otherwise.code, otherwise.words)]
    if row["value"] is None or row["numerator"] is not None:
        return []
    if not needs_parts_in(plan, indicator, row["period"]):
        return []
    return [Fault("/value", "ratio-required", _SEND_BACK, plain(row["value"]))]


_SEND_BACK = Text(
    "计划现按分子之和除以分母之和汇总该指标，而本条只有 value：请退回（return），"
    "由填报单位填写 numerator 与 denominator 后重新上报",
    "The plan now adds this indicator up as a ratio of sums, and this is a value alone: return it,"
    " so that its unit gives numerator and denominator and submits it again",
)
_PARTS = Text(
    "该指标按分子之和除以分母之和汇总：请填写 numerator 与 denominator，不要填写 value",
    "This indicator is added up as a ratio of sums: give numerator and denominator, no value",
)


def needs_parts_in(plan: PlanState, indicator: Indicator, code: str) -> bool:
    """Return whether a value is summed as a ratio in the period with a code: `needs_parts`."""
    period = plan.period_calendar.period(code)
    return needs_parts(indicator, period, cycle=plan.cycle(indicator, period))


def needs_parts(indicator: Indicator, period: Period, *, cycle: Frequency | None = None) -> bool:
    """Return whether a period's value is summed as a ratio, over units or over periods.

    A period without finer ones, or a value that stands for itself, is not. `cycle` is the
    indicator's frequency in that year; None: the one in the document.
    """
    if indicator.aggregation.units == "ratio_of_sums":
        return True
    frequency = indicator.frequency if cycle is None else cycle
    adds_up = frequency != "annual" and period.frequency == frequency
    return adds_up and indicator.aggregation.periods == "ratio_of_sums"


def doubts_of(row: Mapping[str, Any], plan: PlanState) -> list[CheckFinding]:
    """Return why a reported value is implausible; empty if it is plausible.

    Findings from its entry are used. If there are none, it is checked against the ranges of the
    plan in force, which may be newer.
    """
    return findings_kept(row.get("checks")) or findings_alone(row, plan)


_DROPPED = Doubt(
    "indicator-dropped",
    Text("现行计划中没有该指标", "The plan in force has no such indicator"),
)
_FREQUENCIES: Mapping[Frequency, tuple[str, str]] = {
    "annual": ("年", "once a year"),
    "half_yearly": ("半年", "each half-year"),
    "quarterly": ("季", "each quarter"),
    "monthly": ("月", "each month"),
}
_TOO_FINE: Mapping[Frequency, Doubt] = {
    frequency: Doubt(
        "period-too-fine",
        Text(
            f"该指标按{zh}填报，更短周期的数值不计入",
            f"This indicator is reported {en}; the value of a shorter period does not count",
        ),
    )
    for frequency, (zh, en) in _FREQUENCIES.items()
}


_LEVEL_ASKED = Doubt(
    "level-asked",
    Text(
        "现行计划按等级评价该指标，本条未填其中任何等级，不计入：请按等级重新上报",
        "The plan in force judges this indicator by level, and this gives none of its levels; it"
        " does not count: report the level",
    ),
)
_NUMBER_ASKED = Doubt(
    "number-asked",
    Text(
        "现行计划按数值评价该指标，本条只有等级，不计入：请按数值重新上报",
        "The plan in force judges this indicator by its number, and this gives a level alone; it"
        " does not count: report the number",
    ),
)
_NO_PART = Doubt(
    "another-units-indicator",
    Text(
        "本单位不是该指标的填报单位，数值不计入",
        "This unit is not one of those that report this indicator; its value does not count",
    ),
)


def why_not_counted(row: Mapping[str, Any], plan: PlanState) -> Doubt | None:
    """Return why the value in this slot can never count towards a board; None: it can."""
    indicator = plan.indicators.get(row["indicator_code"])
    if indicator is None:
        return _DROPPED
    period = plan.period_calendar.period(row["period"])
    ended = plan.past_owners.get(indicator.code, {}).get(row["organization_code"])
    if indicator.code in plan.sole_reporters:
        reporter = plan.sole_reporters[indicator.code]
        # A former owner's value counts until a later owner reports for the period.
        if ended is None and (reporter is None or reporter.code != row["organization_code"]):
            return _another_units(indicator.owner_text if reporter is None else reporter.name)
    elif row["organization_code"] not in plan.sharing_reporters[indicator.code] and (
        # A unit whose share was handed over counts for the periods that had begun by then.
        ended is None or period.first_day > ended
    ):
        return _NO_PART
    cycle = plan.cycle(indicator, period)
    if period.months < months_of(cycle):
        return _TOO_FINE[cycle]
    return _otherwise_judged(row, indicator)


def _otherwise_judged(row: Mapping[str, Any], indicator: Indicator) -> Doubt | None:
    """Return why a value does not count whose form, number or level, the plan no longer takes.

    It was reported under an earlier version; a value that is submitted today has the plan's form.
    """
    level, value = row["level"], row["value"]
    if not indicator.levels:
        return None if level is None or value is not None else _NUMBER_ASKED
    if level is None:
        return None if value is None else _LEVEL_ASKED
    return None if any(level == one.code for one in indicator.levels) else _LEVEL_ASKED


# Cached because a list calls this for every row.
@lru_cache(maxsize=1024)
def _another_units(name: str) -> Doubt:
    return Doubt(
        "another-units-indicator",
        Text(
            f"该指标的数值来自{name}，其他单位的填报不计入",
            f"The value of this indicator comes from {name}; another unit's does not count",
        ),
    )


NOT_BEGUN = "period-not-begun"
"""Code for a period of the plan that is still entirely in the future."""


def period_faults(code: str, plan: PlanState, today: date) -> list[Fault]:
    """Return the fault of a code that is not a period of the plan, or of a period `NOT_BEGUN`."""
    try:
        period = parsed_period(plan, code, "/period")
    except InvalidInput as error:
        return list(error.faults)
    if is_within_reach(period, today, plan.document.span.start):
        return []
    words = Text(
        f"{code} 尚未开始；至多可填报下一周期",
        f"{code} has not begun; no period beyond the next one is reported",
    )
    return [Fault("/period", NOT_BEGUN, words, code)]
