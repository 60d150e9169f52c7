"""The texts of alerts, in both languages. Decides nothing."""

from collections.abc import Mapping
from datetime import date

from services.core.alerts.rule_set import EscalationColour, RuleCode
from services.core.kit.text import Text

_THINGS: Mapping[RuleCode, Text] = {
    "milestone_due": Text("{unit}的里程碑“{title}”", "Milestone “{title}” of {unit}"),
    "milestone_sign": Text(
        "{unit}对里程碑“{title}”的签收", "{unit} accepting or declining milestone “{title}”"
    ),
    "milestone_answer": Text(
        "{unit}对被退回里程碑“{title}”的整改", "{unit} answering the return of milestone “{title}”"
    ),
    "milestone_closure": Text(
        "{unit}的里程碑“{title}”的办结审核", "Grading milestone “{title}” of {unit}"
    ),
    "report_due": Text("{unit}的填报“{title}”", "The report “{title}” of {unit}"),
    "submission_review": Text(
        "对{unit}的填报“{title}”的审核", "Reviewing the report “{title}” of {unit}"
    ),
    "submission_answer": Text(
        "{unit}对被退回填报“{title}”的重报", "{unit} answering the return of “{title}”"
    ),
    "extension_decision": Text(
        "对{unit}就“{title}”所提延期的审批", "Deciding on more time for “{title}” of {unit}"
    ),
    "conflict_decision": Text(
        "{unit}对“{title}”数据冲突的处理", "{unit} deciding on the conflict over “{title}”"
    ),
    "row_renewal": Text("{unit}的“{title}”续期", "{unit} renewing “{title}”"),
    "row_recheck": Text("{unit}的“{title}”复核", "{unit} looking at “{title}” again"),
    "publicity_day": Text("宣传日“{title}”", "The publicity day “{title}”"),
    "target_missing": Text("“{title}”的目标下达", "Assigning the target of “{title}”"),
    "light_red": Text("指标“{title}”", "The indicator “{title}”"),
}

_BEFORE = Text("将于{due}到期（还有{days}天）", "is due on {due} (in {span})")
_ON_THE_DAY = Text("今日（{due}）到期", "is due today ({due})")
_AFTER = Text("已逾期{days}天（期限{due}）", "is {span} overdue (due {due})")
_COMING = Text("将于{due}到来（还有{days}天）", "is coming on {due} (in {span})")
_RED = Text("亮红灯：{reason}", "has a red light: {reason}")

_COLOURS: Mapping[EscalationColour, Text] = {
    "blue": Text("【蓝色督办】", "[Blue] "),
    "orange": Text("【橙色督办】", "[Orange] "),
    "red": Text("【红色督办】", "[Red] "),
}
_PLAIN = Text("【提醒】", "[Reminder] ")

RESOLVED: Mapping[str, Text] = {
    "done": Text("已办结", "it is done"),
    "cancelled": Text("已取消", "it was cancelled"),
    "extended": Text("已延期", "it was given more time"),
    "rescheduled": Text("期限已重定", "its date was set anew"),
    "handed_in": Text("已填报", "it was handed in"),
    "waived": Text("已免报", "it was waived"),
    "period_closed": Text("周期已关闭", "the period was closed"),
    "answered": Text("已答复", "it was answered"),
    "decided": Text("已处理", "it was decided"),
    "renewed": Text("已续期", "it was renewed"),
    "rechecked": Text("已复核", "it was looked at again"),
    "row_ended": Text("已终止或撤销", "it was ended or revoked"),
    "register_gone": Text("计划已不列该台账", "the plan has its register no more"),
    "passed": Text("日期已过", "the day has passed"),
    "assigned": Text("目标已下达", "the target was assigned"),
    "recovered": Text("不再是红灯", "the light is red no more"),
    "rule_off": Text("规则已停用", "the rule is off"),
    "gone": Text("已不存在", "it is there no more"),
}
"""Why an alert ended, by code."""


def deadline_message(
    rule: RuleCode,
    *,
    title: str,
    unit: str,
    due: date,
    today: date,
    colour: EscalationColour | None,
) -> Text:
    """Return the sentence for a deadline that is near, due or overdue."""
    if due < today:
        when = _AFTER
    elif due == today:
        when = _ON_THE_DAY
    else:
        when = _COMING if rule == "publicity_day" else _BEFORE
    sentence = _joined(_prefix(colour), _THINGS[rule], when)
    days = abs((today - due).days)
    span = "1 day" if days == 1 else f"{days} days"
    return sentence.format(title=title, unit=unit, due=due, days=days, span=span)


def light_message(*, title: str, reason: Text, colour: EscalationColour | None) -> Text:
    """Return the sentence for an indicator whose light turned red."""
    sentence = _joined(_prefix(colour), _THINGS["light_red"], _RED)
    return Text(
        sentence.zh.format(title=title, reason=reason.zh),
        sentence.en.format(title=title, reason=reason.en),
    )


def resolved_message(title: str, reason: str) -> Text:
    """Return the sentence for an alert that ended."""
    why = RESOLVED[reason]
    return Text(f"【解除】“{title}”：{why.zh}", f"[Resolved] “{title}”: {why.en}")


def digest_message(total: int, *, arrival: bool) -> Text:
    """Return the heading sentence of a digest."""
    if arrival:
        return Text(
            f"【逾期汇总】纳入督办时已逾期 {total} 项",
            f"[Digest] {total} items were overdue when they were first seen",
        )
    return Text(f"【每日汇总】{total} 项待办提醒", f"[Digest] {total} reminders of the day")


def _prefix(colour: EscalationColour | None) -> Text:
    return _PLAIN if colour is None else _COLOURS[colour]


def _joined(prefix: Text, thing: Text, when: Text) -> Text:
    return Text(prefix.zh + thing.zh + when.zh, f"{prefix.en}{thing.en} {when.en}")
