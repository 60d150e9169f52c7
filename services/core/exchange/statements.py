"""The SQL statements of exchanges: on our tables, and on exchange tables of another database."""

from sqlalchemy import text

from services.core.exchange.exchange_rows import HASHED, ROW
from services.core.kit.statements import DriverStatement

_COLUMNS = ", ".join(ROW)

WRITE_OUT = DriverStatement(
    f"INSERT INTO ex_out_submission ({_COLUMNS}, ex_status)"  # noqa: S608 (names of our own)
    f" VALUES ({', '.join(f':{name}' for name in ROW)}, 0) ON CONFLICT (ex_id) DO NOTHING"
)
"""Writes a row for the other side, idempotently."""

HASHES_OUT = DriverStatement(
    "SELECT ex_id, row_hash FROM ex_out_submission WHERE ex_id = ANY(CAST(:ids AS text[]))"
)
"""The digests of rows as stored there."""

NEW_IN = DriverStatement(
    f"SELECT {_COLUMNS} FROM ex_in_submission"  # noqa: S608 (names of our own)
    " WHERE plan_code = :plan AND ex_status IN (0, 1) ORDER BY ver, ex_id LIMIT :most"
)
"""The rows of a plan that wait to be taken, oldest first."""

SETTLE_IN = DriverStatement("""
UPDATE ex_in_submission AS r SET ex_status = w.status, ex_msg = w.message, ex_time = :now
FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS smallint[]), CAST(:messages AS text[]))
    AS w(ex_id, status, message)
WHERE r.ex_id = w.ex_id
""")
"""Tells the other side the results of its rows; their other columns are not touched."""

_RECONCILED = ", ".join(("ex_id", *HASHED, "row_hash", "ex_status", "ex_msg"))

PART_OF = {
    "out": DriverStatement(
        f"SELECT {_RECONCILED} FROM ex_out_submission"  # noqa: S608 (column names of our own)
        " WHERE plan_code = :plan AND ex_id > :after ORDER BY ex_id LIMIT :most"
    ),
    "in": DriverStatement(
        f"SELECT {_RECONCILED} FROM ex_in_submission"  # noqa: S608 (column names of our own)
        " WHERE plan_code = :plan AND ex_id > :after ORDER BY ex_id LIMIT :most"
    ),
}
"""The next rows of a table by id: their content, and their results."""

NOTE_RECON = DriverStatement("""
INSERT INTO ex_recon (recon_day, plan_code, direction, rows_total, rows_new, rows_done,
    rows_refused, rows_missing, rows_altered, made_at)
VALUES (:day, :plan, :direction, :total, :new, :done, :refused, :missing, :altered, :now)
ON CONFLICT (recon_day, plan_code, direction) DO UPDATE SET
    rows_total = excluded.rows_total, rows_new = excluded.rows_new,
    rows_done = excluded.rows_done, rows_refused = excluded.rows_refused,
    rows_missing = excluded.rows_missing, rows_altered = excluded.rows_altered,
    made_at = excluded.made_at
""")
"""Writes the reconciliation of a day, replacing an earlier one of the same day."""

REMEMBER_ROWS = text("""
INSERT INTO exchanged_row (city_code, plan_code, direction, ex_id, biz_key, ver, row_hash, outcome,
    message, exchanged_at)
SELECT :city, :plan, :direction, w.ex_id, w.biz_key, w.ver, w.row_hash, w.outcome, w.message,
    CAST(:now AS timestamptz)
FROM unnest(CAST(:ids AS text[]), CAST(:keys AS text[]), CAST(:vers AS bigint[]),
    CAST(:hashes AS text[]), CAST(:outcomes AS text[]), CAST(:messages AS text[]))
    AS w(ex_id, biz_key, ver, row_hash, outcome, message)
ON CONFLICT (city_code, plan_code, direction, ex_id) DO NOTHING
""")
"""Records which rows were written or taken, with their results."""

TAKEN_BEFORE = text("""
SELECT ex_id, row_hash, outcome, message FROM exchanged_row
WHERE city_code = :city AND plan_code = :plan AND direction = 'in'
    AND ex_id = ANY(CAST(:ids AS text[]))
""")
"""The results of rows that were taken before."""

LATEST_OF = text("""
SELECT biz_key, max(ver) AS ver FROM exchanged_row
WHERE city_code = :city AND plan_code = :plan AND direction = 'in'
    AND biz_key = ANY(CAST(:keys AS text[])) AND outcome <> 'refused'
GROUP BY biz_key
""")
"""The latest version that was taken of each place; refused versions do not count."""
