"""The words of the docs page in Chinese: the contract's own are English.

Each mapping is complete: whatever of its kind the contract holds has its entry here.
"""

from collections.abc import Mapping

DESCRIPTION = """无废城市建设计划的台账：各单位报了什么、谁审核的、每项目标完成到哪里、为什么。

- **数字**是精确的：输出为文本（`"94.78"`），输入可为文本或数字，至多 38 位。
- **周期**写作 `2025`、`2025-H1`、`2025-Q3`、`2025-09`；时刻按 RFC 3339，用 UTC。
- 请求体中**没有的项**一律拒绝（422）。响应中随时可能出现新的项和新的事件类型：不认识的请略过。
- **拒绝**的响应是 `application/problem+json`（RFC 9457），带有固定的 `code`；全部代码列在
  `x-problem-codes`。先后次序：401；不看请求体就能断定的 404 和 403；400，以及一次列出
  全部错误的 422；然后是 409、412、428。可见范围以外的一律是 404。
- **写入**可用 `validate_only=true` 先试一遍。POST 可以带 `Idempotency-Key`。
- **并发**：每一项都有强 `ETag`。PATCH 和 PUT 必须带 `If-Match`；动作类 POST 带了就照办。
- **列表**返回 `items` 和 `next_page_token`；翻页标记只适用于产生它的那组筛选条件。
- **HTTP**：凡可 `GET` 之处均可 `HEAD`，响应没有内容。地址、请求头和尾部字段合计超过 64 KiB
  的为 431。
  请求带 `Accept-Encoding: gzip` 时，`GET` 的响应达到 4 KiB 即压缩，并带 `Content-Encoding: gzip`，
  其 `ETag` 与未压缩的同样有效。`Vary` 列出响应随之而异的请求头。
"""

_RECEIVING = (
    "按 Standard Webhooks 1.0 签名、向其他系统投递的事件。各类事件发送的内容见 `webhooks`。"
    "`webhook-signature` 对 `{webhook-id}.{webhook-timestamp}.{body}`（请求体的原始字节）用端点的"
    "每个有效密钥各签一次，最新的在前：任何一个相符即可；时间相差超过五分钟的应拒绝。同一事件可能"
    "不止来一次，`webhook-id` 总是相同；次序不定，以数据中的 `position` 为准。请在 15 秒内以 2xx"
    "应答；其余应答都会重试，为期三天。"
)

TAGS: Mapping[str, tuple[str, str]] = {
    "health": ("运行状态", "进程是否存活、系统是否就绪。公开。"),
    "identity": ("身份", "谁在调用；密钥及其权限范围；各单位。"),
    "plans": ("计划", "印发的计划原文，以及此外作出的决定。"),
    "periods": ("周期", "请各单位报数、关闭周期、发布得分板。"),
    "submissions": ("填报", "上报的数值及其审核。"),
    "obligations": ("报送义务", "谁应在何时之前报哪个数，结果如何。"),
    "scores": ("得分", "计划完成到哪里，为什么。"),
    "milestones": ("里程碑", "各单位承诺了什么、何时完成、进展如何。"),
    "alerts": ("提醒", "将到和已过的期限，以及通知了谁。"),
    "agenda": ("待办", "等待调用者处理的事；供日历程序订阅的期限。"),
    "calendars": ("工作日历", "哪些天上班，依据哪份文件。"),
    "events": ("事件", "按序号记录的全部事件。"),
    "webhooks": ("回调", "接收事件的端点，以及对它们的投递。"),
    "webhook-messages": ("回调消息", _RECEIVING),
    "operations": ("长任务", "已开始的耗时任务，进行到哪里。"),
}
"""The name and the description of every tag."""

