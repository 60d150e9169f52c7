"""The columns of a table: declared by the schema of a row, with headings in either language.

A member that is itself an object becomes columns, `target.value`; a list, and an object whose
members nobody declares, stays JSON in one cell.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import to_json

from services.api.exports.digits import EXACT
from services.core.kit.text import Language


class Kind(Enum):
    """The type of a column's cells."""

    TEXT = auto()
    DECIMAL = auto()
    """A number, as text without an exponent."""
    OTHER = auto()
    """An integer, a boolean, or JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, by its member's name, with dots for nested members."""

    name: str
    kind: Kind
    model: str
    """The schema that declares it."""

    def heading(self, language: Language) -> str:
        """Return its heading: in English the member's name, by which programs find it."""
        if language == "en":
            return self.name
        return "·".join(_word(self.model, part) for part in self.name.split("."))


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a list: the member of the answer that holds them, and their columns."""

    member: str
    columns: Sequence[Column]
    objects: Sequence[str]
    """The members of a row that were flattened into columns, outer ones first."""

    @classmethod
    def of(cls, member: str, columns: Sequence[Column]) -> "Table":
        """Return the table of some columns."""
        parts = [column.name.split(".") for column in columns]
        inner = {".".join(one[:at]): None for one in parts for at in range(1, len(one))}
        return cls(member, columns, tuple(inner))

    def headings(self, language: Language) -> list[str]:
        """Return the headings of all columns."""
        return [column.heading(language) for column in self.columns]

    def title(self, language: Language) -> str:
        """Return the title of its sheet."""
        if language == "en":
            return "rows" if self.member == ROWS else self.member
        return chinese()[f"sheet {self.member}"]

    def cells(self, row: Mapping[str, Any]) -> list[Any]:
        """Return a row's cells: None, text, numbers or booleans; lists as JSON."""
        flat: Any = dict(row) if self.objects else row
        for name in self.objects:
            for member, value in (flat.get(name) or {}).items():
                flat[f"{name}.{member}"] = value
        return [_plain(flat.get(column.name)) for column in self.columns]


ROWS = "items"
"""The member that holds the rows of a list."""

HEAD = "head"
"""The sheet of the members beside an answer's rows."""

_OF_PAGES = frozenset({"next_page_token", "tombstones", "has_more", "last_position"})
"""Pagination members of an answer."""

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """The tables of an answer: at least one, and the members beside them."""

    tables: Sequence[Table]
    head: Table


@cache
def shape_of(model: type[BaseModel]) -> Shape | None:
    """Return the tables of an answer; None: it is not a list.

    The rows of a list are its `items`. Another answer names in `exported` the members that are
    rows; the first of them is the table of a CSV.
    """
    members: Sequence[str] = getattr(model, "exported", (ROWS,))
    rows = {member: _row_of(model, member) for member in members}
    tables = [Table.of(name, tuple(_columns(row))) for name, row in rows.items() if row is not None]
    if not tables:
        return None
    hidden = _OF_PAGES | set(rows)
    if "tombstones" in model.model_fields:
        hidden |= {"position"}
    beside = [one for one in _columns(model) if one.name.split(".")[0] not in hidden]
    return Shape(tables, Table.of(HEAD, beside))


def _row_of(model: type[BaseModel], member: str) -> type[BaseModel] | None:
    field = model.model_fields.get(member)
    if field is None or get_origin(field.annotation) is not list:
        return None
    (row,) = get_args(field.annotation)
    return row if isinstance(row, type) and issubclass(row, BaseModel) else None


def _columns(model: type[BaseModel], before: str = "", depth: int = 1) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        called = before + (field.serialization_alias or field.alias or name)
        said = list(_parts(field.annotation))
        inner = [one for one in said if isinstance(one, type) and issubclass(one, BaseModel)]
        if len(inner) == 1 and depth < _DEEPEST:
            yield from _columns(inner[0], f"{called}.", depth + 1)
        else:
            yield Column(called, _kind([*said, *field.metadata]), model.__name__)


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the types of an annotation and their marks, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        yield from _parts(inner)
        yield from marks
    elif origin in {Union, types.UnionType}:
        for one in get_args(annotation):
            yield from _parts(one)
    elif annotation is not types.NoneType:
        yield origin or annotation


def _kind(said: Sequence[Any]) -> Kind:
    if EXACT in said or Decimal in said:
        return Kind.DECIMAL
    if {int, bool, list, dict, tuple, Any} & {one for one in said if isinstance(one, type)}:
        return Kind.OTHER
    return Kind.TEXT


@cache
def chinese() -> Mapping[str, str]:
    """Return the Chinese names of rows' members, and of sheets, by name."""
    text = Path(__file__).with_name("headings.yaml").read_text(encoding="utf-8")
    known: dict[str, str] = yaml.load(text, yaml.CSafeLoader)
    return known


def _word(model: str, name: str) -> str:
    """Return the Chinese of a member; its schema's own, if schemas use the name differently."""
    known = chinese()
    return known.get(f"{model}.{name}") or known[name]


def _plain(value: Any) -> Any:
    return to_json(value).decode() if isinstance(value, list | dict) else value
