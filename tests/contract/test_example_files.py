"""The files that hold the contract's examples: each name once, nothing unused, nothing missing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from services.api.contract.__main__ import PATH
from services.api.contract.examples import (
    FOLDER,
    data_files,
    event_examples,
    example_of,
    examples,
    read,
)
from services.core.alerts.rule_set import default_rules_of

CONTRACT = yaml.load(PATH.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
FILES = [pytest.param(path, id=str(path.relative_to(FOLDER))) for path in data_files()]


def root_of(path: Path) -> yaml.MappingNode:
    """Return a file as it is written: an alias is the very node that it names."""
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return root


def nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield a node and all that it holds or refers to."""
    yield node
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from nodes(one)
    if isinstance(node, yaml.MappingNode):
        for name, one in node.value:
            yield from (name, *nodes(one))


def members(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    """Return the members of a mapping by name."""
    return {name.value: one for name, one in node.value}


def test_every_file_holds_something_and_every_example_is_shown() -> None:
    assert FILES
    assert set(examples()) == set(CONTRACT["components"]["examples"])
    assert set(event_examples()) == set(CONTRACT["webhooks"])


@pytest.mark.parametrize("path", FILES)
def test_a_file_holds_examples_or_events_and_what_they_share(path: Path) -> None:
    held = members(root_of(path)).keys()
    assert held <= {"parts", "examples", "events"}
    assert held - {"parts"}


@pytest.mark.parametrize("path", FILES)
def test_a_file_names_a_member_once(path: Path) -> None:
    for node in nodes(root_of(path)):
        if isinstance(node, yaml.MappingNode):
            names = [name.value for name, _ in node.value]
            assert len(names) == len(set(names)), f"{path.name}, {node.start_mark.line + 1}"


@pytest.mark.parametrize("path", FILES)
def test_every_part_of_a_file_is_used(path: Path) -> None:
    held = members(root_of(path))
    parts = held.pop("parts", yaml.MappingNode("", []))
    assert isinstance(parts, yaml.MappingNode)
    used = {id(node) for one in held.values() for node in nodes(one)}
    assert [name for name, one in members(parts).items() if id(one) not in used] == []


def test_an_example_that_no_file_holds_is_named() -> None:
    with pytest.raises(LookupError, match="the example Nowhere, which no examples"):
        example_of("Nowhere")


def test_an_example_that_two_files_hold_is_named_with_the_second(tmp_path: Path) -> None:
    for slice_ in ("alerts", "plan"):
        (tmp_path / slice_).mkdir()
        (tmp_path / slice_ / "examples.yaml").write_text("examples: {Same: {}}", "utf-8")
    with pytest.raises(ValueError, match=r"plan/examples.yaml: a file before it holds Same too"):
        read("examples", tmp_path)


def test_no_file_is_read_before_the_contract_is_asked_for() -> None:
    """In a process of its own: this one has read them."""
    counts = (
        "from services.api.contract.examples import event_examples, examples\n"
        "from services.api.main import create_contract_app\n"
        "create_contract_app()\n"
        "print(examples.cache_info().currsize, event_examples.cache_info().currsize)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", counts], check=True, capture_output=True, text=True, timeout=300
    )
    assert said.stdout == "0 0\n"


def test_the_alert_rules_shown_are_the_default_ones() -> None:
    assert examples()["AlertRuleSet"].value == default_rules_of("UN04").model_dump(mode="json")
