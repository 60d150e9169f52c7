"""Rows of registers as the tests keep them: green factories of Xinmi's plan, entered by UN22."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import httpx

from tests.support.api import XINMI, Door

REGISTER = "GREEN-FACTORY"
KEEPER = "UN22"
ROWS = f"/plans/{XINMI}/registers/{REGISTER}/rows"
BATCH = f"{ROWS}/batch"

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_numbers: Iterator[int] = count(1000)


def credit_code(number: int | None = None) -> str:
    """Return a unified social credit code of nobody's, with its check character."""
    body = f"91410183MA{next(_numbers) if number is None else number:07}"
    weighed = sum(_SIGNS.index(sign) * 3**at for at, sign in enumerate(body))
    return body + _SIGNS[-weighed % 31]


def factory(**values: Any) -> dict[str, Any]:
    """Return what is said of a green factory, with changes; None leaves a column out."""
    said = {
        "credit_code": credit_code(),
        "enterprise": "新密市示例耐材有限公司",
        "level": "provincial",
        "named_on": "2025-03-20",
        **values,
    }
    return {name: value for name, value in said.items() if value is not None}


def a_row(**values: Any) -> dict[str, Any]:
    """Return a row to be written."""
    return {"organization_code": KEEPER, "values": factory(**values)}


def sheet_of(codes: Sequence[str]) -> bytes:
    """Return a sheet of green factories, as a clerk fills it in."""
    lines = [f"市科工信局,{code},示例企业,省级,2025年3月20日" for code in codes]
    return "\n".join(["填报单位,统一社会信用代码,企业名称,级别,公布日期", *lines]).encode()


async def added_row(client: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    """Write a row and return it as it is kept."""
    answer = await client.post(ROWS, json=a_row(**values))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def a_register_row(door: Door, state: str = "correction") -> str:
    """Return the id of a row of UN22: a `draft`, `confirmed`, or corrected since, as a draft."""
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        made = await added_row(unit)
        if state != "draft":
            answer = await office.post(f"/register-rows/{made['id']}/confirm")
            assert answer.status_code == 200, answer.text
        if state == "correction":
            path, said = f"/register-rows/{made['id']}", {"values": {"batch": "第五批"}}
            answer = await unit.patch(path, json=said, headers={"If-Match": "*"})
            assert answer.status_code == 200, answer.text
    return str(made["id"])
