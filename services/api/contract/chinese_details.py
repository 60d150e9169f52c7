"""What the docs page says in Chinese of single operations, beyond their first lines.

Complete: every operation that says more than a line, and every parameter of a single operation,
has its entry here.
"""

from collections.abc import Mapping

DETAILS: Mapping[str, str] = {
    "readyz": (
        "没有 Redis 时为降级，仍算就绪：worker 的定时器会找到该做的事。没有 worker 也一样：数值"
        "照样接收，得分板和事件流停住不动。"
    ),
    "create_api_key": (
        "密钥属于 `plan` 或 `organization_code` 所在的城市；超出角色的权限范围视为错误。新密钥"
        "不会比建立者看得更远：建立者只限一个计划或单位的，必须写明同一个；能建密钥的新密钥，权"
        "限和有效期都不超过建立者。"
    ),
    "revoke_api_key": "重复吊销不再变化。能建密钥的密钥，权限较小者不能使其失效。",
    "load_plan_document": (
        "文档的全部错误一次列出，每个都带 JSON 指针；用 `validate_only` 则只检查文档。只限一个"
        "计划的密钥可以载入该计划，但不改动城市和其他计划的单位。按以前版本计的分保持原样。"
    ),
    "assign_target": (
        "一年之中的第一次不需要 `If-Match`；以后的要写明该指标的 ETag，应答也带 ETag：变更之后"
        "该指标的。"
    ),
    "cancel_period": "已有单位填报，或该周期已发布过，则为 409 `period-answered`。",
    "open_period": (
        "应答说明要报多少个数、由谁报，用 `validate_only` 时也一样。按计划规则得出的日期已过的，"
        "必须给出 `due_date`（422）。"
    ),
    "reopen_period": (
        "尚未报送的仍按原来的期限，不论过没过，除非以 `due_date` 放宽。已发布过的须写明 `reason"
        "` 才能重新开放，此后一直显示在那次发布上。"
    ),
    "create_submission": (
        "除非 `draft` 为真，否则立即送审。409 `submission-exists` 会指明先前的那一次，已撤回的"
        "除外。"
    ),
    "list_submissions": (
        "带 `changed_after` 时，列出城市日志该序号之后变动过的，并在 `tombstones` 中列出已不在"
        "其中的：已撤回的，或带 `state` 时已转为其他状态的。`has_more` 为真时从 `position` 接着"
        "读。上级看到审核通过的；更正期间仍看到原已通过的修订，新的修订通过之前以它为准。"
    ),
    "approve_submission": "填写或送审过该修订的人，以及同一单位的其他密钥，都不能审核它。",
    "get_submission_history": "上级看到的是历次通过，以及查实造假的。",
    "get_obligation": "结果由当天的日期和该位置上的填报得出，ETag 随之改变。",
    "list_obligations": (
        "填报员看到本单位应报的；牵头单位审核员还看到其牵头指标的；上级只看比率。"
    ),
    "get_reporting_rates": "按调用者可见的统计；上级看到的是整个计划的合计。",
    "get_indicator_score": "`steps` 用 `Accept-Language` 所要的语言。",
    "get_scoreboard": "`publication` 指明一块已固定的得分板，不论其周期后来怎样。",
    "get_scoreboard_changes": (
        "各原因的分数之和等于 `difference`，一位不差。按固定次序逐个计算，任何部分都不重复：先"
        "是计划的分组和计分方法，然后逐项指标，依次为规则和权重、目标、日期，以及各数值按其计入"
        "的先后。其他单位的数值只给出分数。"
    ),
    "approve_extension": (
        "新的截止日立即生效，并开始新的期次。由办公室决定；其他单位所请的，也可由措施的牵头单位"
        "决定；任何人不得决定本单位所请的。"
    ),
    "edit_milestone": (
        "必须带 `If-Match`。改定截止日须说明理由，并开始新的期次。由办公室修改；其他单位在其牵"
        "头措施下承诺的，也可由牵头单位修改。"
    ),
    "close_milestone": "办公室可以办结任何一个；牵头单位可以办结其他单位在其牵头措施下完成的。",
    "request_milestone_extension": "`If-Match` 写明里程碑的版本。批准之前，以现有截止日为准。",
    "request_obligation_extension": (
        "同时只能有一个申请待批，获准的次数由计划限定。批准之前，以现有截止日为准。"
    ),
    "list_extensions": "看得到里程碑的，就看得到为它提出的申请。`state=requested` 列出待批的。",
    "create_milestone": (
        "办公室可以交办给任何单位；牵头单位在其牵头的措施下，可以交办给本单位和责任单位。交办给"
        "本单位的，不设签收期限。"
    ),
    "list_milestones": (
        "填报员看到本单位的；牵头单位审核员还看到其牵头措施下的全部；上级看不到。带 `changed_af"
        "ter` 时，列出城市日志该序号之后变动过的，已取消的列在 `tombstones` 中；`has_more` 为真"
        "时从 `position` 接着读。"
    ),
    "list_task_progress": (
        "由调用者可见的里程碑（`whole` 说明是否全部）和 `period` 最新的得分板给所关联指标的灯色"
        "得出。"
    ),
    "acknowledge_alert": "下一次通知等到所承诺的日期，至多三个工作日；最高级别的不等。",
    "change_alert_rules": "已通知过的不再通知：改动规则不会重复任何通知。",
    "try_alert_rules": "`If-Match` 写明要与之对照的现行规则。",
    "list_alerts": (
        "单位看到本单位的，牵头单位审核员还看到其牵头的措施和指标的，办公室和领导看到全部。"
    ),
    "list_late": (
        "按须采取行动的单位排列，最严重的在前，其次是最先到期的。已关闭的周期所缺的仍在其中。单"
        "位看到本单位的，牵头单位审核员还看到其牵头的措施和指标的，办公室和领导看到全部。"
    ),
    "list_todo": (
        "单位的密钥看到本单位须填报、更正、签收、办理的；牵头单位审核员还看到须审核、办结、重新"
        "交办和决定的；办公室看到只有它能决定的，以及牵头单位逾期未决定的。只能查看的没有待办。"
    ),
    "create_calendar_token": "不需要密钥即可使用，直到它被吊销，或建立它的密钥被吊销。",
    "read_calendar": (
        "带密钥的地址即 `POST …/calendar-tokens` 的应答所给的。其中有最近 180 天内到期的、不论"
        "多久仍未了结的，以及今后三年内到期的，至多 5,000 条，最早的在前。一条的内容一有变化，"
        "它的 SEQUENCE、DTSTAMP、LAST-MODIFIED 就增大。"
    ),
    "get_calendar": (
        "尚未公布的年份为 `provisional`：按周一至周五计算，扣除日期固定的法定假日；`unknown` 列"
        "出尚不能知道的。"
    ),
    "announce_calendar_year": (
        "须用全市的密钥。已公布过的年份只能带 `If-Match` 替换。未了的、按工作日计期的事项随之改"
        "期，每项都有记录。请求体可以是表格（`text/csv`，UTF-8 或 GB 18030），列为 `date`、`kin"
        "d` 和 `note`；各行按 `days` 从 0 起编号。"
    ),
    "read_events": (
        "带 `wait` 时，有了第一个事件就应答，或到时应答空；密钥吊销后 5 秒之内为 401。接下来的"
        "事件已不再保留的，为 410，并附现存最早的序号。"
    ),
    "retry_webhook_delivery": "正在等待下一次尝试的，现在就发送，原定的间隔不变。",
    "create_webhook_endpoint": (
        "密钥只在这一次应答中出现，重复请求的应答中也没有。地址和请求头中可以有令牌：密封保存，"
        "再也不完整显示。本部署没有密封用的钥匙时，为 503 `secret-key-not-set`。"
    ),
    "list_webhook_endpoints": (
        "办公室管理其计划或城市内的全部端点；系统管理自己建立的，以及同一单位和计划的其他密钥建"
        "立的。"
    ),
    "edit_webhook_endpoint": (
        "此前已排定的仍然照发。与所有者角色、单位和计划相同的密钥，修改后即成为所有者，这样旧密"
        "钥吊销之前新密钥就能接手。"
    ),
    "list_webhook_deliveries": "投递及其各次尝试自事件发生起保留 90 天。",
    "enable_webhook_endpoint": (
        "失去权限范围的，由同一角色、单位和计划的密钥恢复，该密钥即成为所有者。"
    ),
    "replay_webhook_events": (
        "包括失败的、取消的，以及因端点停用而从未排定的；已送达的不再发。`Location` 说明进行到"
        "哪里；程序崩溃之后会接着做，按端点自己的速率发送。"
    ),
    "rotate_webhook_secret": (
        "此后消息对每个密钥各带一个签名，最新的在前；任何一个相符即可。新密钥只在这一次应答中出"
        "现。同时用来签名的旧密钥至多十个。"
    ),
    "send_webhook_test": "`Location` 列出它的投递，那里可以看到结果。",
    "get_operation": "结束之后保留 30 天。",
}
"""What an operation says beyond its first line, by its name."""

