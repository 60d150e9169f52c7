"""The SQL statements of a batch: each writes or reads for all rows, however many there are.

Columns are derived from the table and travel as arrays for `unnest`, so that a new field needs no
change here. Columns that hold several values per row do not unnest, and travel as JSON.
"""

from typing import Any

from sqlalchemy import ARRAY, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.elements import KeyedColumnElement

from services.core.events.statements import event_inserts
from services.core.kit.database import columns_of
from services.core.submissions.models import Submission

_PRESENT = columns_of(Submission, "submission")
_DIALECT = dialect()  # type: ignore[no-untyped-call]
_TABLE = list(Submission.__table__.columns)
_COLUMNS = [column for column in _TABLE if column.name not in {"city_code", "plan_code"}]

GIVEN = [column.name for column in _COLUMNS]
"""The columns of a row; city and plan are passed once for all rows."""

AS_JSON = frozenset(one.name for one in _COLUMNS if isinstance(one.type, ARRAY | JSONB))
"""The columns with several values each, which are passed as JSON."""


def _unnested(columns: list[KeyedColumnElement[Any]], **beside: str) -> str:
    """Return a FROM clause: rows `w` with the `n`th value of each column's array parameter.

    `beside` are parameters that are not columns of the table, by name with their type.
    """
    types = {**{one.name: _type(one) for one in columns}, **beside}
    arrays = ", ".join(f"CAST(:{name} AS {of}[])" for name, of in types.items())
    return f"unnest({arrays}) AS w({', '.join(types)})"


def _type(column: KeyedColumnElement[Any]) -> str:
    return "text" if column.name in AS_JSON else column.type.compile(_DIALECT)


def _value(column: KeyedColumnElement[Any]) -> str:
    """Return a column of `w` in the table's type."""
    if isinstance(column.type, JSONB):
        return f"CAST(w.{column.name} AS jsonb)"
    if not isinstance(column.type, ARRAY):
        return f"w.{column.name}"
    item = column.type.item_type.compile(_DIALECT)
    parts = f"jsonb_array_elements_text(CAST(w.{column.name} AS jsonb))"
    filled = f"ARRAY(SELECT CAST(part AS {item}) FROM {parts} AS part)"  # noqa: S608
    return f"CASE WHEN w.{column.name} IS NOT NULL THEN {filled} END"


PRESENT = text(f"""
SELECT {_PRESENT}
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]))
    AS w(indicator_code, organization_code, period)
JOIN submission ON submission.city_code = :city AND submission.plan_code = :plan
    AND submission.indicator_code = w.indicator_code
    AND submission.organization_code = w.organization_code AND submission.period = w.period
    AND submission.state <> 'withdrawn'
""").columns(*_TABLE)  # noqa: S608 (column names of our own)
"""The submissions in some slots, passed as three arrays of the same length. Nothing is locked,
because a write succeeds only if the version is still the one that was read."""

BROUGHT = text("""
SELECT submission.id FROM submission
WHERE submission.city_code = :city AND submission.id = ANY(CAST(:ids AS uuid[])) AND EXISTS (
    SELECT FROM submission_history AS history
    WHERE history.city_code = :city AND history.submission_id = submission.id
        AND history.actor->>'id' = CAST(submission.reported_by AS text)
        AND history.actor->>'channel' IN ('package', 'exchange'))
""")
"""Those of some submissions whose last reporter brought a change from another installation."""

IN_SCOPE = text(f"""
SELECT {_PRESENT} FROM submission
WHERE city_code = :city AND plan_code = :plan AND period = :period AND state <> 'withdrawn'
    AND (CAST(:unit AS text) IS NULL OR organization_code = :unit)
    AND (CAST(:indicator AS text) IS NULL OR indicator_code = :indicator)
    AND (CAST(:own AS text) IS NULL OR organization_code = :own)
ORDER BY id LIMIT :most
""").columns(*_TABLE)  # noqa: S608
"""The submissions in the scope of a `replace` that the caller may write (`:own`)."""

