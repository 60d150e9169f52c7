"""A trace in words: the steps from the reported values to the light, in both languages.

Generated on reading and never stored, so that better wording changes no score.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.core.kit.decimals import plain
from services.core.kit.text import Text
from services.core.scoring.aggregation import combine
from services.core.scoring.comparables import Comparable
from services.core.scoring.figures import ZERO
from services.core.scoring.judgement import Case, judge, part_to_date
from services.core.scoring.owed import in_words
from services.core.scoring.part_of_sum import ToDate, less_is_nearer
from services.core.scoring.reach import OUTSIDE
from services.core.scoring.reasons import words
from services.core.scoring.targets import Target
from services.core.scoring.traces import Trace, case_of, target_in

_RULES: Mapping[str, Text] = {
    "met": Text("已达到目标，完成度 100", "The target is met: attainment 100"),
    "completion_rate": Text(
        "未达到目标，按完成率计算：完成度 {attainment}",
        "Not met; by completion rate: attainment {attainment}",
    ),
    "completion_rate_hold": Text(
        "现状值已达目标而未保持，距离法不适用，改按完成率计算：完成度 {attainment}",
        "The baseline had reached the target, so there is no distance; by completion rate"
        " instead: attainment {attainment}",
    ),
    "completion_rate_no_baseline": Text(
        "没有可用的现状值，距离法不适用，改按完成率计算：完成度 {attainment}",
        "Without a usable baseline there is no distance; by completion rate instead:"
        " attainment {attainment}",
    ),
    "distance_to_target": Text(
        "未达到目标，按（数值 − 现状值）÷（目标值 − 现状值）计算：完成度 {attainment}",
        "Not met; (value − baseline) ÷ (target − baseline): attainment {attainment}",
    ),
    "level_points": Text(
        "未达到最高等级，按等级分值：完成度 {attainment}",
        "Not the top level; by the level's points: attainment {attainment}",
    ),
    "all_or_nothing": Text(
        "此类目标达到为 100，未达到为 0：完成度 {attainment}",
        "A target of this kind counts 100 when met and 0 when not: attainment {attainment}",
    ),
    "share_of_year": Text(
        "按已过时间应完成的份额计算：完成度 {attainment}",
        "Against the share of the year that has gone: attainment {attainment}",
    ),
    "floor": Text(
        "按下限计分：完成度 {attainment}", "Scored at the floor: attainment {attainment}"
    ),
}
_OVER_PERIODS: Mapping[str, Text] = {
    "last": Text("取最近一期", "the latest counts"),
    "sum": Text("相加", "added up"),
    "mean": Text("取平均", "averaged"),
    "ratio_of_sums": Text("分子、分母分别相加", "numerators and denominators added up"),
}
_PLACES = 6
"""Decimal places of a quotient that are written out; a cut is marked."""
_UNITS_SAID = 20
"""At most this many units with targets of their own get a step each; the others are counted."""


def explain(trace: Trace, shown: Trace | None = None) -> list[Text]:
    """Return the steps of a trace, first to last; the last is the reason of the light.

    `shown` is the trace as far as the caller may read it (`scoring.reach`), by default all of it.
    """
    case, result = case_of(trace), trace["result"]
    shown = trace if shown is None else shown
    steps = [*_data_steps(shown), *_reading_steps(shown), _target_step(case.target)]
    if case.previous is not None:
        steps.append(_previous_step(case.previous))
    to_date = trace["months"].get("of_sum") is not None
    if not to_date and (result["pace"] is not None or result["rule"] == "distance_to_target"):
        steps.append(_baseline_step(trace["baseline"]))
    if result["rule"] is not None:
        steps.append(_RULES[result["rule"]].format(attainment=_cut(result["attainment"])))
    if result["pace"] is not None:
        steps.append(_to_date_step(trace, case) if to_date else _pace_step(trace))
    steps += _unit_steps(shown.get("units", ()))
    verdict = judge(case)
    steps.append(words(verdict.reason, verdict.details))
    return steps


def _data_steps(trace: Trace) -> list[Text]:
    own, parts = trace["operands"], trace["finer_periods"]
    names = {level["code"]: level["name"] for level in trace["levels"]}
    if own is not None and "finer" in own:
        steps = [_operands_step(each, names) for each in (own, *own["finer"])]
        return [*steps, _BY_UNIT]
    if own is not None:
        return [_operands_step(own, names)]
    if not parts:
        return [Text("没有计入的数据", "Nothing that counts was reported")]
    return [*(_operands_step(part, names) for part in parts), _periods_step(trace)]


_BY_UNIT = Text(
    "填报了全期数值的单位以其全期数值计入，其余单位由较短周期合并",
    "Units that reported the whole period count by that, the others by their finer periods",
)


def _operands_step(operands: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    period = operands["period"]
    if OUTSIDE in operands:
        count, reports = operands[OUTSIDE], operands["reports"]
        return Text(
            f"{period}：{reports} 个单位填报，其中 {count} 个不在可见范围内，数字略去",
            f"{period}: {reports} unit{'' if reports == 1 else 's'} reported; the figures are"
            f" left out, {count} of them outside your scope",
        )
    reported, who, mark = _reported(operands, names), _who(operands), _mark(operands)
    return Text(
        f"{period}，{who.zh}：{reported.zh}{mark.zh}", f"{period}, {who.en}: {reported.en}{mark.en}"
    )


def _reported(operands: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    if "ratios" in operands:
        top, bottom = operands["numerator_sum"], operands["denominator_sum"]
        return Text(f"分子 {top}，分母 {bottom}", f"numerator {top}, denominator {bottom}")
    if "levels" in operands and "values" in operands:
        beside = _reported({"levels": operands["levels"]}, names)
        amount = operands["value_sum"]
        return Text(f"{beside.zh}，数值 {amount}", f"{beside.en}, value {amount}")
    if "values" in operands:
        return Text(f"数值 {operands['value_sum']}", f"value {operands['value_sum']}")
    if "levels" in operands:
        levels = [names.get(code, code) for code in operands["levels"]]
        return Text(f"等级 {'、'.join(levels)}", f"level {', '.join(levels)}")
    return Text("不适用", "not applicable")


def _who(operands: Mapping[str, Any]) -> Text:
    reports, unit = operands["reports"], operands.get("organization_code")
    if unit is not None:
        return Text(unit, unit)
    if reports == 1:
        return Text("1 个单位", "1 unit")
    return Text(f"{reports} 个单位合计", f"{reports} units together")


def _mark(operands: Mapping[str, Any]) -> Text:
    """Return the remark about data of lower quality: provisional or falsified values."""
    if "falsified" in operands:
        return Text("（被认定为虚假）", " (found falsified)")
    return Text("（初步数据）", " (provisional)") if "provisional" in operands else Text("", "")


def _periods_step(trace: Trace) -> Text:
    count, absent = len(trace["finer_periods"]), trace["finer_periods_missing"]
    operators = trace["operators"]
    how = _OVER_PERIODS["last" if operators["by_level"] else operators["periods"]]
    return Text(
        f"由较短周期合并（{how.zh}）：有 {count} 期，"
        + (f"缺 {'、'.join(absent)}" if absent else "无缺期"),
        f"From {count} finer period{'' if count == 1 else 's'} ({how.en}); "
        + (f"missing: {', '.join(absent)}" if absent else "none is missing"),
    )


def _reading_steps(trace: Trace) -> list[Text]:
    """Return the steps that led to the value or level, unless the data steps already show it."""
    result, own = trace["result"], trace["operands"]
    if result["level"] is not None and own is None:
        names = {level["code"]: level["name"] for level in trace["levels"]}
        level = names.get(result["level"], result["level"])
        return [Text(f"等级：{level}", f"Level: {level}")]
    if result["value"] is None or _as_reported(result, own):
        return []
    return [_value_step(trace)]


def _as_reported(result: Mapping[str, Any], own: Mapping[str, Any] | None) -> bool:
    return own is not None and "ratios" not in own and own.get("value_sum") == result["value"]


def _value_step(trace: Trace) -> Text:
    result = trace["result"]
    top, bottom, value = result["numerator"], result["denominator"], _cut(result["value"])
    if bottom in {"1", None}:
        return Text(f"数值 = {result['value']}", f"Value = {result['value']}")
    zh, en = f"数值 = {top} ÷ {bottom} = {value}", f"Value = {top} ÷ {bottom} = {value}"
    factor = trace["operators"]["multiplier"]
    used = [trace["operands"]] if trace["operands"] is not None else trace["finer_periods"]
    if factor != "1" and any("ratios" in operands for operands in used):
        zh, en = f"{zh}（分子已乘以 {factor}）", f"{en} (the numerator already times {factor})"
    return Text(zh, en)


def _target_step(target: Target) -> Text:
    figure, remark = target.figure, target.remark
    zh = en = figure or remark or "—"
    if figure is not None and remark is not None:
        zh, en = f"{figure}（{remark}）", f"{figure} ({remark})"
    by = Text("计划", "by the plan")
    if target.source == "assigned":
        number, date = target.document_number, target.document_date
        by = Text(f"上级下达，{number}，{date}", f"assigned, {number}, {date}")
    return Text(f"{target.year}年目标（{by.zh}）：{zh}", f"Target of {target.year} ({by.en}): {en}")


def _previous_step(previous: Comparable) -> Text:
    period, value = previous.period, _cut(plain(previous.figure.value))
    if previous.source == "baseline":
        return Text(
            f"可比的上一期（{period}，现状值）：{value}", f"Before ({period}, baseline): {value}"
        )
    if previous.lacking:
        lacking = in_words(previous.lacking)
        return Text(
            f"可比的上一期（{period}）：{value}，数据不全（缺 {lacking}），不作比较",
            f"Before ({period}): {value}, incomplete (without {lacking}): not compared",
        )
    return Text(f"可比的上一期（{period}）：{value}", f"Before ({period}): {value}")


def _baseline_step(baseline: Mapping[str, Any]) -> Text:
    year, value = baseline["year"], baseline["value"]
    return Text(f"现状值（{year}年）：{value}", f"Baseline ({year}): {value}")


def _pace_step(trace: Trace) -> Text:
    result, months = trace["result"], trace["months"]
    share, expected, pace = (_cut(result[name]) for name in ("share", "expected", "pace"))
    gone = min(months["elapsed"], months["whole"])
    return Text(
        f"进度 = 已完成 {share} ÷ 应完成 {expected}（{gone} ÷ {months['whole']} 个月）= {pace}",
        f"Pace = share done {share} ÷ share expected {expected}"
        f" ({gone} of {months['whole']} months) = {pace}",
    )


def _to_date_step(trace: Trace, case: Case) -> Text:
    result, months, whole = trace["result"], case.months_of_sum, case.target.months
    done, due, pace = (_cut(result[name]) for name in ("share", "expected", "pace"))
    found = part_to_date(case, combine(case.own, case.parts, case.operators))
    bound = (found.asked.bound if isinstance(found, ToDate) else None) or ZERO
    over = Text(f"已完成 {done} ÷ 应完成 {due}", f"done {done} ÷ due by now {due}")
    if isinstance(found, ToDate) and less_is_nearer(found.asked.kind, bound):
        over = Text(f"应完成 {due} ÷ 已完成 {done}", f"due by now {due} ÷ done {done}")
    return Text(
        f"进度 = {over.zh}（{plain(bound)} × {months} ÷ {whole} 个月）= {pace}",
        f"Pace = {over.en} ({plain(bound)} × {months} of {whole} months) = {pace}",
    )


def _unit_steps(units: Sequence[Mapping[str, Any]]) -> list[Text]:
    """Return the steps about units that have targets of their own, at most the first 20."""
    steps = [_unit_step(each) for each in units[:_UNITS_SAID]]
    more = len(units) - len(steps)
    if more:
        steps.append(
            Text(f"另有 {more} 个单位各有目标", f"{more} more units have targets of their own")
        )
    return steps


def _unit_step(unit: Mapping[str, Any]) -> Text:
    code, target = unit["organization_code"], target_in(unit["target"]).name
    value = "—" if unit["value"] is None else _cut(unit["value"])
    reached = unit["attainment"]
    zh = "" if reached is None else f"，完成度 {_cut(reached)}"
    en = "" if reached is None else f", attainment {_cut(reached)}"
    return Text(
        f"{code} 自身目标 {target}：数值 {value}{zh}；{unit['reason']}",
        f"{code}, own target {target}: value {value}{en}; {unit['reason_en']}",
    )


def _cut(number: str) -> str:
    """Cut the last digits off a long quotient, without moving it across a target or to 0."""
    whole, _, decimals = number.partition(".")
    if len(decimals) <= _PLACES or not f"{whole}{decimals[:_PLACES]}".strip("-0"):
        return number
    return f"{whole}.{decimals[:_PLACES]}…"
