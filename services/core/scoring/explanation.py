"""A trace in words: the steps from what was reported to the light, in both languages.

Made when somebody reads it, never stored, so that better words change no score.
"""

from collections.abc import Mapping
from typing import Any

from services.core.kit.text import Text
from services.core.scoring.reasons import words
from services.core.scoring.traces import Trace, replay

_SYMBOLS = {"at_least": "≥", "more_than": ">", "at_most": "≤", "full_coverage": "≥"}
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
        "Not the top level; its points: attainment {attainment}",
    ),
    "all_or_nothing": Text(
        "此类目标未达到为 0：完成度 {attainment}",
        "A target of this kind is met or 0: attainment {attainment}",
    ),
    "floor": Text("按下限计分：完成度 {attainment}", "Scored at the floor: {attainment}"),
}


def explain(trace: Trace) -> list[Text]:
    """Return the steps of a trace, first to last; the last is the reason of the light."""
    result = trace["result"]
    steps = _data_steps(trace)
    if result["value"] is not None:
        steps.append(_value_step(trace))
    elif result["level"] is not None:
        steps.append(Text(f"等级：{result['level']}", f"Level: {result['level']}"))
    steps.append(_target_step(trace))
    if result["rule"] is not None:
        steps.append(_RULES[result["rule"]].format(attainment=result["attainment"]))
    if result["pace"] is not None:
        steps.append(_pace_step(trace))
    verdict = replay(trace)
    steps.append(words(verdict.reason, verdict.details))
    return steps


def _data_steps(trace: Trace) -> list[Text]:
    own, parts = trace["operands"], trace["finer_periods"]
    if own is not None:
        return [_operands_step(own)]
    if not parts:
        return [Text("没有计入的数据", "Nothing that counts was reported")]
    steps = [_operands_step(part) for part in parts]
    absent = trace["finer_periods_missing"]
    operator = trace["operators"]["periods"]
    steps.append(
        Text(
            f"由较短周期合并（{operator}）：有 {len(parts)} 期，缺 {'、'.join(absent) or '无'}",
            f"Combined from finer periods ({operator}): {len(parts)} there,"
            f" missing {', '.join(absent) or 'none'}",
        )
    )
    return steps


def _operands_step(operands: Mapping[str, Any]) -> Text:
    who_zh = operands.get("organization_code", f"{operands['reports']} 个单位合计")
    who_en = operands.get("organization_code", f"{operands['reports']} units together")
    zh, en = f"{operands['period']}，{who_zh}：", f"{operands['period']}, {who_en}: "
    if "ratios" in operands:
        top, bottom = operands["numerator_sum"], operands["denominator_sum"]
        return Text(f"{zh}分子 {top}，分母 {bottom}", f"{en}numerator {top}, denominator {bottom}")
    if "values" in operands:
        return Text(f"{zh}数值 {operands['value_sum']}", f"{en}value {operands['value_sum']}")
    if "levels" in operands:
        listed = "、".join(operands["levels"])
        return Text(f"{zh}等级 {listed}", f"{en}level {listed}")
    return Text(f"{zh}不适用", f"{en}not applicable")


def _value_step(trace: Trace) -> Text:
    result = trace["result"]
    top, bottom, value = result["numerator"], result["denominator"], result["value"]
    if bottom == "1":
        return Text(f"数值 = {value}", f"Value = {value}")
    zh, en = f"数值 = {top} ÷ {bottom} = {value}", f"Value = {top} ÷ {bottom} = {value}"
    factor = trace["operators"]["multiplier"]
    used = [trace["operands"]] if trace["operands"] is not None else trace["finer_periods"]
    if factor != "1" and any("ratios" in operands for operands in used):
        zh, en = f"{zh}（分子已乘以 {factor}）", f"{en} (the numerator already times {factor})"
    return Text(zh, en)


def _target_step(trace: Trace) -> Text:
    target = trace["target"]
    stated = target["text"] or ""
    if target["value"] is not None:
        stated = f"{_SYMBOLS.get(target['kind'], '')} {target['value']} {stated}".strip()
    if target["source"] == "assigned":
        source = f"{target['document_number']}，{target['document_date']}"
        return Text(
            f"{target['year']}年目标（上级下达，{source}）：{stated}",
            f"Target of {target['year']} (assigned, {source}): {stated}",
        )
    return Text(
        f"{target['year']}年目标（计划原文）：{stated}",
        f"Target of {target['year']} (as printed in the plan): {stated}",
    )


def _pace_step(trace: Trace) -> Text:
    result, months = trace["result"], trace["months"]
    return Text(
        f"进度 = 已完成 {result['share']} ÷ 应完成 {result['expected']}"
        f"（{months['elapsed']} ÷ {months['whole']} 个月）= {result['pace']}",
        f"Pace = share {result['share']} ÷ expected {result['expected']}"
        f" ({months['elapsed']} of {months['whole']} months) = {result['pace']}",
    )
