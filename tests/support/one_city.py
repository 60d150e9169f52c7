"""Judging a statement: is each tenants' table in it bound to one city, and to the same one?

The text is read by PostgreSQL's own parser. A table is bound where its `city_code` equals a
parameter, a constant, or the column of something that is bound, in a condition that every row
of it has to pass: in WHERE, in an inner join, or in an outer join for the side that may be
missing. What is inserted is bound by the value of the column. A sub-select of an expression is
judged by itself: a condition from outside binds nothing within, and the city of the row around it
does not either, for Citus follows that only where the sub-select can be made a join.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType, SetOperation, SubLinkType

from tests.support.refused_changes import refused_changes, within
from tests.support.veiled_bounds import veiled_bounds

CITY = "city_code"

Root = int | str
"""What names a city: the number of a parameter, or a constant."""

_EQUALS = {A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_NOT_DISTINCT, A_Expr_Kind.AEXPR_IN}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which tenants' tables no city is named for, and everything that names the city of others.

    `refused` is what else no cluster would do, or no index helps with behind row-level security.
    """

    unbound: tuple[str, ...]
    cities: frozenset[Root]
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class _Column:
    """A value that may be a city: bound as soon as one source is, or every part of a union."""

    roots: set[Root] = field(default_factory=set)
    sources: list["_Column"] = field(default_factory=list)
    parts: Sequence["_Column | None"] | None = None

    def settle(self) -> bool:
        """Take over what names the sources; return whether that was news."""
        before = len(self.roots)
        for source in self.sources:
            self.roots |= source.roots
        if self.parts and all(part is not None and part.roots for part in self.parts):
            self.roots.update(*(part.roots for part in self.parts if part is not None))
        return len(self.roots) > before


Columns = dict[str, _Column | None]
"""The columns of a relation by name; None: never a city."""


@dataclass(slots=True)
class _Level:
    """What the FROM of one query level holds, and the levels around it."""

    relations: dict[str, Columns] = field(default_factory=dict)
    merged: Columns = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    outer: "_Level | None" = None

    def find(self, names: Sequence[str]) -> _Column | None:
        """Return the column that a name stands for; None: it is no city, or not known."""
        *prefix, name = names
        level: _Level | None = self
        while level is not None:
            if prefix:
                if prefix[-1] in level.relations:
                    return level.relations[prefix[-1]].get(name)
            elif name in level.merged:
                return level.merged[name]
            else:
                for columns in level.relations.values():
                    if name in columns:
                        return columns[name]
            level = level.outer
        return None


@dataclass(slots=True)
class _Parts:
    """Parts of a WITH by name, and those of the statements around it."""

    known: dict[str, Columns]
    outer: "_Parts | None" = None

    def find(self, name: str) -> Columns | None:
        """Return the columns of the part of that name."""
        if name in self.known:
            return self.known[name]
        return None if self.outer is None else self.outer.find(name)


