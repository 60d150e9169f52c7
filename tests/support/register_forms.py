"""Forms of registers: their lines, and the rows that they become."""

from typing import Any

from tests.support.api import XINMI, Door
from tests.support.registers import KEEPER, REGISTER, ROWS

HEADINGS = ("填报单位", "统一社会信用代码", "企业名称", "级别", "公布日期")
FORM = f"/plans/{XINMI}/registers/{REGISTER}/form.xlsx"


AS: dict[str, Any] = {"as_": ("reporter", KEEPER), "register": REGISTER}


def line(code: str, *, unit: str = "", name: str = "示例企业", day: str = "2025年3月20日") -> Any:
    """Return a row under `HEADINGS`."""
    return [unit, code, name, "省级", day]


async def rows(door: Door) -> list[dict[str, Any]]:
    """Return what the register holds."""
    async with await door.as_("reporter", KEEPER) as unit:
        found: list[dict[str, Any]] = (await unit.get(ROWS)).json()["items"]
    return found