SUMMARIES: Mapping[str, str] = {
    "healthz": "进程存活即应答",
    "metrics": "以 Prometheus 文本格式返回本进程的指标",
    "readyz": "可以处理请求时返回 200：数据库结构、数据库、计划、管理员",
    "create_api_key": "新建密钥。密钥只在这一次响应中出现，重复请求的响应中也没有",
    "list_api_keys": "列出权限不超过调用者的密钥，包括已吊销的",
    "get_api_key": "查看一个密钥，不含密钥本身",
    "revoke_api_key": "吊销调用者权限之内的一个密钥；五秒之内失效",
    "who_am_i": "查看调用者是谁、有哪些权限范围",
    "list_organizations": "列出本市的单位、乡镇和集体名称",
    "get_organization": "查看本市的一个单位",
    "load_plan_document": "载入计划文档：新计划（201）、新版本，内容相同则不变",
    "list_plans": "列出可见的计划",
    "get_plan": "查看计划及其文档、周期和待核实事项",
    "list_indicators": "列出计划的全部指标，原文与解读并列；一个计划至多一千项",
    "get_indicator": "查看一项指标",
    "list_assigned_targets": "列出某指标某年历次下达的目标，从早到晚；以最后一次为准",
    "assign_target": "登记上级下达的目标；当年以前下达的仍可查阅",
    "settle_open_question": "登记对待核实事项的决定；印发的原文仍在一旁",
    "list_tasks": "列出全部任务及其措施、牵头单位和责任单位",
    "get_task": "查看一项任务及其措施；编号分部分另起的，请注明部分",
    "list_periods": "列出曾经开放的周期",
    "cancel_period": "在尚无单位填报时撤回周期的开放，此后该周期不欠任何数",
    "close_period": "停止填报某周期的数值；正在审核的仍可作出决定",
    "open_period": "请各单位报某周期的数，从此各自应在截止日之前报送",
    "publish_period": "以下一个编号固定某周期的得分板并发布",
    "reopen_period": "重新开放已关闭或已发布的周期，从此重新计分",
    "create_submission": "填报一个数值。同一指标、单位、周期的第二次填报返回 409",
    "list_submissions": "列出调用者可见的填报，最新的在前",
    "get_submission": "查看一次填报。上级看到的是最近审核通过的内容",
    "edit_submission": "修改草稿或被退回的填报。必须带 `If-Match`",
    "approve_submission": "审核通过，从此计入得分",
    "falsify_submission": "将已通过的数值标记为查实造假，评级随之变化",
    "get_submission_history": "查看每次变更：前后内容、何人、何时、经由何处、为何",
    "reopen_submission": "开始更正：产生新的修订。新修订通过之前，仍以原已通过的为准",
    "return_submission": "退回单位，并说明理由",
    "submit_submission": "将草稿或被退回的填报送审",
    "withdraw_submission": "撤回尚未通过的填报，其位置重新空出",
    "get_obligation": "查看一项报送义务",
    "get_obligation_history": "查看报送义务的每次变更：产生、每次改期、由何人引起",
    "list_obligations": "列出应报事项及其结果，最先到期的在前",
    "get_reporting_rates": "查看应报之中已报、按时报的比率，不超过 100 %",
    "get_indicator_score": "查看一项得分及其全部来源，直至每次填报",
    "get_indicator_series": "按周期代码列出某指标在每个有得分板的周期中的情况",
    "list_publications": "按编号列出历次发布：每个编号永远对应同一块得分板",
    "get_scoreboard": "查看某周期计划完成到哪里：总体、分组、各项指标",
    "get_scoreboard_changes": "查看得分为何变化：差额精确拆分到各项指标和原因",
    "get_extension": "查看一次延期申请",
    "approve_extension": "批准延期；`granted_date` 早于所请日期即为部分批准",
    "deny_extension": "不予延期，并说明理由；现有截止日不变",
    "withdraw_extension": "撤回本单位的延期申请",
    "get_milestone": "查看一个里程碑、其分支以及为它提出的延期申请",
    "edit_milestone": "修改交办内容、改定截止日，或将被拒签的重新交办",
    "accept_milestone": "签收交办给本单位的里程碑",
    "cancel_milestone": "永久取消里程碑，并说明理由",
    "close_milestone": "评定等次并办结。任何人不得办结本单位承诺或送交的里程碑",
    "complete_milestone": "申请办结，并附 `evidence_rule` 要求的材料",
    "decline_milestone": "拒绝签收，并说明理由；交办者可以重新交办",
    "request_milestone_extension": "申请延期；同时只能有一个申请待批，次数由计划限定",
    "get_milestone_history": "查看每次变更：前后内容、何人、何时、经由何处、为何",
    "report_milestone_progress": "汇报进展；被退回之后也以此答复",
    "reopen_milestone": "重新启动已办结的里程碑：开始新的一轮，给出日期即为新的截止日",
    "return_milestone": "将办结申请退回单位，单位须按时答复",
    "request_obligation_extension": "申请推迟报送一个数值；由应报的单位提出",
    "list_extensions": "列出调用者可见的延期申请，最新的在前",
    "create_milestone": "向单位交办一个里程碑，由其签收",
    "list_milestones": "列出调用者可见的里程碑，最先到期的在前",
    "list_task_progress": "查看各任务或各单位的进展：按权重计的里程碑、灯色及原因",
    "get_task_progress": "逐项措施查看一项任务的进展",
    "get_alert": "查看一条提醒及其历次通知：何时发出、何时暂缓、依据哪些规则",
    "acknowledge_alert": "答复正在做什么、何时做完",
    "get_alert_history": "查看提醒的历次变更，从早到晚",
    "snooze_alert": "将提醒暂缓到某一天再通知。最高级别的只能由办公室暂缓",
    "get_alert_rules": "查看现行的提醒规则；无人改动时为默认规则",
    "change_alert_rules": "整体换用另一套规则。必须带 `If-Match`；以前的版本仍可查阅",
    "try_alert_rules": "试算现在或另一时刻会提醒什么，而不真正执行",
    "list_alerts": "列出调用者可见的提醒，最新的在前",
    "list_late": "列出各类迟误事项：里程碑、数值、审核、答复、决定、目标",
    "list_calendar_tokens": "列出本密钥建立的日历订阅，包括已吊销的",
    "revoke_calendar_token": "吊销日历订阅，其地址从此返回 404。重复吊销不再变化",
    "list_todo": "列出等待调用者处理的事，最先到期的在前，并按种类计数",
    "create_calendar_token": "建立可订阅的日历。其地址只在这一次响应中出现",
    "read_calendar": "以 iCalendar 格式（RFC 5545）返回各项期限，供日历程序订阅",
    "list_calendars": "列出城市的工作日历及已公布的年份",
    "get_calendar": "查看一年中的每一天：是否上班，依据哪份文件",
    "announce_calendar_year": "公布一年的工作日，或整体替换；内容相同则不变",
    "read_events": "按次序返回某序号之后的事件，没有空缺。已读序号之前不会再出现事件",
    "get_webhook_delivery": "查看一次投递、每次尝试及发送的内容",
    "retry_webhook_delivery": "不论先前结果如何，立即再投递一次。`webhook-id` 不变",
    "create_webhook_endpoint": "登记一个接收端，在调用者可见范围内接收此后发生的事件",
    "list_webhook_endpoints": "列出调用者可以管理的端点",
    "get_webhook_endpoint": "查看一个端点，不含其密钥",
    "edit_webhook_endpoint": "修改端点接收什么、发往哪里。必须带 `If-Match`",
    "delete_webhook_endpoint": "删除端点及其密钥，等待中的投递随之取消",
    "list_webhook_deliveries": "列出对端点已经、正在和将要投递的内容，最新的事件在前",
    "disable_webhook_endpoint": "停止向端点投递，等待中的投递随之取消",
    "enable_webhook_endpoint": "恢复向端点投递。其间错过的用 `replay` 补发",
    "replay_webhook_events": "按次序补发某时刻以来发生而未送达的事件",
    "rotate_webhook_secret": "从此用新密钥签名，重叠期内同时用旧密钥签名",
    "send_webhook_test": "只向此端点发送一个 `webhook.test` 事件，签名与其他事件相同",
    "get_operation": "查看调用者开始的长任务：进行到哪里，结果如何",
    "cancel_operation": "提前结束长任务；已完成的部分保留",
}
"""What every operation does, in a line."""

