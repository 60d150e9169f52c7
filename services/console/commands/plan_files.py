"""Reads a plan document from a file, in whatever encoding an editor saved it, as a plan."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.core.kit.errors import DomainError, Fault
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.exact_yaml import lines_of, read_yaml_text
from services.core.kit.text import Language, Text
from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks that Notepad and Excel write before a text."""

_HOW_TO_SAVE = Text(
    "无法识别文件的编码：请在编辑器中另存为 UTF-8（记事本：另存为，编码选 UTF-8；"
    "工作簿不能作为计划文档）",
    "The encoding of the file is not known: save it as UTF-8 (in Notepad: Save as, encoding"
    " UTF-8; a workbook is no plan document)",
)


class UnreadablePlan(Exception):
    """The faults of a file, as lines for a terminal."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan read from a file; `encoding` is the file's, if not UTF-8."""

    document: PlanDocument
    encoding: str | None


def read_plan_file(file: Path, language: Language) -> PlanFile:
    """Return the plan in a file: JSON if its name says so, else YAML.

    Raises:
        UnreadablePlan: it has faults, which are all reported, with their lines.
        OSError: it cannot be opened.
    """
    body = file.read_bytes()
    text = ""
    try:
        text, encoding = _decoded(body)
        is_json = file.suffix.lower() == ".json"
        value = read_json(text.encode()) if is_json else read_yaml_text(text)
        return PlanFile(read_document(value), encoding)
    except DomainError as error:
        raise UnreadablePlan(_told(error, text, language)) from None


def _decoded(body: bytes) -> tuple[str, str | None]:
    """Return the text of a file and, unless it is UTF-8, the name of its encoding."""
    try:
        for mark, encoding in _MARKS:
            if body.startswith(mark):
                text = body.removeprefix(mark).decode(encoding)
                return text, None if encoding == "utf-8" else encoding.upper()[:6]
        if b"\x00" in body:
            raise MalformedBody(_HOW_TO_SAVE)
        return _without_a_mark(body)
    except UnicodeDecodeError:
        raise MalformedBody(_HOW_TO_SAVE) from None


def _without_a_mark(body: bytes) -> tuple[str, str | None]:
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        text = body.decode("gb18030")
    # Bytes in another encoding decode into some private or unassigned characters.
    if not all(character.isprintable() or character.isspace() for character in text):
        raise MalformedBody(_HOW_TO_SAVE)
    return text, "GB18030"


_FAULT = Text(
    "  第 {line} 行，{pointer}：{detail}（{code}）{value}",
    "  line {line}, {pointer}: {detail} ({code}){value}",
)


def _told(error: DomainError, text: str, language: Language) -> str:
    """Return a refusal as lines: its title, then every fault with its line and its path."""
    begins = lines_of(text) if error.faults else {}
    placed = sorted(((_line(fault.pointer, begins), fault) for fault in error.faults), key=_first)
    told = [f"{(error.detail or error.title).in_(language)} ({error.code})"]
    told += [
        _FAULT.format(
            line=line,
            pointer=fault.pointer or "/",
            detail=fault.detail.in_(language),
            code=fault.code,
            value="" if fault.value is None else f": {fault.value}",
        ).in_(language)
        for line, fault in placed
    ]
    return "\n".join(told)


def _first(placed: tuple[int, Fault]) -> int:
    return placed[0]


def _line(pointer: str, begins: Mapping[str, int]) -> int:
    """Return the line where a member begins, or where the one that lacks it does."""
    while pointer and pointer not in begins:
        pointer = pointer.rpartition("/")[0]
    return begins.get(pointer, 1)