INSERT = text(f"""
INSERT INTO submission (city_code, plan_code, {", ".join(GIVEN)})
SELECT CAST(:city AS text), CAST(:plan AS text), {", ".join(map(_value, _COLUMNS))}
FROM {_unnested(_COLUMNS)}
-- Sorted, so that two batches that want the same slots wait for each other without a deadlock.
ORDER BY w.indicator_code, w.organization_code, w.period
ON CONFLICT (city_code, plan_code, indicator_code, organization_code, period)
    WHERE state <> 'withdrawn' DO NOTHING
RETURNING id
""")  # noqa: S608
"""Inserts submissions unless their slot was taken meanwhile; returns the inserted ids."""

UPDATE = text(f"""
WITH wanted AS MATERIALIZED (
    SELECT {", ".join(f"{_value(one)} AS {one.name}" for one in _COLUMNS)}, w.version_before
    FROM {_unnested(_COLUMNS, version_before="integer")}
), locked AS MATERIALIZED (
    -- Locked in one order, so that two batches cannot deadlock.
    SELECT submission.id FROM submission
    WHERE submission.city_code = :city AND submission.id = ANY(CAST(:id AS uuid[]))
    ORDER BY submission.id FOR UPDATE
)
UPDATE submission SET {", ".join(f"{name} = wanted.{name}" for name in GIVEN if name != "id")}
FROM wanted JOIN locked ON locked.id = wanted.id
WHERE submission.city_code = :city AND submission.id = wanted.id
    AND submission.version = wanted.version_before
RETURNING submission.id
""")  # noqa: S608
"""Updates submissions unless somebody wrote them meanwhile; returns the updated ids."""

REMEMBER = text(f"""
WITH written AS MATERIALIZED (
    SELECT w.* FROM unnest(CAST(:id AS uuid[]), CAST(:version AS integer[]),
        CAST(:action AS text[]), CAST(:reason AS text[]), CAST(:image AS text[]),
        CAST(:organization_code AS text[]), CAST(:event_id AS uuid[]), CAST(:event_data AS text[]),
        CAST(:claimed_at AS timestamptz[]), CAST(:counts_from AS timestamptz[]))
        AS w(id, version, action, reason, image, organization_code, event_id, event_data,
            claimed_at, counts_from)
), remembered AS (
    INSERT INTO submission_history
        (city_code, submission_id, version, action, after, actor, reason, occurred_at,
            claimed_at, counts_from)
    SELECT CAST(:city AS text), id, version, action, CAST(image AS jsonb), CAST(:actor AS jsonb),
        reason, CAST(:now AS timestamptz), claimed_at, counts_from
    FROM written
), {
    event_inserts(
        "written",
        city_code="CAST(:city AS text)",
        id="event_id",
        plan_code="CAST(:plan AS text)",
        type="'submission.' || action",
        subject_kind="'submission'",
        subject_id="CAST(written.id AS text)",
        organization_code="organization_code",
        actor="CAST(:actor AS jsonb)",
        data="CAST(event_data AS jsonb)",
        occurred_at="CAST(:now AS timestamptz)",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608
"""Writes history and event of each submission that was written."""

KEEP_PREVIEW = text("""
INSERT INTO submission_preview (city_code, id, plan_code, credential_id, request, grounds)
VALUES (:city, :id, :plan, :credential, :request, :grounds)
""")
"""Stores a preview."""

DROP_EARLIER_PREVIEWS = text("""
DELETE FROM submission_preview
WHERE city_code = :city AND credential_id = :credential AND id IN (
    SELECT id FROM submission_preview
    WHERE city_code = :city AND credential_id = :credential ORDER BY id DESC OFFSET :most)
""")
"""Deletes all but the latest previews of a credential."""

DROP_PREVIEW = text("DELETE FROM submission_preview WHERE city_code = :city AND id = :id")
"""Deletes a preview that is being committed."""

DROP_OLD_PREVIEWS = text("DELETE FROM submission_preview WHERE city_code = :city AND id < :oldest")
"""Deletes the previews that are older than the first id of an instant."""
