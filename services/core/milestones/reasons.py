"""The texts of every light of milestones and tasks, in both languages, by code. Decides nothing."""

from collections.abc import Mapping

from services.core.kit.text import Text

REASONS: Mapping[str, Text] = {
    "cancelled": Text("已取消", "Cancelled"),
    "closed": Text("已办结（{completed} 申请办结）", "Closed; handed in on {completed}"),
    "closed_late": Text(
        "已办结，申请办结（{completed}）晚于期限 {due}",
        "Closed; handed in on {completed}, after the due date {due}",
    ),
    "closed_failed": Text("已办结，评定为不合格", "Closed with the grade fail"),
    "completed": Text(
        "已于 {completed} 申请办结，待审核", "Handed in on {completed}, under review"
    ),
    "completed_late": Text(
        "已于 {completed} 申请办结，晚于期限 {due}，待审核",
        "Handed in on {completed}, after the due date {due}; under review",
    ),
    "overdue": Text(
        "期限 {due} 已过，逾期 {days} 天（{working_days} 个工作日）",
        "Overdue since {due}: {days} days ({working_days} working days)",
    ),
    "declined": Text("未接收，待重新分派", "Declined; to be assigned anew"),
    "returned": Text("已退回，须于 {answer_by} 前答复", "Sent back; to be answered by {answer_by}"),
    "not_signed": Text("尚未签收", "Not signed for yet"),
    "to_sign": Text("待签收，期限 {sign_by}", "To be signed for by {sign_by}"),
    "sign_overdue": Text("未按期签收（期限 {sign_by}）", "Not signed for by {sign_by}"),
    "expected_late": Text(
        "预计 {expected} 完成，晚于期限 {due}",
        "Expected on {expected}, after the due date {due}",
    ),
    "on_course": Text(
        "完成 {percent}%，时间已过 {elapsed}%", "{percent}% done, {elapsed}% of the time gone"
    ),
    "behind": Text(
        "完成 {percent}%，落后于时间进度 {elapsed}%",
        "{percent}% done, behind the {elapsed}% of the time that has gone",
    ),
    "far_behind": Text(
        "完成 {percent}%，远落后于时间进度 {elapsed}%",
        "{percent}% done, far behind the {elapsed}% of the time that has gone",
    ),
    "milestones_red": Text(
        "{red} 项里程碑亮红灯，其中 {overdue} 项逾期",
        "Red milestones: {red}, overdue: {overdue}",
    ),
    "indicators_red": Text("关联指标亮红灯：{codes}", "Linked indicators are red: {codes}"),
    "milestones_yellow": Text("{yellow} 项里程碑亮黄灯", "Yellow milestones: {yellow}"),
    "indicators_yellow": Text("关联指标亮黄灯：{codes}", "Linked indicators are yellow: {codes}"),
    "all_green": Text(
        "里程碑和关联指标均正常", "Its milestones and linked indicators are on course"
    ),
    "nothing_to_judge": Text("暂无可评判的里程碑或指标", "There is nothing to judge yet"),
}
"""By code; a verdict's details fill the placeholders."""


def words(code: str, details: Mapping[str, str]) -> Text:
    """Return the sentence of a reason."""
    return REASONS[code].format(**details)
