"""Reads the contract's examples from the data files beside the routes.

A file named `examples.yaml`, or `…_examples.yaml`, holds `examples` by the name that a route gives
to `asking` or `answering`, or `events` by their type. Its `parts` are shared by several examples.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).resolve().parents[1]
"""The folder of the API; its data files, and those of its subfolders, are read."""

EXAMPLES = "*examples.yaml"
"""The glob of example files."""


class Example(NamedTuple):
    """A value as it is sent over the wire."""

    summary: str
    value: Any


class EventExample(NamedTuple):
    """An example event: a summary, the kind and id of its subject, and its data."""

    summary: str
    subject: tuple[str, str]
    data: Mapping[str, Any]


@cache
def examples() -> Mapping[str, Example]:
    """Return the examples of bodies, by the name of their component.

    Raises:
        ValueError: two files define one of the same name.
    """
    return {name: Example(**one) for name, one in read("examples").items()}


@cache
def event_examples() -> Mapping[str, EventExample]:
    """Return one event of every type.

    Raises:
        ValueError: two files define one of the same type.
    """
    return {
        type_: EventExample(
            one["summary"], (one["subject"]["kind"], one["subject"]["id"]), one["data"]
        )
        for type_, one in read("events").items()
    }


def example_of(name: str) -> Example:
    """Return the example that a route names.

    Raises:
        LookupError: no data file has one of this name.
        ValueError: two files define one of the same name.
    """
    if name not in examples():
        raise LookupError(f"a route shows the example {name}, which no examples.yaml holds")
    return examples()[name]


def data_files(folder: Path = FOLDER, files: str = EXAMPLES) -> list[Path]:
    """Return the data files of a glob, such as those with examples, ordered by path."""
    return sorted(folder.rglob(files))


def read(kind: str, folder: Path = FOLDER, *, files: str = EXAMPLES) -> Mapping[str, Any]:
    """Return the content of one kind (`examples`, `events`) in all data files.

    Raises:
        ValueError: two files define one of the same name.
    """
    found: dict[str, Any] = {}
    for path in data_files(folder, files):
        held = _held_by(path).get(kind, {})
        if twice := sorted(found.keys() & held.keys()):
            raise ValueError(f"{path.relative_to(folder)}: a file before it holds {twice[0]} too")
        found |= held
    return found


@cache
def _held_by(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the content of a data file by kind; each file is parsed once."""
    found: Mapping[str, Mapping[str, Any]] = yaml.load(
        path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found
