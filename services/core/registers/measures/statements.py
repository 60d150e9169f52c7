"""The SQL statements of measures: each covers all rows of a register and all requested periods.

Everything from the plan (columns, texts, numbers, days) is passed as parameters; the SQL text is
entirely our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from services.core.kit.database import columns_of
from services.core.plan.count_entries import SurveyRule
from services.core.plan.register_entries import (
    MeasureDenominator,
    Register,
    RegisterMeasure,
    RowCondition,
)
from services.core.registers.measures.models import RegisterFigure
from services.core.submissions.models import Submission


@dataclass(slots=True)
class _Given:
    """Collects parameters, each under a unique name."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: object) -> str:
        """Add a parameter with this value and return its name, as SQL."""
        name = f"m{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def cell(self, row: str, column: str) -> str:
        """Return SQL for a cell of a counted row, as text."""
        return f"({row}.counted ->> CAST({self.add(column)} AS text))"

    def number(self, row: str, column: str) -> str:
        """Return SQL for a cell of a counted row, as a number; null if it has none.

        A row that was confirmed under an earlier version of the plan may have text there.
        """
        return _number(self.cell(row, column))


def _number(cell: str) -> str:
    return f"(CASE WHEN {cell} ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST({cell} AS numeric) END)"


def _meets(row: str, conditions: tuple[RowCondition, ...], given: _Given) -> str:
    parts = ["TRUE"]
    for one in conditions:
        cell = given.cell(row, one.column)
        if one.any_of:
            parts.append(f"{cell} = ANY(CAST({given.add(list(one.any_of))} AS text[]))")
        if one.yes is not None:
            parts.append(f"{cell} = {given.add('true' if one.yes else 'false')}")
        if one.filled is not None:
            parts.append(f"{cell} IS {'NOT ' if one.filled else ''}NULL")
        if one.by_period_end is not None:
            truth = "TRUE" if one.by_period_end else "NOT TRUE"
            parts.append(f"({_is_day(cell)} AND {_day(cell)} <= {_LAST_DAY}) IS {truth}")
        for bound, sign in ((one.minimum, ">="), (one.maximum, "<=")):
            if bound is not None:
                parts.append(f"{_number(cell)} {sign} CAST({given.add(bound)} AS numeric)")
    return " AND ".join(parts)


def _rows(row: str, register: str, measure: RegisterMeasure | None, given: _Given) -> str:
    """Return the rows of a register that count for the period `p`, as SQL that follows FROM."""
    wanted = (
        f"register_row AS {row} WHERE {row}.city_code = :city AND {row}.plan_code = :plan"
        f" AND {row}.register_code = {given.add(register)} AND {row}.counted IS NOT NULL"
        f" AND {row}.state <> 'withdrawn'"
        f" AND ({row}.ended_on IS NULL OR {row}.ended_on > p.last_day)"
    )
    if measure is None or measure.at == "period_end" or measure.day is None:
        return (
            f"{wanted} AND ({row}.valid_from IS NULL OR {row}.valid_from <= p.last_day)"
            f" AND ({row}.valid_to IS NULL OR {row}.valid_to >= p.last_day)"
        )
    cell = given.cell(row, measure.day)
    begun = f" AND {_day(cell)} >= {_FIRST_DAY}" if measure.at == "in_period" else ""
    return f"{wanted} AND {_is_day(cell)} AND {_day(cell)} <= {_LAST_DAY}{begun}"


def _measured_rows(register: Register, measure: RegisterMeasure, given: _Given) -> str:
    """Return the source rows `r` of a measure, as SQL that follows FROM.

    For a sum with `distinct`, such as of cumulative reports, rows with equal values there count
    once, by the latest.
    """
    rows = _rows("r", register.code, measure, given)
    if measure.kind != "sum" or not measure.distinct or measure.day is None:
        return rows
    said = ", ".join(given.cell("r", one) for one in measure.distinct)
    once = f"r.organization_code, {said}" if measure.per == "unit" else said
    where = _meets("r", measure.where, given)
    return (
        f"(SELECT DISTINCT ON ({once}) r.* FROM {rows} AND ({where})"  # noqa: S608
        f" AND {given.number('r', measure.column or '')} IS NOT NULL"
        f" ORDER BY {once}, {_day(given.cell('r', measure.day))} DESC, r.id DESC) AS r WHERE TRUE"
    )


def _day(cell: str) -> str:
    """Return SQL for the day in a cell, as text; a month stands for its first day.

    Days are compared as text because a row of an earlier version of the plan may hold other text
    there.
    """
    return f"rpad({cell}, 10, '-01') COLLATE \"C\""


def _is_day(cell: str) -> str:
    return f"{cell} ~ '^[0-9]{{4}}-[0-9]{{2}}(-[0-9]{{2}})?$'"


