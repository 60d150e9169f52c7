"""What a linter cannot say about the tree: who commits, who selects, how things are named."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import services.core.registry  # noqa: F401 (all tables)
from services.core.kit.database import Base
from tests.support.source_tree import (
    CORE,
    ROOT,
    SERVICES,
    calling,
    modules,
    named,
    packages_of,
    slices,
    syntax_of,
    text_of,
)

LONGEST_FILE = 400
NAMELESS = {"utils", "helpers", "common", "base", "misc"}
DOMAIN = re.compile(
    r"\b(indicator|submission|plan|milestone|alert|webhook|score)s?\b", re.IGNORECASE
)


def test_only_queries_select() -> None:
    others = [path for path in slices() if path.name != "queries.py"]
    assert calling("select", others) == []


def test_a_period_comes_from_the_calendar_of_its_plan() -> None:
    # A code means other days where years begin in April: who guesses January guesses wrong.
    others = [path for path in modules(SERVICES) if path != CORE / "plan" / "periods.py"]
    assert calling("Period", others) == []
    outside = [path for path in others if path != CORE / "plan" / "document.py"]
    assert calling("PeriodCalendar", outside) == []


def test_no_file_is_too_long_to_read() -> None:
    folders = ("services", "migrations", "bench", "tests", "docs")
    files = [path for name in folders for path in modules(ROOT / name)]
    long = [path for path in files if len(text_of(path).splitlines()) > LONGEST_FILE]
    assert named(long) == []


def test_every_module_has_a_name() -> None:
    parts = {path: {*path.parts[:-1], path.stem} for path in modules(SERVICES)}
    assert named(path for path, names in parts.items() if names & NAMELESS) == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in modules(SERVICES) if not ast.get_docstring(syntax_of(path))]
    assert named(silent) == []


def _says_the_domain(path: Path) -> bool:
    return DOMAIN.search(text_of(path).replace("_", " ")) is not None


def test_kit_holds_no_word_of_the_domain() -> None:
    said = [path for path in modules(CORE / "kit") if _says_the_domain(path)]
    assert named(said) == []


METRICS = {
    SERVICES / "api" / "metrics.py",
    SERVICES / "worker" / "metrics.py",
    CORE / "kit" / "process_metrics.py",
}
"""Each door's, and those of every process."""


def test_one_module_a_door_declares_metrics() -> None:
    others = [path for path in modules(SERVICES) if path not in METRICS]
    kinds = ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
    importing = [path for path in others if "prometheus_client" in packages_of(path)]
    assert [place for kind in kinds for place in calling(kind, importing)] == []


