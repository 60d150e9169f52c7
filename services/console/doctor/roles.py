"""Checks the services' database role: whether it could change the log."""

from services.console.doctor.findings import Finding
from services.core.append_only import append_only
from services.core.kit.city_wall import standing
from services.core.kit.server_address import open_connection
from services.core.kit.service_role import may_change, own_name
from services.core.kit.text import Text


async def wall(url: str) -> Finding:
    """Check whether PostgreSQL itself separates the cities' rows."""
    connection = await open_connection(url, timeout=5)
    try:
        found = await standing(connection)
    finally:
        await connection.close()
    if found.is_up and found.holds:
        said = Text(
            "数据库按城市隔离（行级安全已开启）",
            "PostgreSQL keeps cities apart (row-level security is on)",
        )
        return Finding("cities apart", said)
    said = Text(
        f"行级安全未生效：{found.tables} 张表中 {found.guarded} 张已开启，城市之间只由程序隔离",
        f"row-level security does not hold: it is on for {found.guarded} of {found.tables} tables,"
        " so that only the program keeps cities apart",
    )
    todo = Text(
        "旧版本的进程都结束后打开它（wufei row-security，参数 on）；"
        "连接池和集群见 docs/production.zh-CN.md",
        "run `wufei row-security on` once no older process runs; of poolers and clusters see"
        " docs/production.md",
    )
    return Finding("cities apart", said, reminds=True, todo=todo)


async def role(url: str) -> Finding:
    """Check that the services' role cannot change the log and the audit."""
    connection = await open_connection(url, timeout=5)
    try:
        name = await own_name(connection)
        changeable = await may_change(connection, name, append_only())
    finally:
        await connection.close()
    if not changeable:
        said = Text(
            f"{name} 对日志和审计只能读和添加",
            f"{name} can only read and add to the log and the audit",
        )
        return Finding("role", said)
    said = Text(
        f"{name} 拥有这些表，日志和审计中的记录被它改动只能事后查出",
        f"{name} owns the tables: that it changed a row of the log or the audit is found afterwards"
        " only",
    )
    todo = Text(
        "把现在的地址设为 DATABASE_OWNER_URL，DATABASE_URL 换成另一个用户，再运行 wufei migrate",
        "let DATABASE_OWNER_URL have the present address and DATABASE_URL another user, then run"
        " `wufei migrate`",
    )
    return Finding("role", said, reminds=True, todo=todo)