_FIRST_DAY, _LAST_DAY = (f"to_char(p.{day}, 'YYYY-MM-DD')" for day in ("first_day", "last_day"))
"""The bounds of the period `p`, as days are written in cells."""


_PERIODS = """unnest(CAST(:periods AS text[]), CAST(:firsts AS date[]), CAST(:lasts AS date[]))
    AS p(period, first_day, last_day)"""


def measured(register: Register, measure: RegisterMeasure) -> tuple[str, Mapping[str, Any]]:
    """Return the statement that computes a measure for some periods, and its other parameters.

    It returns `period`, `unit` (null: the city), `numerator`, `denominator`, `row_count`; for a
    survey `groups` too.
    """
    given = _Given()
    if measure.survey is not None:
        return _survey(register, measure, measure.survey, given), given.values
    if measure.kind == "coverage" and measure.denominator is not None:
        return _coverage(register, measure, measure.denominator, given), given.values
    rows = _measured_rows(register, measure, given)
    where = _meets("r", measure.where, given)
    below = measure.denominator
    whole = where if below is None else _meets("r", below.where, given)
    part = where if below is None else f"({whole}) AND ({where})"
    above = _amount(register, measure, measure.column, part, given)
    under = "CAST(NULL AS numeric)"
    if below is not None:
        under = _amount(register, measure, below.column, whole, given)
    unit = "r.organization_code" if measure.per == "unit" else "CAST(NULL AS text)"
    group = "GROUP BY r.organization_code" if measure.per == "unit" else ""
    return (
        f"SELECT p.period, f.unit, f.numerator, f.denominator, f.row_count FROM {_PERIODS}"  # noqa: S608
        f" CROSS JOIN LATERAL (SELECT {unit} AS unit, {above} AS numerator,"
        f" {under} AS denominator, count(*) FILTER (WHERE {part}) AS row_count"
        f" FROM {rows} {group}) AS f ORDER BY p.period, f.unit"
    ), given.values


def counted_by(
    register: Register, measure: RegisterMeasure, column: str
) -> tuple[str, Mapping[str, Any]]:
    """Return the statement that counts the rows of a measure by the value in a column.

    It returns `period`, `choice`, `unit` (null: all units together) and `number`.
    """
    given = _Given()
    rows = _rows("r", register.code, measure, given)
    where = _meets("r", measure.where, given)
    number = _amount(register, measure, None, "TRUE", given)
    return (
        f"SELECT p.period, f.choice, f.unit, f.number FROM {_PERIODS} CROSS JOIN LATERAL ("  # noqa: S608
        f" SELECT r.choice, r.organization_code AS unit, {number} AS number"
        f" FROM (SELECT r.*, {given.cell('r', column)} AS choice FROM {rows} AND ({where})) AS r"
        " GROUP BY GROUPING SETS ((r.choice, r.organization_code), (r.choice))) AS f"
        " WHERE f.choice IS NOT NULL ORDER BY p.period, f.choice, f.unit NULLS FIRST"
    ), given.values


def _amount(
    register: Register, measure: RegisterMeasure, column: str | None, where: str, given: _Given
) -> str:
    if column is not None:
        return f"sum({given.number('r', column)}) FILTER (WHERE {where})"
    if not measure.distinct or set(register.key) <= set(measure.distinct):
        return f"CAST(count(*) FILTER (WHERE {where}) AS numeric)"
    said = ", ".join(given.cell("r", one) for one in measure.distinct)
    once = said if len(measure.distinct) == 1 else f"({said})"
    return f"CAST(count(DISTINCT {once}) FILTER (WHERE {where}) AS numeric)"


def _coverage(
    register: Register, measure: RegisterMeasure, below: MeasureDenominator, given: _Given
) -> str:
    listed = _rows("l", below.listed_in or "", None, given)
    name = given.cell("l", below.match or "")
    all_there_are = _meets("l", below.where, given)
    own = given.cell("r", measure.distinct[0])
    rows = _rows("r", register.code, measure, given)
    where = _meets("r", measure.where, given)
    return (
        f"SELECT p.period, CAST(NULL AS text) AS unit, f.numerator, f.denominator, n.row_count"  # noqa: S608
        f" FROM {_PERIODS} CROSS JOIN LATERAL (SELECT count(*) AS row_count FROM {rows}"
        f" AND ({where})) AS n CROSS JOIN LATERAL ("
        f" SELECT CAST(count(DISTINCT w.name) AS numeric) AS denominator,"
        f" CAST(count(DISTINCT w.name) FILTER (WHERE o.name IS NOT NULL) AS numeric) AS numerator"
        f" FROM (SELECT {name} AS name FROM {listed} AND ({all_there_are})) AS w"
        f" LEFT JOIN (SELECT DISTINCT {own} AS name FROM {rows} AND ({where})) AS o"
        f" ON o.name = w.name) AS f ORDER BY p.period"
    )