PARAMETERS: Mapping[str, str] = {
    "AcceptLanguage": "拒绝说明和得分步骤所用的语言：`zh-CN`（默认）或 `en`。",
    "IdempotencyKey": "使重复的 POST 得到与第一次相同的应答（状态、内容、`ETag`、`Location`），"
    "为期 24 小时，只限此密钥。换了请求体则拒绝（422 `idempotency-key-reused`）；第一次仍在处理时，"
    "重复者至多等 10 秒，然后是 409 `request-in-progress`。试写不保留。",
    "IfMatch": "修改所依据的 `ETag`；`*` 表示不论哪个版本。已过时则为 412，并附现在的内容",
    "IfNoneMatch": "调用者已有的 `ETag`；仍相符时返回 304，没有内容",
    "PageSize": "一次应答至多几项",
    "PageToken": "上一次应答中的 `next_page_token`",
    "Plan": "计划代码：城市代码加名称，如 `410183-2025`",
    "ValidateOnly": "试写：同样的检查、同样的应答，但什么也不写，不记事件",
    "WebhookId": "事件的编号，每次尝试都相同",
    "WebhookSignature": "签名，以空格分开：`v1,`（HMAC-SHA256）或 `v1a,`（ed25519）后接 base64",
    "WebhookTimestamp": "本次尝试的时刻，1970 年以来的秒数",
    "XRequestId": "调用者自己的请求编号：至多 128 个字母、数字和 `._:/+=-`。其他写法则另行产生。",
}
"""What every shared parameter means."""