class _Judge:
    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        self._tables = tables
        self._named = {name for columns in tables.values() for name in columns}
        self._columns: list[_Column] = []
        self._tenants: list[tuple[str, _Column]] = []

    def verdict(self, statement: ast.Node) -> Verdict:
        self._query(statement, None, None)
        while sum(column.settle() for column in self._columns):
            pass
        unbound = tuple({name: 0 for name, column in self._tenants if not column.roots})
        cities = {root for _, column in self._tenants for root in column.roots}
        return Verdict(
            unbound,
            frozenset(cities),
            (*refused_changes(statement), *veiled_bounds(statement, self._named)),
        )

    def _column(self, **given: Any) -> _Column:
        self._columns.append(_Column(**given))
        return self._columns[-1]

    # Statements and parts of them: each returns its columns.

    def _query(self, node: Any, outer: _Level | None, parts: _Parts | None) -> Columns:
        parts = self._with(node, outer, parts)
        columns: Columns = {}
        match node:
            case ast.SelectStmt():
                columns = self._select(node, outer, parts)
            case ast.InsertStmt():
                columns = self._insert(node, outer, parts)
            case ast.UpdateStmt():
                columns = self._change(node, node.fromClause, node.targetList, outer, parts)
            case ast.DeleteStmt():
                columns = self._change(node, node.usingClause, None, outer, parts)
            case ast.ExplainStmt() | ast.DeclareCursorStmt():
                columns = self._query(node.query, outer, parts)
            case ast.CopyStmt() | ast.MergeStmt() if node.relation is not None:
                self._table(node.relation, _Level(), None)
        return columns

    def _with(self, node: Any, outer: _Level | None, parts: _Parts | None) -> _Parts | None:
        clause = getattr(node, "withClause", None)
        if clause is None:
            return parts
        parts = _Parts({}, parts)
        for part in clause.ctes:
            query = part.ctequery
            if clause.recursive and getattr(query, "op", None) == SetOperation.SETOP_UNION:
                # What it says of itself is what its first half says.
                first = self._query(query.larg, outer, parts)
                parts.known[part.ctename] = _renamed(first, part.aliascolnames)
            columns = self._query(query, outer, parts)
            parts.known[part.ctename] = _renamed(columns, part.aliascolnames)
        return parts

    def _select(self, node: ast.SelectStmt, outer: _Level | None, parts: _Parts | None) -> Columns:
        if node.op != SetOperation.SETOP_NONE:
            left = self._query(node.larg, outer, parts)
            right = self._query(node.rarg, outer, parts)
            self._inside([node.sortClause, node.limitCount, node.limitOffset], parts)
            pairs = zip(left.items(), right.values(), strict=False)
            return {name: self._column(parts=[one, other]) for (name, one), other in pairs}
        level = _Level(outer=outer)
        if node.valuesLists:
            rows = [[self._value(each, level, parts) for each in row] for row in node.valuesLists]
            self._inside(node.valuesLists, parts)
            columns = zip(*rows, strict=True)
            return {
                f"column{number}": self._column(parts=column)
                for number, column in enumerate(columns, 1)
            }
        for item in node.fromClause or ():
            self._from(item, level, parts)
        self._where(node.whereClause, level, parts)
        self._inside(
            [
                node.targetList,
                node.whereClause,
                node.havingClause,
                node.groupClause,
                node.sortClause,
                node.windowClause,
                node.limitCount,
                node.limitOffset,
                node.distinctClause,
            ],
            parts,
        )
        return self._outputs(node.targetList, level, parts)

    def _insert(self, node: ast.InsertStmt, outer: _Level | None, parts: _Parts | None) -> Columns:
        level = _Level(outer=outer)
        target = self._table(node.relation, level, None)
        if node.selectStmt is not None:
            given = list(self._query(node.selectStmt, outer, parts).values())
            names = [each.name for each in node.cols] if node.cols else list(target)
            for name, column in zip(names, given, strict=False):
                city = target.get(CITY)
                if name == CITY and column is not None and city is not None:
                    city.sources.append(column)
        level.relations["excluded"] = target
        self._inside([node.onConflictClause, node.returningClause], parts)
        return self._outputs(_returned(node), level, parts)

    def _change(
        self, node: Any, others: Any, values: Any, outer: _Level | None, parts: _Parts | None
    ) -> Columns:
        level = _Level(outer=outer)
        self._table(node.relation, level, None)
        for item in others or ():
            self._from(item, level, parts)
        self._where(node.whereClause, level, parts)
        self._inside([node.whereClause, values, node.returningClause], parts)
        return self._outputs(_returned(node), level, parts)

    # What a level reads from.

    def _table(self, node: ast.RangeVar, level: _Level, parts: _Parts | None) -> Columns:
        name, alias = node.relname, node.alias
        found = parts.find(name) if parts is not None and node.schemaname is None else None
        if found is None:
            found = dict.fromkeys(self._tables.get(name, ()))
            if CITY in found:
                city = self._column()
                level.own.add(id(city))
                shown = f"{name} {alias.aliasname}" if alias else name
                self._tenants.append((shown, city))
                found[CITY] = city
        level.relations[alias.aliasname if alias else name] = found
        return found

    def _from(self, node: Any, level: _Level, parts: _Parts | None) -> set[str]:
        """Take an item of FROM into a level; return the names of what it holds."""
        before = set(level.relations)
        match node:
            case ast.RangeVar():
                self._table(node, level, parts)
            case ast.RangeSubselect():
                around = level if node.lateral else level.outer
                columns = self._query(node.subquery, around, parts)
                name = node.alias.aliasname if node.alias else f"?{len(before)}"
                colnames = node.alias.colnames if node.alias else None
                level.relations[name] = _renamed(columns, colnames)
            case ast.RangeFunction():
                self._inside([node.functions], parts)
                name = node.alias.aliasname if node.alias else f"?{len(before)}"
                named = (node.alias.colnames if node.alias else None) or ()
                level.relations[name] = dict.fromkeys([each.sval for each in named] or [name])
            case ast.JoinExpr():
                self._join(node, level, parts)
            case _:
                raise NotImplementedError(type(node).__name__)
        return set(level.relations) - before

    def _join(self, node: ast.JoinExpr, level: _Level, parts: _Parts | None) -> None:
        left = self._from(node.larg, level, parts)
        right = self._from(node.rarg, level, parts)
        bound = {
            JoinType.JOIN_INNER: left | right,
            JoinType.JOIN_LEFT: right,
            JoinType.JOIN_RIGHT: left,
            JoinType.JOIN_FULL: set[str](),
        }[node.jointype]
        for name in (each.sval for each in node.usingClause or ()):
            one = _among(level, left, name)
            other = _among(level, right, name)
            self._equal(one, other, level, bound)
            kept = other if node.jointype == JoinType.JOIN_RIGHT else one
            if node.jointype == JoinType.JOIN_FULL:
                kept = self._column(parts=[one, other])
            level.merged[name] = kept
        self._where(node.quals, level, parts, bound)
        self._inside([node.quals], parts)

    # Conditions.

    def _where(
        self, node: Any, level: _Level, parts: _Parts | None, bound: set[str] | None = None
    ) -> None:
        """Bind what a condition binds of the relations of its level, or of those in `bound`."""
        bound = set(level.relations) if bound is None else bound
        match node:
            case ast.BoolExpr(boolop=BoolExprType.AND_EXPR):
                for each in node.args:
                    self._where(each, level, parts, bound)
            case ast.A_Expr() if node.kind in _EQUALS and node.name[-1].sval == "=":
                right = node.rexpr
                if node.kind == A_Expr_Kind.AEXPR_IN:
                    right = right[0] if len(right) == 1 else None
                for one, other in _pairs(node.lexpr, right):
                    self._equal(
                        self._value(one, level, parts),
                        self._value(other, level, parts),
                        level,
                        bound,
                    )
            case ast.SubLink(subLinkType=SubLinkType.ANY_SUBLINK) if not node.operName:
                given = self._query(node.subselect, None, parts).values()
                tested = _pairs(node.testexpr, node.testexpr)
                for (one, _), other in zip(tested, given, strict=False):
                    self._equal(self._value(one, level, parts), other, level, bound)

    def _equal(
        self, one: _Column | None, other: _Column | None, level: _Level, bound: set[str]
    ) -> None:
        if one is None or other is None:
            return
        mine = {id(level.relations[name].get(CITY)) for name in bound} & level.own
        if id(one) in mine:
            one.sources.append(other)
        if id(other) in mine:
            other.sources.append(one)

    def _value(self, node: Any, level: _Level, parts: _Parts | None) -> _Column | None:
        match node:
            case ast.ParamRef():
                return self._column(roots={node.number})
            case ast.A_Const(val=ast.String()):
                return self._column(roots={node.val.sval})
            case ast.TypeCast():
                return self._value(node.arg, level, parts)
            case ast.ColumnRef() if isinstance(node.fields[-1], ast.String):
                return level.find([each.sval for each in node.fields])
            case ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK):
                return next(iter(self._query(node.subselect, None, parts).values()))
            case _:
                return None

    # Results and what stands within expressions.

    def _outputs(self, targets: Any, level: _Level, parts: _Parts | None) -> Columns:
        found: Columns = {}
        for number, target in enumerate(targets or ()):
            value = target.val
            if isinstance(value, ast.ColumnRef) and isinstance(value.fields[-1], ast.A_Star):
                wanted = [each.sval for each in value.fields[:-1]] or list(level.relations)
                for name, column in (
                    each for one in wanted for each in level.relations[one].items()
                ):
                    found[f"?{len(found)}" if name in found else name] = column
                continue
            found[_name(target, number, found)] = self._value(value, level, parts)
        return found

    def _inside(self, nodes: Any, parts: _Parts | None) -> None:
        for link in within(nodes, (ast.SubLink,), (ast.SelectStmt,)):
            self._query(link.subselect, None, parts)


