"""Reads YAML 1.2 (core schema, section 10.3) into the shapes that JSON has.

libyaml splits the text into events, and this module decides what a plain scalar means: `017` is 17,
`1:30` and `yes` are text, and `0.10` keeps its digits. One pass checks every limit before it builds
anything, so the time is linear in the length of the text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from services.core.kit.exact_data import (
    DEEPEST,
    LONGEST_INTEGER,
    MOST_MEMBERS,
    MOST_VALUES,
    MalformedBody,
    check_value,
    too_deep,
)
from services.core.kit.faults import pointer
from services.core.kit.text import Text

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
_BOOLEANS["FALSE"] = False
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o(?P<octal>[0-7]+)|0x(?P<hexadecimal>[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# libyaml compares each directive with all before it, and no document of ours needs one.
_TAG_DIRECTIVE = re.compile(r"^%TAG", re.MULTILINE)
_TAGS = "tag:yaml.org,2002:"
_KINDS: Mapping[str, frozenset[type]] = {
    "null": frozenset({type(None)}),
    "bool": frozenset({bool}),
    "int": frozenset({int, Decimal}),
    "float": frozenset({int, Decimal}),
}
_START = frozenset({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "+", "-", "."})

_PROBLEMS: Mapping[str, str] = {
    "mapping values are not allowed in this context": "此处不能出现“: ”，含冒号的文本须加引号",
    "did not find expected key": "缩进不一致，或引号之后还有文字",
    "did not find expected '-'": "列表项的缩进不一致",
    "did not find expected ',' or ']'": "方括号列表中缺少逗号或右括号",
    "did not find expected ',' or '}'": "花括号对象中缺少逗号或右括号",
    "did not find expected <document start>": "文档之后还有内容",
    "found character that cannot start any token": "此字符不能用作开头（常见为制表符，请改用空格）",
    "found unexpected end of stream": "引号或括号没有结束",
    "could not find expected ':'": "缺少冒号",
    "found unknown escape character": "双引号中的反斜杠转义无效",
    "control characters are not allowed": "含有控制字符",
    "block sequence entries are not allowed in this context": "此处不能开始列表项",
}
"""Chinese for libyaml's commonest messages, by how they begin; others appear in English only."""


def read_yaml(body: bytes) -> Any:
    """Return the value of a YAML text in JSON's shapes: numbers exact, dates as text.

    Member names are text, whatever they look like.

    Raises:
        MalformedBody: not UTF-8, not YAML, aliases, tags of other kinds, a name twice, too
            deep, too many values.
    """
    try:
        return read_yaml_text(body.decode())
    except UnicodeDecodeError:
        raise MalformedBody(
            Text("不是 UTF-8 编码，请另存为 UTF-8", "Not UTF-8: save it as UTF-8")
        ) from None


def read_yaml_text(text: str) -> Any:
    """Return the value of a YAML text, as `read_yaml` does."""
    try:
        value = _Reading(_events(text)).document()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None
    except yaml.YAMLError as error:
        raise _refused("含有不允许的字符", " ".join(str(error).split())[:200]) from None
    check_value(value)
    return value


def lines_of(text: str) -> Mapping[str, int]:
    """Return, by JSON pointer, the line from 1 on which each member of a YAML or JSON text begins.

    Members after a syntax error are missing.
    """
    found: dict[str, int] = {}
    with suppress(yaml.YAMLError, MalformedBody):
        _Reading(_events(text), lambda path, line: found.setdefault(pointer(path), line)).document()
    return found


def _not_yaml(error: yaml.MarkedYAMLError) -> MalformedBody:
    mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context)
    zh = next((zh for said, zh in _PROBLEMS.items() if problem.startswith(said)), "语法有误")
    if mark is None:
        return _refused(zh, problem)
    return _refused(zh, problem, mark)


