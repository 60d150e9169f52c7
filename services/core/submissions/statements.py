"""The SQL statement that creates a submission, with its history, event and stored reply."""

from services.core.events.statements import event_inserts
from services.core.kit.statements import DriverStatement
from services.core.submissions.models import Submission

# Derived from the table, so that a new column needs no change here.
_COLUMNS = [column.name for column in Submission.__table__.columns]

# Each CTE feeds the next: without `present` no key is claimed, without `free` nothing is added, and
# history and event are written from `added`. So one failed guard prevents the whole write, and the
# caller learns the cause from the last line or from the stored reply.
CREATE = DriverStatement(f"""
WITH period AS (
    -- The lock makes a closing of the period wait for us, and us for a closing.
    SELECT state FROM plan_period
    WHERE city_code = :city_code AND plan_code = :plan_code AND period = :period FOR SHARE
), present AS (
    SELECT 1 FROM plan
    WHERE city_code = :city_code AND code = :plan_code AND version = :plan_version
    AND NOT EXISTS (SELECT FROM period WHERE state IN ('closed', 'published'))
), claimed AS (
    INSERT INTO stored_reply
        (city_code, credential_id, key, request_digest, status, body, etag, location, created_at)
    SELECT :city_code, CAST(:reply_credential AS uuid), CAST(:key AS text),
        CAST(:digest AS bytea), CAST(:status AS smallint), CAST(:body AS bytea),
        CAST(:etag AS text), CAST(:location AS text), CAST(:true_now AS timestamptz)
    FROM present WHERE CAST(:key AS text) IS NOT NULL
    -- An expired reply is treated as absent, whether it was swept or not.
    ON CONFLICT (city_code, credential_id, key) DO UPDATE SET
        request_digest = excluded.request_digest, status = excluded.status, body = excluded.body,
        etag = excluded.etag, location = excluded.location, created_at = excluded.created_at
        WHERE stored_reply.created_at < CAST(:kept_since AS timestamptz)
    RETURNING 1
), free AS (
    SELECT 1 FROM present WHERE CAST(:key AS text) IS NULL OR EXISTS (SELECT FROM claimed)
), added AS (
    INSERT INTO submission ({", ".join(_COLUMNS)})
    SELECT {", ".join(f":{column}" for column in _COLUMNS)} FROM free RETURNING 1
), remembered AS (
    INSERT INTO submission_history
        (city_code, submission_id, version, action, after, actor, occurred_at)
    SELECT :city_code, :id, :version, :action, CAST(:image AS jsonb),
        CAST(:actor AS jsonb), :created_at FROM added
), {
    event_inserts(
        "added",
        city_code=":city_code",
        id="CAST(:event_id AS uuid)",
        plan_code=":plan_code",
        type="'submission.' || :action",
        subject_kind="'submission'",
        subject_id="CAST(CAST(:id AS uuid) AS text)",
        organization_code=":organization_code",
        actor="CAST(:actor AS jsonb)",
        data="CAST(:event_data AS jsonb)",
        occurred_at=":created_at",
    )
}
SELECT EXISTS (SELECT FROM added) AS added, (SELECT state FROM period) AS period_state
""")  # noqa: S608 (column names of our own)
"""Whether the submission was written, and the state of its period; if not, a guard failed.

Its parameters are the row's columns, and those that `creation.parameters` adds.
"""
