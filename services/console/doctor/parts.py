"""Checks partitioned tables: whether partitions exist in advance, and rows in the default one."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.doctor.findings import Finding
from services.core.kit.clock import Clock
from services.core.kit.partitions import CutParts, parts_of, resting
from services.core.kit.text import Text
from services.core.partitions import cut_tables


async def parts(session: AsyncSession) -> Finding:
    """Check until when partitions exist, and which rows are in the default ones."""
    found = await parts_of(session, cut_tables())
    lacking = _lacking(found)
    if lacking is not None:
        return lacking
    astray = [one.rest for one in found if one.rest is not None and await resting(session, one)]
    if astray:
        return _astray(astray)
    until = min(one.until for one in found if one.until is not None)
    said = Text(
        f"按时间切分的表都已建到 {until:%Y-%m-%d}",
        f"of all tables cut by time made until {until:%Y-%m-%d}",
    )
    return Finding("parts", said)


def _lacking(found: Sequence[CutParts]) -> Finding | None:
    now = Clock.true_now()
    least = min(found, key=lambda one: one.until or now)
    name, until = least.table.name, least.until
    todo = Text(
        "看是否有 worker 在工作，它的日志说了什么；wufei migrate 也会建好",
        "see whether a worker is at work and what its log says; `wufei migrate` makes parts too",
    )
    if until is None or until <= now:
        said = Text(
            f"{name} 没有今天的分区，行进入其余分区 {least.rest}",
            f"{name} has no part for today, its rows go to the rest, {least.rest}",
        )
        return Finding("parts", said, good=False, todo=todo)
    if until <= least.table.span.after(now):
        said = Text(
            f"{name} 在 {until:%Y-%m-%d} 以后没有分区", f"{name} has none after {until:%Y-%m-%d}"
        )
        return Finding("parts", said, reminds=True, todo=todo)
    return None


def _astray(rests: Sequence[str]) -> Finding:
    said = Text(
        f"其余分区 {'、'.join(rests)} 里有行",
        f"rows lie in the parts for the rest: {', '.join(rests)}",
    )
    todo = Text(
        "什么也没有丢：看哪台机器的时钟快了，再见 docs/operations.zh-CN.md",
        "nothing is lost: see which machine's clock was ahead, and docs/operations.md",
    )
    return Finding("parts", said, reminds=True, todo=todo)