def _refused(zh: str, en: str, mark: Any = None) -> MalformedBody:
    if mark is None:
        return MalformedBody(Text(f"不是有效的 YAML：{zh}", f"Not valid YAML: {en}"))
    line, column = mark.line + 1, mark.column + 1
    return MalformedBody(
        Text(
            f"不是有效的 YAML，第 {line} 行第 {column} 列：{zh}",
            f"Not valid YAML, line {line}, column {column}: {en}",
        )
    )


def _events(text: str) -> Iterator[Any]:
    """Yield the parser events of the text; refuse aliases and too many events."""
    if _TAG_DIRECTIVE.search(text):
        raise _refused("不接受 %TAG 指令", "%TAG directives are not taken")
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise _refused("不接受别名（*）", "aliases are not allowed", event.start_mark)
        if number > MOST_VALUES * 2:  # names are events too
            raise _refused(f"数值多于 {MOST_VALUES} 个", f"more than {MOST_VALUES} values")
        yield event


class _Reading:
    """Builds a value from parser events; `seen` is called with each member's path and line."""

    def __init__(
        self,
        events: Iterator[Any],
        seen: Callable[[tuple[str | int, ...], int], object] | None = None,
    ) -> None:
        self._events = events
        self._seen = seen

    def document(self) -> Any:
        """Return the value of the only document; None if there is none."""
        self._next()  # the stream's start
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            return None
        value = self._value(self._next(), ())
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise _refused("应只有一份文档", "more than one document", after.start_mark)
        return value

    def _tell(self, path: tuple[str | int, ...], event: Any) -> None:
        if self._seen is not None:
            self._seen(path, event.start_mark.line + 1)

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any, path: tuple[str | int, ...]) -> Any:
        self._tell(path, event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if len(path) >= DEEPEST:
            raise too_deep()
        if isinstance(event, yaml.MappingStartEvent):
            _require_tag(event, "map")
            return self._mapping(path)
        _require_tag(event, "seq")
        return self._sequence(path)

    def _mapping(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused("名称应为文本", "a name must be text", event.start_mark)
            name: str = event.value
            if name in members:
                raise _refused("名称重复", "a name occurs twice", event.start_mark)
            if len(members) >= MOST_MEMBERS:
                raise _refused(
                    f"对象的成员多于 {MOST_MEMBERS} 个",
                    f"a mapping of more than {MOST_MEMBERS} members",
                    event.start_mark,
                )
            where = (*path, name)
            self._tell(where, event)
            members[name] = self._value(self._next(), where)
        return members

    def _sequence(self, path: tuple[str | int, ...]) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


def _require_tag(event: Any, name: str) -> None:
    if event.tag not in {None, "!", _TAGS + name}:
        raise _refused("不接受此标签", "a tag that is not taken", event.start_mark)


def _scalar(event: Any) -> Any:
    """Return a scalar's value: by the core schema if it is plain, else its text."""
    if event.tag is None:
        return _plain(event) if event.implicit[0] else event.value
    kind = event.tag.removeprefix(_TAGS)
    if kind in {"!", "str"}:
        return event.value
    value = _plain(event)
    if kind not in _KINDS or type(value) not in _KINDS[kind]:
        raise _refused("不接受此标签，或与内容不符", "a tag that does not fit", event.start_mark)
    return value


def _plain(event: Any) -> Any:
    text: str = event.value
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _START:
        return text
    return _number(text, event)


def _number(text: str, event: Any) -> Any:
    """Return the number that a plain scalar spells, or the text if it spells none."""
    if _INTEGER.fullmatch(text):
        # A number of thousands of digits stays a Decimal, which is refused later with its pointer.
        return int(text) if len(text) <= LONGEST_INTEGER else Decimal(text)
    based = _BASED.fullmatch(text)
    if based is not None:
        return int(based["octal"], 8) if based["octal"] else int(based["hexadecimal"], 16)
    if _FLOAT.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:
            raise _refused("数值超出范围", "a number out of range", event.start_mark) from None
    if _NO_NUMBER.fullmatch(text):
        return Decimal(text.replace(".", "").lower())
    return text
