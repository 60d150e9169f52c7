"""Checks numbered files that lie together: missing, duplicate, renamed, unchained ones. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.core.kit.file_faults import FileFault
from services.core.kit.text import Text

NOTHING_BEFORE = "0" * 64
"""The previous digest that the first file of a series carries."""


@dataclass(frozen=True, slots=True)
class NumberedFile:
    """A file of a series: its number, its digest, and the digest of the file before it.

    `previous` None: the files of the series are not chained.
    """

    series: tuple[str, ...]
    number: int
    digest: str
    previous: str | None


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
    "文件名写第 {named} 号，内容是第 {number} 号：改过名",
    "its name says number {named}, and it is number {number}: it was renamed",
)


def series_faults(files: Mapping[str, NumberedFile], name: re.Pattern[str]) -> Iterator[FileFault]:
    """Yield the faults between files, which are given by their names.

    A series may begin at any number. The first group of `name` is the number in a file's name.
    """
    series: defaultdict[tuple[str, ...], dict[int, tuple[str, NumberedFile]]] = defaultdict(dict)
    for called, one in sorted(files.items()):
        found = name.search(called)
        if found is not None and int(found[1]) != one.number:
            yield FileFault(called, _NAMED.format(named=int(found[1]), number=one.number))
        other = series[one.series].setdefault(one.number, (called, one))
        if other[1] is not one:
            words = _DOUBLED if other[1].digest == one.digest else _TWO
            yield FileFault(called, words.format(number=one.number, other=other[0]))
    for numbered in series.values():
        yield from _along(numbered)


def _along(numbered: Mapping[int, tuple[str, NumberedFile]]) -> Iterator[FileFault]:
    for number in range(min(numbered), max(numbered) + 1):
        if number not in numbered:
            yield FileFault(str(number), _LOST.format(number=number))
            continue
        called, one = numbered[number]
        before = numbered.get(number - 1)
        expected = NOTHING_BEFORE if number == 1 else None if before is None else before[1].digest
        if expected is not None and one.previous not in {None, expected}:
            yield FileFault(called, _UNCHAINED.format(number=number, last=number - 1))
