"""Checks whether the sealing key opens the database's sealed values."""

from collections import Counter

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.doctor.findings import Finding
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.resealing.statements import SEALED_HEADS


async def sealing(session: AsyncSession, seal: Seal | None) -> Finding:
    """Count sealed values that no key opens, and those that wait for re-encryption.

    The values' heads suffice, so nothing is unsealed. Keys that sign tokens are not included,
    because the next token makes a new one if none can be unsealed.
    """
    found = Counter[tuple[str, bytes]]()
    for city_code in await city_codes(session):
        with in_city(city_code):
            rows = await session.execute(SEALED_HEADS, {"city": city_code})
        for row in rows:
            found[row.table_name, row.head] += row.found
    lost, old = Counter[str](), 0
    for (table, head), number in found.items():
        if seal is None or not seal.knows(head):
            lost[table] += number
        elif not seal.is_current(head):
            old += number
    if lost:
        return _lost(lost, found.total(), given=seal is not None)
    if old:
        return _old(old)
    opened = Text(
        f"能打开全部 {found.total()} 项密封内容", f"opens all {found.total()} sealed values"
    )
    return Finding("sealing key", opened)


def _lost(lost: Counter[str], all_: int, *, given: bool) -> Finding:
    named = ", ".join(f"{table} {number}" for table, number in sorted(lost.items()))
    without = ("没有设置 WUFEI_SECRET_KEY", "WUFEI_SECRET_KEY is not set")
    other = ("WUFEI_SECRET_KEY 中没有密封它们的钥匙", "WUFEI_SECRET_KEY lacks the key of")
    why = other if given else without
    seen = Text(
        f"{all_} 项密封内容中有 {lost.total()} 项打不开：{why[0]}（{named}）",
        f"{why[1]} {lost.total()} of {all_} sealed values ({named})"
        if given
        else f"{why[1]}: {lost.total()} of {all_} sealed values stay closed ({named})",
    )
    todo = Text(
        "把原来的钥匙写在现在的之后（WUFEI_SECRET_KEY=新,旧；make run 的在数据目录 secret.key），"
        "再运行 wufei secrets rotate；钥匙丢失的，见 docs/operations.zh-CN.md 中 secret.key 一行",
        "put the former key behind the present one (WUFEI_SECRET_KEY=new,old; under `make run`"
        " secret.key in the data directory holds it), then run `wufei secrets rotate`; where it is"
        " lost, the line on secret.key in docs/operations.md says what is given anew",
    )
    return Finding("sealing key", seen, good=False, todo=todo)


def _old(old: int) -> Finding:
    seen = Text(
        f"{old} 项仍由以前的钥匙密封",
        f"{old} values are still sealed with an earlier key or cipher",
    )
    todo = Text("运行 wufei secrets rotate", "run `wufei secrets rotate`")
    return Finding("sealing key", seen, reminds=True, todo=todo)
