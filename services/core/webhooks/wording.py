"""Words each event as a Chinese sentence, for people who read it in a group chat. Pure.

Codes are replaced by names where these are known. The actor is never named: a group may see what
happened, but not who did it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.core.events.catalogue import EventType
from services.core.plan.target_names import name_of_written

MessageColour = Literal["grey", "blue", "green", "orange", "red"]

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of codes: organizations of the city, indicators of its plans."""

    organizations: Mapping[str, str] = field(default_factory=dict)
    indicators: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words: a heading, a line, its colour, and its instant."""

    heading: str
    line: str
    colour: MessageColour
    at: str


@dataclass(frozen=True, slots=True)
class _Form:
    heading: str
    line: str
    colour: MessageColour = "blue"


FORMS: Mapping[EventType, _Form] = {
    "plan.published": _Form("计划发布", "“{title}”第 {version} 版已发布"),
    "target.assigned": _Form(
        "目标下达", "“{indicator}”{year} 年目标已下达：{target}（{document_number}）"
    ),
    "question.settled": _Form("疑问核定", "{question_id}：{decision}（{document_number}）"),
    "period.opened": _Form("填报开启", "{period} 填报期已开启，截止 {due_date}"),
    "period.closed": _Form("填报关闭", "{period} 填报期已关闭", "grey"),
    "period.published": _Form(
        "结果发布", "{period} 填报期结果已发布（{publication_number}）", "green"
    ),
    "period.reopened": _Form("重新开启", "{period} 填报期已重新开启，截止 {due_date}"),
    "period.rescheduled": _Form("期限调整", "{period} 填报期截止日期调整为 {due_date}"),
    "period.cancelled": _Form("开启撤回", "{period} 填报期的开启已撤回，无须填报", "grey"),
    "evidence.added": _Form("佐证材料", "已上传佐证材料“{file_name}”", "grey"),
    "evidence.removed": _Form("佐证材料", "已移除佐证材料“{file_name}”", "grey"),
    "submission.created": _Form("填报草稿", "{unit}已起草“{indicator}”{period}", "grey"),
    "submission.changed": _Form("填报修改", "{unit}已修改“{indicator}”{period}", "grey"),
    "submission.submitted": _Form("填报提交", "{unit}已提交“{indicator}”{period}，待审核"),
    "submission.approved": _Form("审核通过", "{unit}“{indicator}”{period}已审核通过", "green"),
    "submission.returned": _Form(
        "填报退回", "{unit}“{indicator}”{period}被退回{because}", "orange"
    ),
    "submission.reopened": _Form(
        "重新填报", "{unit}“{indicator}”{period}已重新开启{because}", "orange"
    ),
    "submission.withdrawn": _Form("填报撤回", "{unit}已撤回“{indicator}”{period}{because}", "grey"),
    "submission.falsified": _Form(
        "数据不实", "{unit}“{indicator}”{period}被认定数据不实{because}", "red"
    ),
    "conflict.raised": _Form(
        "数据冲突", "{unit}“{indicator}”{period}有两个不同的版本，待处理", "orange"
    ),
    "conflict.changed": _Form(
        "冲突更新", "{unit}“{indicator}”{period}的冲突双方数值有变，仍待处理", "orange"
    ),
    "conflict.closed": _Form(
        "冲突解除", "{unit}“{indicator}”{period}的冲突已解除{closed}", "green"
    ),
    "observation.recorded": _Form(
        "观测值", "{unit}“{indicator}”{period}收到其他来源的数值", "grey"
    ),
    "observation.corrected": _Form(
        "观测值更正", "{unit}“{indicator}”{period}的其他来源数值已更正", "grey"
    ),
    "observation.withdrawn": _Form(
        "观测值撤回", "{unit}“{indicator}”{period}的其他来源数值已撤回{because}", "grey"
    ),
    "register_row.created": _Form("台账登记", "{unit}已登记台账 {register_code} 一行", "grey"),
    "register_row.changed": _Form("台账修改", "{unit}已修改台账 {register_code} 一行", "grey"),
    "register_row.confirmed": _Form("台账确认", "{unit}台账 {register_code} 一行已确认", "green"),
    "register_row.ended": _Form(
        "台账终止", "{unit}台账 {register_code} 一行已终止{because}", "orange"
    ),
    "register_row.revoked": _Form(
        "台账撤销", "{unit}台账 {register_code} 一行被撤销{because}", "red"
    ),
    "register_row_conflict.raised": _Form(
        "台账冲突", "{unit}台账 {register_code} 的“{title}”有两个不同的版本，待处理", "orange"
    ),
    "register_row_conflict.decided": _Form(
        "台账冲突已处理", "{unit}台账 {register_code} 的“{title}”的冲突已处理", "green"
    ),
    "register_row.withdrawn": _Form(
        "台账撤回", "{unit}已撤回台账 {register_code} 一行{because}", "grey"
    ),
    "assessment.created": _Form(
        "评估开始", "{subject_name}{period}的评估（{sheet_code}）已开始", "grey"
    ),
    "assessment.changed": _Form(
        "评估修改", "{subject_name}{period}的评估（{sheet_code}）已修改", "grey"
    ),
    "assessment.submitted": _Form(
        "评估提交", "{subject_name}{period}的评估（{sheet_code}）已提交，待确认", "orange"
    ),
    "assessment.returned": _Form(
        "评估退回", "{subject_name}{period}的评估（{sheet_code}）已退回{because}", "orange"
    ),
    "assessment.confirmed": _Form(
        "评估确认", "{subject_name}{period}的评估（{sheet_code}）已确认", "green"
    ),
    "assessment.published": _Form(
        "评估公布", "{subject_name}{period}的评估（{sheet_code}）已公布", "green"
    ),
    "assessment.withdrawn": _Form(
        "评估撤回", "{subject_name}{period}的评估（{sheet_code}）已撤回{because}", "grey"
    ),
    "assessment.corrected": _Form(
        "评估更正",
        "{subject_name}{period}的评估（{sheet_code}）因申诉成立已更正{because}",
        "orange",
    ),
    "appeal.filed": _Form("申诉提出", "{unit}对{subject_name}{period}的评估提出申诉", "orange"),
    "appeal.upheld": _Form(
        "申诉成立", "{unit}对{subject_name}{period}的评估的申诉成立{because}", "green"
    ),
    "appeal.refused": _Form(
        "申诉驳回", "{unit}对{subject_name}{period}的评估的申诉被驳回{because}", "red"
    ),
    "appeal.withdrawn": _Form(
        "申诉撤回", "{unit}已撤回对{subject_name}{period}的评估的申诉{because}", "grey"
    ),
    "conflict.decided": _Form("冲突已处理", "{unit}“{indicator}”{period}的冲突已处理", "green"),
    "score.updated": _Form("得分更新", "{period} 总分 {display}（{basis_name}）"),
    "calendar.changed": _Form("日历更新", "{year} 年工作日历已更新（{source}）", "grey"),
    "reminder.given": _Form(
        "催报", "{unit}：{period} 尚有 {count} 项未报，截止 {due_date}{remark}", "orange"
    ),
    "obligation.extended": _Form("填报延期", "{unit}“{indicator}”{period}延期至 {due_date}"),
    "milestone.created": _Form("里程碑下达", "{unit}“{title}”，期限 {due_date}，请签收"),
    "milestone.changed": _Form("里程碑变更", "{unit}“{title}”已变更{because}", "grey"),
    "milestone.accepted": _Form("里程碑签收", "{unit}已签收“{title}”，期限 {due_date}", "green"),
    "milestone.declined": _Form("里程碑拒签", "{unit}未接受“{title}”{because}", "orange"),
    "milestone.progressed": _Form("里程碑进展", "{unit}“{title}”完成 {percent}%"),
    "milestone.completed": _Form("申请办结", "{unit}“{title}”已申请办结，待审核"),
    "milestone.closed": _Form("里程碑办结", "{unit}“{title}”已办结，评定：{grade_name}", "green"),
    "milestone.returned": _Form("里程碑退回", "{unit}“{title}”被退回{because}", "orange"),
    "milestone.reopened": _Form("里程碑重办", "{unit}“{title}”已重新办理{because}", "orange"),
    "milestone.cancelled": _Form("里程碑取消", "{unit}“{title}”已取消{because}", "grey"),
    "milestone.rescheduled": _Form("期限调整", "{unit}“{title}”期限调整为 {due_date}{because}"),
    "milestone_conflict.raised": _Form(
        "进展冲突", "{unit}“{title}”的进展有两个不同的版本，待处理", "orange"
    ),
    "milestone_conflict.decided": _Form(
        "进展冲突已处理", "{unit}“{title}”的进展冲突已处理", "green"
    ),
    "extension.requested": _Form(
        "延期申请", "{unit}申请将{thing}期限由 {present_date} 延至 {proposed_date}{because}"
    ),
    "extension.decided": _Form("延期审批", "{unit}关于{thing}的延期申请{decided}"),
    "extension.changed": _Form("审批期限", "{unit}的延期申请须在 {decide_by} 前审批", "grey"),
    "alert_rules.changed": _Form("规则更新", "预警规则已更新为第 {version} 版", "grey"),
    "alert.raised": _Form("工作提醒", "{message}"),
    "alert.escalated": _Form("督办升级", "{message}"),
    "alert.acknowledged": _Form("预警已回应", "{message}{promised}", "grey"),
    "alert.snoozed": _Form("预警已暂缓", "{message}{held}", "grey"),
    "alert.resolved": _Form("预警解除", "{message}", "green"),
    "alert.digest": _Form("预警汇总", "{message}{items}"),
    "webhook.test": _Form("测试消息", "无废城市系统的推送已接通", "green"),
    "webhook.replayed": _Form("补发推送", "未送达的推送正在补发", "grey"),
    "webhook.failing": _Form(
        "推送异常", "向 {url} 的推送持续失败，已达停用期限的 {percent}%", "orange"
    ),
    "webhook.disabled": _Form("推送停用", "向 {url} 的推送已停用（{reason_name}）", "red"),
    "connector.changed": _Form("上报通道", "上报通道“{name}”的设置已变更", "grey"),
    "connector.failing": _Form(
        "上报异常", "向“{name}”的上报持续失败，已达停用期限的 {percent}%", "orange"
    ),
    "connector.secret_refused": _Form(
        "密钥未被接受", "“{name}”尚不接受新密钥，请核对；旧密钥到期后将无法上报", "orange"
    ),
    "connector.disabled": _Form("上报停用", "向“{name}”的上报已停用（{reason_name}）", "red"),
    "connector.refused": _Form(
        "上报被退", "{unit}“{indicator}”{period}被“{name}”退回：{their_words}", "red"
    ),
    "connector.differing": _Form(
        "对账不符", "{unit}“{indicator}”{period}与“{name}”的回执不一致，请核对", "orange"
    ),
}

_LEVELS: Mapping[int, tuple[str, MessageColour]] = {
    0: ("工作提醒", "blue"),
    1: ("蓝色督办", "blue"),
    2: ("橙色督办", "orange"),
    3: ("红色督办", "red"),
}
_BASES = {"approved": "已审核", "submitted": "含待审核"}
_CLOSED = {
    "within-tolerance": "：双方已一致",
    "value-withdrawn": "：正式数值已撤回",
    "observation-withdrawn": "：其他来源已撤回其数值",
}
_GRADES = {"excellent": "优秀", "good": "良好", "pass": "合格", "fail": "不合格"}
_DISABLED = {
    "gone": "接收方已注销",
    "failing": "持续失败",
    "manual": "人工停用",
    "scope-lost": "密钥已失效",
}
_STATES = {"approved": "已批准，新期限 {granted}", "denied": "未批准", "withdrawn": "已撤回"}
_PREFIX = re.compile(r"^【[^】]*】")
_UNKNOWN = "—"
_MOST_ITEMS = 10


class _Fields(dict[str, str]):
    """The values of a line's fields; a missing one becomes a dash."""

    def __missing__(self, _name: str) -> str:
        return _UNKNOWN


