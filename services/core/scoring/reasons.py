"""The words of every reason, in both languages, by stable code. Decides nothing."""

from collections.abc import Mapping

from services.core.kit.text import Text

REASONS: Mapping[str, Text] = {
    "met": Text("已达到{year}年目标（{target}）", "The {year} target ({target}) is met"),
    "met_provisional": Text(
        "已达到{year}年目标（{target}），但数据为初步数据，绿灯降为黄灯",
        "The {year} target ({target}) is met, but on provisional data: green turns yellow",
    ),
    "on_pace": Text(
        "未达到{year}年目标（{target}），进度 {pace}，不低于 {green}",
        "The {year} target ({target}) is not met yet; pace {pace} is at least {green}",
    ),
    "on_pace_provisional": Text(
        "进度 {pace}，不低于 {green}，但数据为初步数据，绿灯降为黄灯",
        "Pace {pace} is at least {green}, but on provisional data: green turns yellow",
    ),
    "on_pace_to_date": Text(
        "目标（{target}）按{span}计，至今 {months} 个月，进度 {pace}，不低于 {green}",
        "The target ({target}) is for {span_en}; {months} of its months in, pace {pace} is"
        " at least {green}",
    ),
    "on_pace_to_date_provisional": Text(
        "至今 {months} 个月，进度 {pace}，不低于 {green}，但数据为初步数据，绿灯降为黄灯",
        "{months} months of {span_en} in, pace {pace} is at least {green}, but on provisional data:"
        " green turns yellow",
    ),
    "enough_to_date": Text(
        "目标（{target}）按{span}计，至今 {months} 个月，未落后于应有的份额",
        "The target ({target}) is for {span_en}; {months} of its months in, it is not behind"
        " what is due by then",
    ),
    "enough_to_date_provisional": Text(
        "至今 {months} 个月，未落后于应有的份额，但数据为初步数据，绿灯降为黄灯",
        "{months} months of {span_en} in, it is not behind what is due by then, but on provisional"
        " data: green turns yellow",
    ),
    "part_of_a_year": Text(
        "目标（{target}）按{span}计，本期只是{span}的一部分，不作评判",
        "The target ({target}) is for {span_en}, and this is a part of it: no verdict",
    ),
    "beyond_target": Text(
        "目标（{text}）是截至{date}的累计数，本期超出其范围，不作评判",
        "The target ({text}) is for a sum up to {date}, and the period goes beyond it: no verdict",
    ),
    "no_full_month": Text(
        "本期尚未满一个月，无法计算进度", "No full month of the period has gone: pace is undefined"
    ),
    "behind": Text(
        "进度 {pace}，低于 {green}，不低于 {yellow}",
        "Pace {pace} is below {green} and at least {yellow}",
    ),
    "far_behind": Text("进度 {pace}，低于 {yellow}", "Pace {pace} is below {yellow}"),
    "worse_than_baseline": Text(
        "劣于{baseline_year}年现状值 {baseline}",
        "Worse than the baseline {baseline} of {baseline_year}",
    ),
    "hold_fell": Text(
        "现状值 {baseline} 已达目标（{target}），应予保持而未保持",
        "The baseline {baseline} had reached the target ({target}); it was to be held and was not",
    ),
    "not_met_at_target_date": Text(
        "目标时间已到（{year}年底），未达到目标（{target}）",
        "The target date (end of {year}) has come and the target ({target}) is not met",
    ),
    "not_met_at_date": Text(
        "目标时间已到（{date}），未达到目标（{target}）",
        "The target date ({date}) has come and the target ({target}) is not met",
    ),
    "beyond_range": Text(
        "已越出目标范围（{target}）", "It went beyond the range of the target ({target})"
    ),
    "no_baseline": Text(
        "未到目标时间，且无现状值，无法计算进度",
        "Before the target date and without a baseline there is no pace",
    ),
    "baseline_doubted": Text(
        "现状值待核实（{question}），不计算进度",
        "The baseline is under question ({question}): no pace is computed from it",
    ),
    "before_baseline": Text(
        "本期不晚于现状值年份（{baseline_year}年），无法计算进度",
        "The period is not after the baseline's year ({baseline_year}): pace is undefined",
    ),
    "no_pace_for_kind": Text(
        "未到目标时间，此类目标（{target}）没有进度",
        "Before the target date; a target of this kind ({target}) has no pace",
    ),
    "falsified": Text("数据被认定为虚假", "The data were found falsified"),
    "missing": Text(
        "应于{due}前填报，逾期没有计入的数据，按下限计分",
        "Due by {due}; nothing that counts was reported: scored at the floor",
    ),
    "missing_when_closed": Text(
        "本期已停止填报，没有计入的数据，按下限计分",
        "The period takes no more values and nothing that counts was reported: scored at the floor",
    ),
    "incomplete": Text(
        "应报 {expected} 项，已报 {reported} 项，逾期而没有计入的：{absent}；按下限计分",
        "{reported} of {expected} reported, overdue and not counted: {absent}; scored at the floor",
    ),
    "incomplete_not_assessable": Text(
        "应报 {expected} 项，已报 {reported} 项，逾期而没有计入的：{absent}；不作评判",
        "{reported} of {expected} reported, overdue and not counted: {absent}; no verdict",
    ),
    "so_far": Text(
        "应报 {expected} 项，已报 {reported} 项，期限（{due}）未到：{absent}；数值为至今数",
        "{reported} of {expected} reported, the others not due before {due}: {absent}; the figure"
        " is one so far",
    ),
    "so_far_unasked": Text(
        "应报 {expected} 项，已报 {reported} 项，未要求填报：{absent}；数值为至今数",
        "{reported} of {expected} reported, never asked for: {absent}; the figure is one so far",
    ),
    "not_due": Text("尚未到填报期限（{due}）", "Not due before {due}"),
    "less_often": Text(
        "该指标的填报周期长于本期，本期无须填报",
        "Reported in wider periods than this one; nothing is due here",
    ),
    "not_opened": Text("本期尚未开放填报", "The period has not been opened for reporting"),
    "unit_reports_nothing": Text(
        "该单位不填报本指标，不作评判", "The unit does not report this indicator: no verdict"
    ),
    "not_applicable": Text("不适用：{why}", "Not applicable: {why}"),
    "open_question": Text(
        "待核实（{question}），核实前不作评判",
        "Under question ({question}): no verdict until it is settled",
    ),
    "target_not_assigned": Text(
        "目标尚未下达（{text}）", "The target has not been assigned yet ({text})"
    ),
    "target_in_words": Text(
        "目标只有文字（{text}），无法评判", "The target is in words only ({text})"
    ),
    "no_previous_period": Text(
        "没有可比的上一期数据，无法判断升降",
        "Without a comparable earlier period no rise can be told",
    ),
    "previous_incomplete": Text(
        "可比的 {earlier} 数据不全（缺 {absent}），无法判断升降",
        "The comparable value of {earlier} is incomplete (without {absent}): no rise can be told",
    ),
    "several_units": Text(
        "多个单位填报，而计划未写明由哪个单位代表全市",
        "Several units reported and the plan names none whose value is the city's",
    ),
    "levels_differ": Text(
        "各单位的等级不一，计划未写明如何合并",
        "The units' levels differ and the plan does not say how they combine",
    ),
    "no_level": Text("该目标按等级评定，填报的不是等级", "Judged by level; no level was reported"),
    "unknown_level": Text(
        "填报的等级不在现行等级之列", "The level reported is no longer one of the plan's"
    ),
    "no_number": Text("该目标按数值评定，填报的不是数值", "Judged by number; none was reported"),
    "no_parts": Text(
        "按分子、分母合计计算，而填报中没有分子、分母",
        "Computed from summed numerators and denominators; none were reported",
    ),
    "parts_lacking": Text(
        "按分子之和除以分母之和计算，而 {units} 的数值没有分子、分母，无法合计："
        "请退回，补报分子、分母",
        "Computed as a ratio of sums, and the value of {units} has no numerator and denominator:"
        " send it back to be reported with them",
    ),
    "periods_mixed": Text(
        "有的单位填报全期数值，有的只填报较短周期的数值，按该指标的合并方式无法合计",
        "Some units reported the whole period and others finer ones; by the way that this indicator"
        " combines they cannot be added",
    ),
    "zero_denominator": Text("分母合计为 0", "The denominators add up to 0"),
    "group_not_applicable": Text(
        "本组指标均不适用，不计入总分，权重不计入覆盖率",
        "All indicators of the group are not applicable: it leaves the total and the coverage",
    ),
    "group_without_weight": Text(
        "本组没有带权重的指标，不计入总分",
        "No indicator of the group has a weight: it adds nothing",
    ),
    "group_not_assessable": Text(
        "本组暂无可评指标，不计入总分", "Nothing in the group can be assessed yet"
    ),
    "coverage_too_low": Text(
        "覆盖率低于 {minimum}，不评等级", "Coverage is below {minimum}: no grade is given"
    ),
    "mandatory_not_met": Text(
        "必选指标未达标（{codes}），等级不高于“{grade}”",
        "Mandatory indicators not met ({codes}): the grade is at most {grade}",
    ),
    "data_falsified": Text(
        "数据被认定为虚假（{codes}），等级为“{grade}”",
        "Data were found falsified ({codes}): the grade is {grade}",
    ),
    "nothing_assessed": Text(
        "暂无可评指标，没有得分", "Nothing can be assessed: there is no score"
    ),
}
"""Words by code; the placeholders are filled from a verdict's details."""


def words(code: str, details: Mapping[str, str]) -> Text:
    """Return the sentence of a reason."""
    return REASONS[code].format(**details)
