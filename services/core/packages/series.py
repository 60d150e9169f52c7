"""Sequence numbers of carried files: the next one, gaps, and duplicates. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.core.kit.file_faults import FileFault
from services.core.kit.file_series import NOTHING_BEFORE, NumberedFile, series_faults
from services.core.kit.text import Text
from services.core.packages.manifests import CarriedFile

_MOST_NAMED = 20

SeriesVerdict = Literal["next", "repeated", "replaced", "gap", "broken"]
"""`repeated`: the same file again. `replaced`: another file with a number that was taken in."""


@dataclass(frozen=True, slots=True)
class SeriesStanding:
    """The last package that was taken in: its number and its digest."""

    number: int = 0
    digest: str = NOTHING_BEFORE


@dataclass(frozen=True, slots=True)
class JudgedPackage:
    """The verdict on a package, and its explanation; `missing` are numbers."""

    verdict: SeriesVerdict
    said: Text
    missing: Sequence[int] = ()


_NEXT = Text("第 {number} 号，正是下一个", "number {number}, the next one")
_REPEATED = Text(
    "第 {number} 号以前已导入，本次没有重复写入",
    "number {number} was taken in before; nothing is written twice",
)
_REPLACED = Text(
    "第 {number} 号以前已导入，而这是同一编号的另一个文件：没有写入，请向发出方核对",
    "number {number} was taken in before, and this is another file of that number: nothing is"
    " written; ask the sender",
)
_GAP = Text(
    "缺少第 {missing} 号：请发出方重新导出这些编号，先导入它们",
    "number {missing} is missing: have the sender export it again, and take it in first",
)
_BROKEN = Text(
    "第 {number} 号接的不是已导入的第 {last} 号：链条断开，请向发出方核对",
    "number {number} does not follow the number {last} that was taken in: the chain is broken;"
    " ask the sender",
)


def judge(carried: CarriedFile, standing: SeriesStanding, earlier: str | None) -> JudgedPackage:
    """Return the verdict on a package, given the last one taken in.

    `earlier` is the digest of the package taken in with its number; None: there is none.
    """
    number = carried.manifest.number
    if number <= standing.number:
        if carried.digest == earlier:
            return JudgedPackage("repeated", _REPEATED.format(number=number))
        return JudgedPackage("replaced", _REPLACED.format(number=number))
    missing = range(standing.number + 1, number)
    if missing:
        return JudgedPackage("gap", _GAP.format(missing=numbers_in_words(missing)), missing)
    if carried.manifest.previous != standing.digest:
        return JudgedPackage("broken", _BROKEN.format(number=number, last=standing.number))
    return JudgedPackage("next", _NEXT.format(number=number))


def numbers_in_words(numbers: Sequence[int]) -> str:
    """Return consecutive numbers as text; only the first ones if there are many."""
    if len(numbers) > _MOST_NAMED:
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


_NAME = re.compile(r"_(\d{6})_\d{14}\.zip$")


def package_faults(files: Mapping[str, CarriedFile]) -> Iterator[FileFault]:
    """Yield the faults between packages and receipts in a folder, by their names.

    Each sender, receiver, plan and kind has its own series.
    """
    return series_faults({name: _numbered(one) for name, one in files.items()}, _NAME)


def _numbered(one: CarriedFile) -> NumberedFile:
    said = one.manifest
    series = (said.sender, said.receiver, said.plan, said.format)
    return NumberedFile(series, said.number, one.digest, said.previous)
