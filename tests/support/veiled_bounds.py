"""Bounds by which no index is read behind row-level security.

PostgreSQL applies a policy before whatever might tell of a row by an error. Into COALESCE it does
not look, so that there a comparison with one is a filter, whatever is compared: every row of the
city is read. Into LEAST and GREATEST it looks, and they leave NULL out as well.
"""

from collections.abc import Collection
from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind

from tests.support.refused_changes import within

_ORDERED = {"<", "<=", ">", ">="}


def veiled_bounds(statement: ast.Node, columns: Collection[str]) -> tuple[str, ...]:
    """Return what is said of each column of a table that is bounded so; empty: there is none."""
    found = []
    for one in within(statement, (ast.A_Expr,)):
        if one.kind is not A_Expr_Kind.AEXPR_OP or one.name[-1].sval not in _ORDERED:
            continue
        for column, bound in ((one.lexpr, one.rexpr), (one.rexpr, one.lexpr)):
            if _is_veiled(column, bound) and _names(column)[-1] in columns:
                found.append(f"{'.'.join(_names(column))} is bounded by COALESCE")
    return tuple(dict.fromkeys(found))


def _is_veiled(column: Any, bound: Any) -> bool:
    """Return whether a column is compared with a COALESCE of other things than its own row."""
    if not isinstance(column, ast.ColumnRef) or not isinstance(bound, ast.CoalesceExpr):
        return False
    own = _names(column)[:-1]
    return all(_names(one)[:-1] != own for one in within(bound, (ast.ColumnRef,), (ast.SubLink,)))


def _names(column: Any) -> list[str]:
    return [part.sval for part in column.fields if isinstance(part, ast.String)]