def told(event: Mapping[str, Any], names: Names) -> Told:
    """Return an event's body in words; an unknown type by its name."""
    data: Mapping[str, Any] = event.get("data") or {}
    type_ = event.get("type", "")
    form = FORMS.get(type_, _Form("系统事件", str(type_), "grey"))
    heading, colour = form.heading, form.colour
    if type_ in {"alert.raised", "alert.escalated"}:
        heading, colour = _LEVELS.get(data.get("level", 0), _LEVELS[0])
    return Told(heading, form.line.format_map(_fields(type_, data, names)), colour, _moment(event))


def codes_in(event: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return the codes in an event that need names: plan, organization, indicator."""
    data = event.get("data") or {}
    return data.get("plan"), data.get("organization_code"), data.get("indicator_code")


def _fields(type_: str, data: Mapping[str, Any], names: Names) -> _Fields:
    fields = _Fields({name: str(value) for name, value in data.items() if value is not None})
    unit, indicator = data.get("organization_code"), data.get("indicator_code")
    if unit:
        fields["unit"] = names.organizations.get(unit, unit)
    if indicator:
        fields["indicator"] = names.indicators.get(indicator, indicator)
    reason = data.get("decision_reason") or data.get("reason")
    fields["because"] = f"：{reason}" if reason else ""
    if type_ == "target.assigned":
        fields["target"] = name_of_written({"kind": "", **data})
    fields["basis_name"] = _BASES.get(data.get("basis", ""), _UNKNOWN)
    fields["closed"] = _CLOSED.get(data.get("closed_because", ""), "")
    fields["grade_name"] = _GRADES.get(data.get("grade", ""), _UNKNOWN)
    fields["reason_name"] = _DISABLED.get(data.get("reason", ""), _UNKNOWN)
    decided = _STATES.get(data.get("state", ""), _UNKNOWN)
    fields["decided"] = decided.format(granted=fields["granted_date"]) + fields["because"]
    # The heading already has the words in brackets before the sentence.
    fields["message"] = _PREFIX.sub("", str(data.get("message") or data.get("title") or _UNKNOWN))
    title = data.get("title")
    fields["thing"] = f"“{title}”" if title else "填报"
    fields["promised"] = (
        f"；承诺 {data['promised_date']} 前完成" if data.get("promised_date") else ""
    )
    fields["held"] = f"；暂缓至 {data['hold_until']}" if data.get("hold_until") else ""
    fields["count"] = str(len(data.get("indicator_codes") or []))
    fields["remark"] = f"。{data['note']}" if data.get("note") else ""
    fields["items"] = _listed(data.get("items") or [])
    return fields


def _listed(items: list[Any]) -> str:
    """Return the first items of a digest, one a line."""
    lines = [str(one["message"]) for one in items if isinstance(one, dict) and one.get("message")]
    more = [f"……等 {len(lines)} 项"] if len(lines) > _MOST_ITEMS else []
    return "".join(f"\n{line}" for line in [*lines[:_MOST_ITEMS], *more])


def _moment(event: Mapping[str, Any]) -> str:
    """Return the event's instant in local time."""
    try:
        at = datetime.fromisoformat(str(event.get("timestamp")))
    except ValueError:
        return ""
    return f"{at.astimezone(_ZONE):%m-%d %H:%M}"