def _survey(register: Register, measure: RegisterMeasure, rule: SurveyRule, given: _Given) -> str:
    rows = _rows("r", register.code, measure, given)
    where = _meets("r", measure.where, given)
    group = "''" if rule.group is None else given.cell("r", rule.group)
    positive, answers = given.number("r", measure.column or ""), given.number("r", rule.answers)
    frame = "CAST(NULL AS numeric)" if rule.frame is None else given.number("r", rule.frame)
    right = f"{positive} BETWEEN 0 AND {answers} AND ({frame} > 0 OR {frame} IS NULL)"
    return (
        f"SELECT p.period, CAST(NULL AS text) AS unit, f.numerator, f.denominator, f.row_count,"  # noqa: S608
        f" f.groups FROM {_PERIODS} CROSS JOIN LATERAL (SELECT sum(g.positive) AS numerator,"
        " sum(g.answers) AS denominator, CAST(coalesce(sum(g.row_count), 0) AS bigint) AS"
        " row_count, coalesce(jsonb_agg(jsonb_build_array(g.name, CAST(g.answers AS text),"
        " CAST(g.positive AS text), CAST(g.frame AS text), g.framed, g.row_count, g.sizes,"
        " g.wrong)"
        " ORDER BY g.name), '[]') AS groups FROM"
        f" (SELECT {group} AS name, coalesce(sum({answers}), 0) AS answers,"
        f" coalesce(sum({positive}), 0) AS positive,"
        f" count(*) FILTER (WHERE ({right}) IS NOT TRUE) AS wrong,"
        f" max({frame}) AS frame, count({frame}) AS framed, count(*) AS row_count,"
        f" count(DISTINCT {frame}) AS sizes FROM {rows} AND ({where}) GROUP BY 1) AS g) AS f"
        " ORDER BY p.period"
    )


def rested_on(register: Register, measure: RegisterMeasure) -> tuple[str, Mapping[str, Any]]:
    """Return the statement that reads the source rows of figures, and its other parameters.

    By `period`, and `unit` if the measure is per unit (null: the city): the `digest` of all of
    them, and `lines`, the first `:most`. A row appears with the version by which it counts, because
    a correction in progress is not part of the source. A figure without rows is absent.
    """
    given = _Given()
    rows = _measured_rows(register, measure, given)
    where = _meets("r", measure.where, given)
    if measure.kind == "ratio" and measure.denominator is not None:
        where = f"({where}) AND ({_meets('r', measure.denominator.where, given)})"
    unit = "r.organization_code" if measure.per == "unit" else "CAST(NULL AS text)"
    return (
        "SELECT f.period, f.unit, f.lines[1:CAST(:most AS integer)] AS lines,"  # noqa: S608
        " encode(sha256(convert_to(array_to_string(f.lines, chr(10)), 'UTF8')), 'hex') AS digest"
        " FROM (SELECT p.period, r.unit, array_agg(r.line ORDER BY r.id) AS lines"
        f" FROM {_PERIODS} CROSS JOIN LATERAL (SELECT r.id, {unit} AS unit,"
        " r.id || ':' || coalesce(r.counted_version, r.version) AS line"
        f" FROM {rows} AND ({where})) AS r GROUP BY p.period, r.unit) AS f"
    ), given.values


LATEST = text(f"""
SELECT DISTINCT ON (f.register_code, f.measure_code, f.organization_code, f.period)
    {columns_of(RegisterFigure, "f")}
FROM register_figure AS f
WHERE f.city_code = :city AND f.plan_code = :plan AND f.register_code = :register
    AND f.measure_code = :measure
    AND (CAST(:periods AS text[]) IS NULL OR f.period = ANY(CAST(:periods AS text[])))
ORDER BY f.register_code, f.measure_code, f.organization_code, f.period, f.version DESC
""").columns(rows=JSONB)  # noqa: S608 (column names of our own)
"""The latest figures of a measure."""

PLACES = text(f"""
SELECT {columns_of(Submission, "s")} FROM submission AS s
JOIN unnest(CAST(:units AS text[]), CAST(:periods AS text[])) AS w(unit, period)
    ON w.unit = s.organization_code AND w.period = s.period
WHERE s.city_code = :city AND s.plan_code = :plan AND s.indicator_code = :indicator
    AND s.state <> 'withdrawn'
ORDER BY s.id FOR UPDATE OF s
""").columns(*Submission.__table__.columns)  # noqa: S608 (column names of our own)
"""The submissions in the slots that figures are proposed for, locked."""

COUNTING = text("""
SELECT s.organization_code, s.period FROM submission AS s
WHERE s.city_code = :city AND s.plan_code = :plan AND s.indicator_code = :indicator
    AND s.organization_code = ANY(CAST(:units AS text[]))
    AND s.period = ANY(CAST(:periods AS text[]))
    AND s.approved_revision IS NOT NULL AND s.state <> 'withdrawn'
""")
"""Which of some units have a value of an indicator that counts, by period."""
