"""A finding: what was examined, its state, and what to do about it."""

from dataclasses import dataclass

from services.core.kit.text import Language, Text

_NAMES = {
    "data directory": "数据目录",
    "processes": "进程",
    "supervisor": "监管进程",
    "postgres": "PostgreSQL 进程",
    "valkey": "Valkey 进程",
    "api": "接口进程",
    "worker": "worker 进程",
    "api answers": "接口应答",
    "disk": "磁盘",
    "database": "数据库",
    "schema": "表结构",
    "writes": "写入",
    "clock": "时钟",
    "work goes on": "工作进行",
    "log": "日志",
    "deliveries": "投递",
    "endpoints": "回调端点",
    "operations": "长任务",
    "keys": "密钥",
    "sealing key": "密封用的钥匙",
    "calendar": "工作日历",
    "partners": "对接方",
    "sign-in apps": "政务应用登录",
    "parts": "分区",
    "role": "数据库角色",
    "files": "佐证材料",
    "direct address": "直连地址",
    "redis": "Redis",
    "replica": "只读副本",
}
_FAULT, _SOON, _OK = Text("故障", "FAULT"), Text("不久", "SOON"), Text("正常", "ok")


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: what was examined, what was seen, and whether it is fine.

    `reminds` marks a fine state that needs action before long. `todo` says what helps.
    """

    what: str
    seen: Text
    good: bool = True
    reminds: bool = False
    todo: Text | None = None

    def lines(self, language: Language) -> list[str]:
        """Return a line for the terminal, and another with the action, if any."""
        mark = _FAULT if not self.good else (_SOON if self.reminds else _OK)
        if language == "zh-CN":
            name = _NAMES.get(self.what, self.what)
            head = f"{mark.zh}  {name}：{self.seen.zh}"
        else:
            head = f"{mark.en:<7}{self.what:<16}{self.seen.en}"
        if self.todo is None:
            return [head]
        return [head, f"       → {self.todo.in_(language)}"]
