"""The numbers of carried files: what comes next, what is lost, what came twice. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.core.kit.file_faults import FileFault
from services.core.kit.text import Text
from services.core.packages.manifests import NOTHING_BEFORE, CarriedFile

_MOST_NAMED = 20

SeriesVerdict = Literal["next", "repeated", "replaced", "gap", "broken"]
"""`repeated`: the same file again. `replaced`: another file of a number that was taken in."""


@dataclass(frozen=True, slots=True)
class SeriesStanding:
    """The last package that was taken in: its number and its digest."""

    number: int = 0
    digest: str = NOTHING_BEFORE


@dataclass(frozen=True, slots=True)
class JudgedPackage:
    """What a package is after those that were taken in, and in words; `missing` are numbers."""

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
    """Return what a package is to an installation that stands there.

    `earlier` is the digest of what was taken in under its number; None: nothing was.
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
    """Return some numbers in a row, the first of many."""
    if len(numbers) > _MOST_NAMED:
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


_DOUBLED = Text(
    "第 {number} 号有两份相同的文件，另一份是 {other}",
    "number {number} is here twice, the other one is {other}",
)
_TWO = Text(
    "第 {number} 号有两份不同的文件，另一份是 {other}",
    "there are two different files of number {number}, the other one is {other}",
)
_LOST = Text("缺少第 {number} 号", "number {number} is missing")
_UNCHAINED = Text(
    "第 {number} 号接的不是第 {last} 号：链条断开",
    "number {number} does not follow number {last}: the chain is broken",
)
_NAMED = Text(
    "文件名写第 {named} 号，清单写第 {number} 号：改过名",
    "its name says number {named}, its manifest number {number}: it was renamed",
)
_NAME = re.compile(r"_(\d{6})_\d{14}\.zip$")


def series_faults(files: Mapping[str, CarriedFile]) -> Iterator[FileFault]:
    """Yield what is wrong between files that lie together, by their names: doubles, gaps, breaks.

    Each sender and receiver, plan and kind has a series of its own; it may begin at any number.
    """
    series: defaultdict[tuple[str, ...], dict[int, tuple[str, CarriedFile]]] = defaultdict(dict)
    for name, one in sorted(files.items()):
        found = _NAME.search(name)
        if found is not None and int(found[1]) != one.manifest.number:
            said = _NAMED.format(named=int(found[1]), number=one.manifest.number)
            yield FileFault(name, said)
        key = (one.manifest.sender, one.manifest.receiver, one.manifest.plan, one.manifest.format)
        number = one.manifest.number
        other = series[key].setdefault(number, (name, one))
        if other[1] is not one:
            words = _DOUBLED if other[1].digest == one.digest else _TWO
            yield FileFault(name, words.format(number=number, other=other[0]))
    for numbered in series.values():
        yield from _along(numbered)


def _along(numbered: Mapping[int, tuple[str, CarriedFile]]) -> Iterator[FileFault]:
    for number in range(min(numbered), max(numbered) + 1):
        if number not in numbered:
            yield FileFault(str(number), _LOST.format(number=number))
            continue
        name, one = numbered[number]
        before = numbered.get(number - 1)
        previous = one.manifest.previous
        if before is not None and previous not in {None, before[1].digest}:
            yield FileFault(name, _UNCHAINED.format(number=number, last=number - 1))
        if number == 1 and previous not in {None, NOTHING_BEFORE}:
            yield FileFault(name, _UNCHAINED.format(number=number, last=0))
