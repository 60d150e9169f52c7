"""The source of the services as a tree: its modules, what they import and what they call."""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
CORE = SERVICES / "core"


def modules(folder: Path) -> list[Path]:
    """Return the modules below a folder, in order."""
    return sorted(folder.rglob("*.py"))


def slices() -> list[Path]:
    """Return the modules of the slices of core."""
    return [path for path in modules(CORE) if path.parent not in {CORE, CORE / "kit"}]


def named(paths: Iterable[Path]) -> list[str]:
    """Return paths as they are called from the top of the tree."""
    return [str(path.relative_to(ROOT)) for path in paths]


def text_of(path: Path) -> str:
    """Return what stands in a module."""
    return path.read_text(encoding="utf-8")


def syntax_of(path: Path) -> ast.Module:
    """Return the syntax of a module."""
    return ast.parse(text_of(path))


def calling(wanted: str, paths: Iterable[Path]) -> list[str]:
    """Return where `wanted` is called; with a dot it is a method's name."""
    found = []
    for path in paths:
        for node in ast.walk(syntax_of(path)):
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) if f".{name}" == wanted:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
                case ast.Call(func=ast.Name(id=name)) if name == wanted:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def packages_of(path: Path) -> set[str]:
    """Return the top packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(syntax_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}
