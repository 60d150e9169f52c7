"""Changes that Citus refuses wherever they stand, though they name one city.

What an expression yields at a node has to be what it yields at the coordinator. So an UPDATE or
DELETE may hold nothing volatile, nothing that depends on time or settings within CASE or COALESCE
or together with a column, and RETURNING and DO UPDATE no such thing at all. What a sub-select of
FROM yields is taken as if it stood where it is used. What is inserted may depend on time: it is
worked out before it is sent. And so may the parts of a WITH that only read.

What a function is the catalogue of PostgreSQL says (`pg_proc.provolatile`); here are those that
statements of ours call.
"""

from collections.abc import Collection, Iterator
from typing import Any

from pglast import ast

VOLATILE = frozenset(
    {
        "clock_timestamp",
        "gen_random_uuid",
        "nextval",
        "pg_notify",
        "random",
        "timeofday",
        "txid_current",
        "uuidv4",
        "uuidv7",
    }
)
"""What may yield another value each time."""

STABLE = frozenset(
    {
        "array_to_string",
        "concat",
        "concat_ws",
        "date_trunc",
        "format",
        "jsonb_build_array",
        "jsonb_build_object",
        "now",
        "row_to_json",
        "statement_timestamp",
        "to_char",
        "to_date",
        "to_json",
        "to_jsonb",
        "transaction_timestamp",
    }
)
"""What yields the same within one statement only."""

_CLOCK = frozenset({"now", "statement_timestamp", "transaction_timestamp"})
_CHANGES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)
_QUERIES = (ast.SelectStmt, *_CHANGES)
_UNSTEADY = VOLATILE | STABLE


def refused_changes(statement: ast.Node) -> tuple[str, ...]:
    """Return what Citus refuses in the changes of a statement; empty: nothing."""
    found = [said for change in within(statement, _CHANGES) for said in _refused(change)]
    if "pg_notify" in _called(statement) and any(within(statement, (ast.RangeVar,))):
        found.append("pg_notify stands in a statement on tables")
    return tuple(dict.fromkeys(found))


def _refused(change: Any) -> Iterator[str]:
    if isinstance(change, ast.InsertStmt):
        for name in _called(change.onConflictClause, _QUERIES, wanted=_UNSTEADY):
            yield f"DO UPDATE depends on {name}"
    else:
        values = getattr(change, "targetList", None)
        others = getattr(change, "fromClause", None) or getattr(change, "usingClause", None)
        for name in _called((values, change.whereClause, others)):
            yield f"a change depends on {name}, which is volatile"
        yielded = [each.subquery.targetList for each in within(others, (ast.RangeSubselect,))]
        yield from _refused_in((values, change.whereClause, yielded))
    for name in _called(change.returningClause, _QUERIES, wanted=_UNSTEADY):
        yield f"RETURNING depends on {name}"


def _refused_in(expressions: Any) -> Iterator[str]:
    for choice in within(expressions, (ast.CaseExpr, ast.CoalesceExpr), _QUERIES):
        for name in _called(choice, _QUERIES, wanted=_UNSTEADY):
            yield f"CASE or COALESCE in a change depends on {name}"
    for call in within(expressions, (ast.FuncCall, ast.A_Expr), _QUERIES):
        stable = _stable_of_its_own(call)
        if stable is not None and any(within(call, (ast.ColumnRef,), _QUERIES)):
            yield f"{stable} in a change depends on a column"


def _stable_of_its_own(call: Any) -> str | None:
    """Return what is stable in a call or an operator itself, whatever its operands are."""
    if isinstance(call, ast.FuncCall):
        name: str = call.funcname[-1].sval
        return name if name in STABLE else None
    # Days and months are added by the session's time zone. To the clock only spans are added.
    operator, operands = call.name[-1].sval, (call.lexpr, call.rexpr)
    added = operator == "+" and any(_clock(each) for each in operands)
    if added or (operator in {"+", "-"} and any(_is_span(each) for each in operands)):
        return "an interval that is added"
    return None


def _clock(node: Any) -> bool:
    return isinstance(node, ast.FuncCall) and node.funcname[-1].sval in _CLOCK


def _is_span(node: Any) -> bool:
    if isinstance(node, ast.TypeCast):
        return bool(node.typeName.names[-1].sval == "interval")
    if isinstance(node, ast.A_Expr) and node.name[-1].sval in {"*", "/"}:
        return _is_span(node.lexpr) or _is_span(node.rexpr)
    return isinstance(node, ast.FuncCall) and node.funcname[-1].sval == "make_interval"


def _called(
    node: Any, beyond: tuple[type, ...] = (), *, wanted: Collection[str] = VOLATILE
) -> list[str]:
    """Return the functions called that are among those `wanted`, and the clock's key words."""
    found = []
    for call in within(node, (ast.FuncCall, ast.SQLValueFunction), beyond):
        name = call.funcname[-1].sval if isinstance(call, ast.FuncCall) else "now"
        if name in wanted:
            found.append(name)
    return found


def within(node: Any, kinds: tuple[type, ...], beyond: tuple[type, ...] = ()) -> Iterator[Any]:
    """Yield the nodes of some kinds, without what stands within those of others."""
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from within(each, kinds, beyond)
    elif isinstance(node, ast.Node) and not isinstance(node, beyond):
        if isinstance(node, kinds):
            yield node
        for name in node.__slots__:
            value = getattr(node, name)
            if isinstance(value, (ast.Node, tuple)):
                yield from within(value, kinds, beyond)