RESPONSES: Mapping[str, str] = {
    "BadRequest": "请求无法读取：地址、请求体或翻页标记有误。",
    "Unauthenticated": "没有有效的凭据。",
    "Forbidden": "知道调用者是谁，但不允许这样做。",
    "NotFound": "调用者可见范围内没有。",
    "Conflict": "现在的状态不允许；`allowed_actions` 列出可以做什么。",
    "Gone": "所要的内容已不再保留；`oldest_position` 是现存最早的序号。",
    "PreconditionFailed": "读取之后已被修改；`current` 是现在的内容。",
    "BodyTooLarge": "请求体超过 8 MiB。",
    "UnsupportedMediaType": "此路径不接受这种类型的请求体。",
    "InvalidInput": "输入有误；`errors` 列出每一处及其位置。",
    "PreconditionRequired": "必须带 `If-Match`：修改须注明所依据的版本。",
    "Unavailable": "数据库没有应答或暂不能写入，请重新发送。",
    "WebhookReceived": "已收到，不再发送。",
    "WebhookElsewhere": "视为失败：不跟随重定向。",
    "WebhookGone": "请勿再发：端点立即停用。",
    "WebhookLater": "视为失败；遵守 `Retry-After` 给出的秒数或日期。",
    "WebhookFailed": "视为失败：稍后重试。",
}
"""What every shared response means."""

SECURITY: Mapping[str, str] = {
    "bearer": "密钥，只由 `POST /v1/api-keys` 显示一次。各操作旁列出的是密钥须有的权限范围。",
    "calendar_token": "供不能发送请求头的日历程序使用：`POST …/calendar-tokens` 显示一次的地址中"
    "所含的密钥。",
}
"""How every credential is presented."""

LABELS: Mapping[str, str] = {
    "Try it out": "试一试",
    "Cancel": "取消",
    "Reset": "还原",
    "Execute": "发送",
    "Clear": "清空",
    "Authorize": "填写密钥",
    "Authorized": "已填写密钥",
    "Available authorizations": "凭据",
    "Logout": "清除",
    "Close": "关闭",
    "Name": "名称",
    "Name: ": "名称：",
    "In: ": "位置：",
    "Value:": "值：",
    "Description": "说明",
    "Parameters": "参数",
    "No parameters": "没有参数",
    "Request body": "请求体",
    "Responses": "应答",
    "Response body": "应答内容",
    "Response headers": "应答头",
    "Server response": "服务器的应答",
    "Request URL": "请求地址",
    "Request duration": "耗时",
    "Code": "状态",
    "Details": "详情",
    "Links": "链接",
    "No links": "没有链接",
    "Media type": "内容类型",
    "Parameter content type": "参数的内容类型",
    "Controls ": "决定 ",
    " header.": " 请求头。",
    "Example Value": "示例",
    "Example Description": "示例说明",
    "Examples": "示例",
    "Examples: ": "示例：",
    "Schema": "结构",
    "Model": "结构",
    "Schemas": "数据结构",
    "Servers": "服务器",
    "Headers:": "应答头：",
    "Type": "类型",
    "Download": "下载",
    "Errors": "错误",
    "Hide": "收起",
    "required": "必填",
    "Send empty value": "发送空值",
    "Failed to load API definition.": "接口说明未能加载。",
    "Please correct the following validation errors and try again.": "请改正下列错误后重试。",
    "Required field is not provided": "必填项未填写",
}
"""What the viewer writes on the page by itself, and nothing else: whole texts of an element."""
