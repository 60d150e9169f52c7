"""What is said of the role that the services sign in as: whether it could change the log."""

from services.console.doctor.findings import Finding
from services.core.append_only import append_only
from services.core.kit.server_address import open_connection
from services.core.kit.service_role import may_change, own_name
from services.core.kit.text import Text


async def role(url: str) -> Finding:
    """Say whether the log and the audit are kept from the services' role."""
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
