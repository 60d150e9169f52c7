"""Days that callers write are written days: a number is none, and neither is an instant."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAID = {"Said"}


def _takes_any_date(annotation: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "date" for one in ast.walk(annotation))


def bare_dates(source: str) -> list[int]:
    """Return the lines at which a body or a query parameter takes whatever is a date somehow."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and SAID & {ast.unparse(base) for base in node.bases}:
            said = [one.annotation for one in node.body if isinstance(one, ast.AnnAssign)]
        elif isinstance(node, ast.AsyncFunctionDef):
            said = [
                one.annotation
                for one in node.args.args
                if one.annotation is not None and "Query(" in ast.unparse(one.annotation)
            ]
        else:
            continue
        found += [one.lineno for one in said if _takes_any_date(one)]
    return found


def test_a_date_that_is_taken_as_it_comes_is_noticed() -> None:
    body = (
        "class A(Said):\n    on: date | None = None\n    at: Day\n\nclass B(Out):\n    on: date\n"
    )
    query = "async def f(day: Annotated[date | None, Query()] = None, last: Day = None): ...\n"
    assert (bare_dates(body), bare_dates(query)) == ([2], [1])


@pytest.mark.parametrize(
    "path", sorted((ROOT / "services/api").rglob("*.py")), ids=lambda path: path.name
)
def test_whoever_asks_for_a_day_takes_a_written_one(path: Path) -> None:
    assert bare_dates(path.read_text(encoding="utf-8")) == []
