"""Roles are known in `identity` alone: what one sees and may do is decided there for all slices.

And every statement of core that reads for a caller takes its condition from `plan.visibility`.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from services.core.identity.rules import ROLES

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
CORE = SERVICES / "core"
IDENTITY = CORE / "identity"
VISIBILITY = "services.core.plan.visibility"

OTHER_SENSES: Mapping[str, set[str]] = {
    "api/alerts/rule_routes.py": {"office"},  # a member of the rules: the unit of last resort
    "api/board/leader_reading.py": {"lead"},  # which units are compared
    "api/board/visitors.py": {"office"},  # a page
    "api/contract/naming.py": {"lead", "office"},  # a list of parties that has a name
    "api/milestones/progress_routes.py": {"lead"},  # what progress is added up by
    "api/milestones/schemas.py": {"lead"},  # the same
    "api/scoring/ranking_routes.py": {"lead"},  # which units are compared
    "api/scoring/ranking_views.py": {"lead"},  # the same
    "core/alerts/escalation.py": {"lead", "office"},  # parties of a stage
    "core/alerts/late.py": {"office"},  # a party that has to act
    "core/alerts/rule_set.py": {"lead", "leader", "office"},  # parties, and posts in a unit
    "core/alerts/sources.py": {"office"},  # a party that has to act
    "core/milestones/rights.py": {"lead"},  # a unit's part in a measure
    "core/observations/differing.py": {"lead", "office"},  # who has to decide on a difference
    "core/plan/leads.py": {"lead"},  # the same
    "core/scoring/ranking.py": {"lead"},  # which units are compared
    "core/plan/member_words.py": {"office", "superior"},  # members of a plan document
    "core/plan/observing.py": {"lead", "office"},  # who has to decide on a difference
}
"""Where a word that is a role's name too says something else."""

SHOWN: Mapping[str, set[str]] = {
    "api/contract/webhooks.py": {"office"},  # an example of an event
    "console/demo/story.py": {"lead", "office", "reporter"},  # the keys that the demo makes
}
"""Where a role stands as data that is shown or made."""

KEPT = {"core/webhooks/queries.py"}
"""Where a kept role is compared with that of the key: whether it is still the same."""

TEXT = re.compile(rf"\brole\b.{{0,40}}'({'|'.join(ROLES)})'", re.DOTALL)
READS = {"execute", "scalar", "scalars", "get", "fetch", "fetchrow", "fetchval"}
WRITES = {"insert", "update", "delete"}


def _modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if IDENTITY not in path.parents]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return str(path.relative_to(SERVICES))


def _is_role(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="role") | ast.Name(id="role"):
            return True
        case _:
            return False


def _decisions(tree: ast.Module) -> Iterator[int]:
    """Yield the lines on which something depends on a role: compared, looked up, matched."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                asked = [left, *others]
            case ast.Subscript(slice=key):
                asked = [key]
            case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
                asked = [key]
            case ast.Match(subject=subject):
                asked = [subject]
            case _:
                continue
        if any(_is_role(one) for one in asked):
            yield getattr(node, "lineno", 0)


def test_no_role_is_named_outside_identity() -> None:
    found: dict[str, set[str]] = {}
    for path in _modules(SERVICES):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Constant) and node.value in ROLES:
                found.setdefault(_name(path), set()).add(node.value)
    assert found == {**OTHER_SENSES, **SHOWN}


def test_nothing_depends_on_a_role_outside_identity() -> None:
    found = {_name(path) for path in _modules(SERVICES) if any(_decisions(_tree(path)))}
    assert found == KEPT


def test_no_text_of_sql_names_a_role_outside_identity() -> None:
    named = [
        f"{_name(path)}:{node.lineno}"
        for path in _modules(CORE)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and TEXT.search(node.value)
    ]
    assert named == []


@pytest.mark.parametrize(
    "text",
    [
        "actor.role == name",
        "name in {actor.role}, actor.role in names",
        "table[token.role]",
        "table.get(role)",
        "match actor.role:\n    case _: pass",
    ],
)
def test_what_depends_on_a_role_is_found(text: str) -> None:
    assert list(_decisions(ast.parse(text)))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _imported(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Return by local name the module and the name that it is imported from."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _defined(tree: ast.Module) -> dict[str, ast.AST]:
    """Return by name what a module defines."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = node
            case ast.Assign(targets=targets):
                found |= {
                    one.id: node
                    for target in targets
                    for one in ast.walk(target)
                    if isinstance(one, ast.Name)
                }
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
            case _:
                continue
    return found


def _passes(module: str, node: ast.AST, seen: set[tuple[str, str]]) -> bool:
    """Return whether something calls, itself or through others of core, what decides who sees."""
    path = ROOT / (module.replace(".", "/") + ".py")
    tree = _tree(path)
    imported, defined = _imported(tree), _defined(tree)
    for part in ast.walk(node):
        match part:
            case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in imported:
                wanted = (".".join(imported[holder]), name)
            case ast.Name(id=name) if name in imported:
                wanted = imported[name]
            case ast.Name(id=name) if name in defined:
                wanted = (module, name)
            case _:
                continue
        if wanted[0] == VISIBILITY:
            return True
        if wanted in seen or not wanted[0].startswith("services.core."):
            continue
        seen.add(wanted)
        there = ROOT / (wanted[0].replace(".", "/") + ".py")
        if there.exists():
            next_node = _defined(_tree(there)).get(wanted[1])
            if next_node is not None and _passes(wanted[0], next_node, seen):
                return True
    return False


def _reads_for_a_caller(function: Function) -> bool:
    given = [*function.args.args, *function.args.kwonlyargs]
    kinds = {ast.unparse(one.annotation) for one in given if one.annotation is not None}
    if "Actor" not in kinds or not kinds & {"AsyncSession", "asyncpg.Connection"}:
        return False
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"session", "connection"}
        and not any(isinstance(part, ast.Name) and part.id in WRITES for part in ast.walk(node))
        for node in ast.walk(function)
    )


LET_IN: Mapping[str, str] = {
    "core/assessments/queries.py:history": "the changes of an assessment that was found visible",
    "core/registers/queries.py:history": "the changes of a row that was found visible",
    "core/submissions/queries.py:_as_seen": "rows that were found visible, as they stood",
    "core/submissions/queries.py:history": "the changes of a row that was found visible",
}
"""What reads for a caller who was shown the row already, and why it asks who the caller is."""


def test_every_statement_that_reads_for_a_caller_passes_through_visibility() -> None:
    reading, past = set(), set()
    for path in _modules(CORE):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(_tree(path)):
            if isinstance(node, Function) and _reads_for_a_caller(node):
                name = f"{_name(path)}:{node.name}"
                reading.add(name)
                if not _passes(module, node, set()):
                    past.add(name)
    assert past == set(LET_IN)
    assert len(reading) > len(LET_IN) + 20