def test_a_public_type_means_one_thing_in_core() -> None:
    """A name that is searched for leads to one place; `Mapped` tables count as well."""
    places: dict[str, list[str]] = {}
    for path in slices() + modules(CORE / "kit"):
        for node in syntax_of(path).body:
            match node:
                case ast.ClassDef(name=name):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)]) if not name.isupper():
                    pass
                case _:
                    continue
            if name[0].isupper():
                places.setdefault(name, []).append(str(path.relative_to(CORE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


PEN = CORE / "events" / "statements.py"
"""The one module that holds the text which writes an event."""

EVENT_TEXT = re.compile(r"\b(INSERT|MERGE)\s+INTO\s+(event|event_pending)\b", re.IGNORECASE)
EVENT_TABLES = {"Event", "PendingEvent"}


def _writes_of_events(path: Path) -> list[str]:
    """Return where a module inserts events, by text of its own or through the tables' classes."""
    found = []
    for node in ast.walk(syntax_of(path)):
        match node:
            case ast.Constant(value=str() as said) if EVENT_TEXT.search(said):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            case (
                ast.Call(func=ast.Name(id="insert"), args=[ast.Name(id=name), *_])
                | ast.Call(func=ast.Name(id=name))
            ) if name in EVENT_TABLES:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_one_module_writes_events() -> None:
    """Tests of migrations write what the tables were once, not what they are today."""
    places = [*modules(SERVICES), *modules(ROOT / "tests"), *modules(ROOT / "bench")]
    others = [path for path in places if path != PEN and path.parts[-2] != "migrations"]
    assert _writes_of_events(PEN), "the pen is recognized"
    assert [place for path in others for place in _writes_of_events(path)] == []


CURSOR_TEXT = re.compile(r"\b(INTO|UPDATE)\s+reader_cursor\b", re.IGNORECASE)


def test_one_module_moves_the_cursors_of_readers() -> None:
    moving = [path for path in modules(SERVICES) if CURSOR_TEXT.search(text_of(path))]
    assert named(moving) == ["services/core/events/statements.py"]


SQL_TEXT = re.compile(
    r"\b(SELECT|INSERT\s+INTO|UPDATE\s+\w+|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|LOCK\s+TABLE"
    r"|(CREATE|DROP|ALTER)\s+(TEMP\w*\s+)?(TABLE|DATABASE)|ANALYZE|SET\s+LOCAL|pg_notify)\b"
)

SQL_ROLES = {
    "queries",  # what is read, each text above the function that runs it
    "statements",  # text that stands apart from what runs it: what writes, what has many parts
    "visibility",  # plan: who sees what, as a condition for every slice above
    "conditions",  # milestones: what a caller may see, as a condition for the slices above too
    "sources",  # alerts: where each rule finds what it watches, as parts of its statements
}
"""The files of a slice that hold SQL as text."""

SQL_PLUMBING = {
    "services/core/kit/database.py": "names locked, and how a transaction is planned",
    "services/core/kit/schema.py": "which revision a database has",
    "services/core/kit/server_standing.py": "how a server stands",
    "services/core/kit/wal_watch.py": "how far a server is",
    "services/core/kit/rested_connections.py": "whether a connection is alive",
    "services/core/kit/city_scope.py": "which city a connection is in",
    "services/core/kit/city_wall.py": "the policies by city",
    "services/core/kit/service_role.py": "what the role of the services may do",
    "services/core/kit/statistics.py": "what the planner knows of the tables",
    "services/core/kit/partitions.py": "how a table is cut in parts",
    "services/console/room.py": "whether a file can be written",
    "services/console/embedded/postgres.py": "a database made where the server is ours",
}
"""Files outside the slices that hold SQL as text, and what it is about: no row of a tenant."""


NUMBERED_PARAMETER = re.compile(r"\$\d")


def _strings(path: Path) -> list[tuple[int, str]]:
    """Return the texts in a module's code with their lines; no docstrings."""
    tree = syntax_of(path)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


def test_no_parameter_of_a_statement_is_numbered_by_hand() -> None:
    """`kit.statements` numbers them: who adds one would have to renumber those behind it."""
    assert NUMBERED_PARAMETER.search("WHERE city_code = $1")
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules(SERVICES)
        for line, text in _strings(path)
        if NUMBERED_PARAMETER.search(text)
    ]
    assert found == []


def _holds_sql(path: Path) -> bool:
    return any(SQL_TEXT.search(text) for _, text in _strings(path))


def test_sql_stands_where_one_looks_for_it() -> None:
    roles = [path for path in slices() if path.stem in SQL_ROLES]
    plumbing = [ROOT / name for name in SQL_PLUMBING]
    assert {path.stem for path in roles if _holds_sql(path)} == SQL_ROLES
    assert named(path for path in plumbing if not _holds_sql(path)) == []
    others = [path for path in modules(SERVICES) if path not in {*roles, *plumbing}]
    assert named(path for path in others if _holds_sql(path)) == []


def _undescribed(path: Path) -> list[str]:
    """Return the public names that a module gives a value and no line of description."""
    body = syntax_of(path).body
    found = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                match after:
                    case ast.Expr(value=ast.Constant(value=str())):
                        pass
                    case _:
                        found.append(f"{path.relative_to(ROOT)}: {name}")
    return found


def test_every_statement_says_what_it_answers() -> None:
    places = [path for path in slices() if path.stem == "statements"]
    assert [name for path in places for name in _undescribed(path)] == []


NAMED_BY_US = {"approved", "page", "w", "i", "r"}
"""What our statements call a part of themselves, whose columns they name."""

STAR = re.compile(r"\b(?:(\w+)\.\*|SELECT \*\s+FROM (\w+)(?!\w|\())")


def test_no_statement_asks_for_whatever_columns_a_table_has() -> None:
    """A column more changes what a prepared statement answers, and fails it."""
    tables = set(Base.metadata.tables)
    found = []
    for path in modules(SERVICES):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for prefix, table in STAR.findall(node.value):
                    if (prefix and prefix not in NAMED_BY_US) or table in tables:
                        found.append(f"{path.name}: {prefix or table}")
    assert found == []


def _top_level(path: Path) -> Iterator[str]:
    """Yield the names that a module gives to its functions, types and values."""
    for node in syntax_of(path).body:
        match node:
            # What a decorator has is used by it: a route, a fixture, a listener.
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not node.decorator_list:
                    yield node.name
            case ast.Assign(targets=targets):
                yield from (one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case _:
                pass


def _words(path: Path) -> Counter[str]:
    return Counter(re.findall(r"\w+", text_of(path)))


def test_nothing_is_kept_that_nobody_uses() -> None:
    """A name that nothing else says: of a module's own within it, of another in all of the tree."""
    files = [one for name in ("services", "tests", "bench") for one in modules(ROOT / name)]
    known = {one.class_.__name__ for one in Base.registry.mappers}
    everywhere = Counter({"main": 2})
    for one in files:
        everywhere.update(_words(one))
    unused = []
    for path in files:
        within = _words(path)
        for name in _top_level(path):
            own = name.startswith("_") or path.name.startswith("test_")
            says = within if own else everywhere
            found = name in known or name.startswith(("__", "test_", "pytest", "Test"))
            if says[name] == 1 and not found:
                unused.append(f"{path.relative_to(ROOT)}: {name}")
    assert unused == []