def _among(level: _Level, names: Iterable[str], column: str) -> _Column | None:
    if column in level.merged:
        return level.merged[column]
    columns = [level.relations[name] for name in names]
    return next((each[column] for each in columns if column in each), None)


def _returned(node: Any) -> Any:
    return node.returningClause.exprs if node.returningClause is not None else None


def _name(target: ast.ResTarget, number: int, taken: Columns) -> str:
    name = target.name
    if name is None and isinstance(target.val, ast.ColumnRef):
        name = target.val.fields[-1].sval
    return f"?{number}" if name is None or name in taken else name


def _renamed(columns: Columns, names: Any) -> Columns:
    given = [each.sval for each in names or ()]
    return dict(zip([*given, *list(columns)[len(given) :]], columns.values(), strict=True))


def _pairs(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(one, ast.RowExpr) and isinstance(other, ast.RowExpr):
        yield from zip(one.args, other.args, strict=True)
    else:
        yield one, other


def judge(statement: str, tables: Mapping[str, Sequence[str]]) -> Verdict:
    """Return whether each tenants' table of a statement is bound to one city.

    `tables` has the columns of every table; those with a `city_code` are the tenants'.

    Raises:
        pglast.parser.ParseError: it is not a statement of PostgreSQL.
    """
    found = [_Judge(tables).verdict(each.stmt) for each in pglast.parse_sql(statement)]
    return Verdict(
        tuple(name for each in found for name in each.unbound),
        frozenset(root for each in found for root in each.cities),
        tuple(said for each in found for said in each.refused),
    )