ASKED: Mapping[str, str] = {
    "A year `2025`, a half `2025-H1`, a quarter `2025-Q3` or a month `2025-09`": (
        "年 `2025`、半年 `2025-H1`、季度 `2025-Q3` 或月 `2025-09`"
    ),
    (
        "An instant `2026-01-31T16:00:00Z`, a date `2026-01-31` (its end, where the city "
        "is), a position of the log `1234`, or a publication `publication:1`"
    ): (
        "时刻 `2026-01-31T16:00:00Z`、日期 `2026-01-31`（城市所在地当天结束时）、日志序号 `1234"
        "`，或一次发布 `publication:1`"
    ),
    (
        "An instant `2026-01-31T16:00:00Z`, a date `2026-01-31` (its end, where the city "
        "is), a position of the log `1234`, or a publication `publication:1`; default: now"
    ): (
        "时刻 `2026-01-31T16:00:00Z`、日期 `2026-01-31`（城市所在地当天结束时）、日志序号 `1234"
        "`，或一次发布 `publication:1`；默认为现在"
    ),
    "As it was at this instant; default: now": "该时刻的情况；默认为现在",
    "At this level only": "只要这一级别的",
    "Branches of this one only": "只要它的分支",
    "Code of a calendar: `CN`, or one that the city keeps beside it": (
        "日历代码：`CN`，或城市另外使用的"
    ),
    "Code of an indicator of the plan": "计划中一项指标的代码",
    "Code of an indicator whose target the plan leaves to the superior": (
        "目标由上级下达的指标的代码"
    ),
    "Code of an organization of the city": "本市一个单位的代码",
    "Code of the city, for a credential of every city; default: the caller's": (
        "城市代码，供可用于各城市的凭据；默认为调用者的城市"
    ),
    "Default: this year": "默认为今年",
    "Due before this day": "在这一天之前到期的",
    "Due before this day only": "只要这一天之前到期的",
    "For things of this kind only": "只要这一类事项的",
    "Id of a calendar token": "日历订阅的编号",
    "Id of a delivery": "投递的编号",
    "Id of a key": "密钥的编号",
    "Id of a milestone": "里程碑的编号",
    "Id of a submission": "填报的编号",
    "Id of an alert": "提醒的编号",
    "Id of an endpoint": "端点的编号",
    "Id of an extension": "延期申请的编号",
    "Id of an obligation": "报送义务的编号",
    "Id of an open question of the plan": "计划中待核实事项的编号",
    "Id of an operation": "长任务的编号",
    "In this state only": "只要这一状态的",
    "List what changed since this log position; not with `page_token`": (
        "列出该日志序号之后变动过的；不能与 `page_token` 同用"
    ),
    "Most positions to read": "至多读几个序号",
    "Number of a section, such as `一`, or its heading": "部分的编号，如 `一`，或其标题",
    "Number of a task of the plan": "计划中任务的编号",
    "Of this indicator only": "只要这项指标的",
    "Of this measure only": "只要这项措施的",
    "Of this organization only": "只要这个单位的",
    "Of this period only": "只要这个周期的",
    "Of this rule only": "只要这条规则的",
    "Of this unit only": "只要这个单位的",
    "Only that of this event": "只要这个事件的",
    "Only those in this state": "只要这一状态的",
    "Only those of events of this type": "只要这类事件的",
    "Only what belongs to this plan": "只要属于这个计划的",
    (
        "Only what is about this kind of thing, or this one: `submission`, or `submission/` "
        "and its id"
    ): ("只要关于这一类或这一项的：`submission`，或 `submission/` 加编号"),
    "Only what is of this plan": "只要这个计划的",
    "Seconds to wait for the first event": "等待第一个事件的秒数",
    "The city whose log is read; default: the credential's": (
        "读取哪个城市的日志；默认为凭据所属的城市"
    ),
    "The document that announces it, where the body is a table and cannot say": (
        "公布它的文件；请求体是表格、无处写明时用"
    ),
    "The last position you have": "已读到的最后一个序号",
    "The old name of `indicator_code`": "`indicator_code` 的旧名",
    "The old name of `organization_code`": "`organization_code` 的旧名",
    "The scoreboard as it was published under this number; the period is the publication's": (
        "以这个编号发布的得分板；周期即该次发布的"
    ),
    "The secret of a calendar token": "日历订阅的密钥",
    "The target's year, by the plan's years": "目标的年份，按计划的年度",
    "The year announced": "所公布的年份",
    "Types, separated by commas; empty for all": "事件类型，用逗号分开；空为全部",
    "What the rates are told by": "比率按什么分列",
    (
        "What to add up: the plan's tasks, the measures that each unit leads, or what each "
        "township-level body promised itself"
    ): ("按什么汇总：计划的任务、各单位牵头的措施，或各乡镇自己承诺的"),
    "With this light today only": "只要今天为这一灯色的",
    "With this status only; `waived` lists what is otherwise left out": (
        "只要这一结果的；`waived` 列出平时不列的"
    ),
    "`2025`, `2025-H1`, `2025-Q3` or `2025-09`; default: the plan's last target year": (
        "`2025`、`2025-H1`、`2025-Q3` 或 `2025-09`；默认为计划的最后一个目标年"
    ),
    "`submitted` counts what is under review too: provisional, the office's": (
        "`submitted` 把待审的也算上：初步的，供办公室用"
    ),
    "`true`: not handed in, and the due date is over; `false`: the others": (
        "`true`：尚未办完且已过期限；`false`：其余的"
    ),
}
"""What a parameter of a single operation means, by its words in English."""
