"""Publications as a list of their own, boards that keep their number, and owners by version."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE publication (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    number INTEGER NOT NULL,
    period TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    published_by JSONB NOT NULL,
    reopened_at TIMESTAMPTZ,
    reopened_by JSONB,
    reopen_reason TEXT,
    CONSTRAINT pk_publication PRIMARY KEY (city_code, plan_code, number),
    CONSTRAINT fk_publication_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);
CREATE INDEX ix_publication_period ON publication (city_code, plan_code, period, number);

INSERT INTO publication (city_code, plan_code, number, period, published_at, published_by,
    reopened_at, reopened_by)
SELECT e.city_code, e.plan_code, CAST(e.data->>'publication_number' AS integer),
    e.data->>'period', e.occurred_at, e.actor, r.occurred_at, r.actor
FROM event e LEFT JOIN LATERAL (
    SELECT n.occurred_at, n.actor FROM event n
    WHERE n.city_code = e.city_code AND n.subject_kind = 'period'
        AND n.subject_id = e.subject_id AND n.type = 'period.reopened' AND n.id > e.id
    ORDER BY n.id LIMIT 1
) r ON TRUE
WHERE e.type = 'period.published';

UPDATE plan_period SET publication_number = NULL WHERE state <> 'published';

ALTER TABLE score_snapshot ADD COLUMN publication_number INTEGER;
UPDATE score_snapshot s SET publication_number = f.number
FROM (
    SELECT u.city_code, u.plan_code, u.number, k.basis, u.period, b.sequence
    FROM publication u
    JOIN event e ON e.city_code = u.city_code AND e.subject_kind = 'period'
        AND e.subject_id = u.plan_code || '/' || u.period AND e.type = 'period.published'
        AND CAST(e.data->>'publication_number' AS integer) = u.number
    JOIN event_position p ON p.city_code = e.city_code AND p.event_id = e.id
    CROSS JOIN (VALUES ('approved'), ('submitted')) AS k(basis)
    CROSS JOIN LATERAL (
        SELECT n.sequence FROM score_snapshot n
        WHERE n.city_code = u.city_code AND n.plan_code = u.plan_code AND n.basis = k.basis
            AND n.period = u.period AND n.position <= p.position
        ORDER BY n.sequence DESC LIMIT 1
    ) b
) f
WHERE s.city_code = f.city_code AND s.plan_code = f.plan_code AND s.basis = f.basis
    AND s.period = f.period AND s.sequence = f.sequence;
CREATE UNIQUE INDEX uq_score_snapshot_publication
    ON score_snapshot (city_code, plan_code, basis, publication_number)
    WHERE publication_number IS NOT NULL;

CREATE TABLE indicator_owner (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    organization_code TEXT,
    event_id UUID,
    CONSTRAINT pk_indicator_owner
        PRIMARY KEY (city_code, plan_code, indicator_code, version),
    CONSTRAINT fk_indicator_owner_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);
"""

# Before this table the version of each event is the only thing that tells when it came.
_OWNERS = """
INSERT INTO indicator_owner
    (city_code, plan_code, indicator_code, version, organization_code, event_id)
SELECT city_code, plan_code, indicator_code, version, organization_code, event_id
FROM (
    SELECT v.city_code, v.plan_code, v.version, i.entry->>'code' AS indicator_code,
        o.organization_code, e.id AS event_id, lag(v.version) OVER place IS NULL AS is_first,
        lag(o.organization_code) OVER place AS before
    FROM plan_version v
    CROSS JOIN LATERAL jsonb_array_elements(v.document->'indicators') AS i(entry)
    LEFT JOIN LATERAL (
        SELECT unit.code AS organization_code
        FROM jsonb_array_elements_text(
            CASE WHEN i.entry->>'acting_owner' IS NULL THEN '[]'::jsonb
                ELSE jsonb_build_array(i.entry->>'acting_owner') END || (i.entry->'owners')
        ) WITH ORDINALITY AS lead(code, place)
        JOIN LATERAL (
            SELECT o.entry FROM jsonb_array_elements(v.document->'organizations') AS o(entry)
            WHERE o.entry->>'code' = lead.code LIMIT 1
        ) AS named ON TRUE
        CROSS JOIN LATERAL jsonb_array_elements_text(
            CASE WHEN jsonb_array_length(named.entry->'members') > 0
                THEN named.entry->'members' ELSE jsonb_build_array(lead.code) END
        ) WITH ORDINALITY AS unit(code, place)
        JOIN LATERAL (
            SELECT o.entry FROM jsonb_array_elements(v.document->'organizations') AS o(entry)
            WHERE o.entry->>'code' = unit.code LIMIT 1
        ) AS submitting ON CAST(submitting.entry->>'submits' AS boolean)
        WHERE i.entry->'aggregation'->>'units' = 'direct'
        ORDER BY lead.place, unit.place LIMIT 1
    ) o ON TRUE
    LEFT JOIN event e ON e.city_code = v.city_code AND e.subject_kind = 'plan'
        AND e.subject_id = v.plan_code AND e.type = 'plan.published'
        AND CAST(e.data->>'version' AS integer) = v.version
    WINDOW place AS (
        PARTITION BY v.city_code, v.plan_code, i.entry->>'code' ORDER BY v.version)
) AS owned
WHERE is_first OR organization_code IS DISTINCT FROM before
"""


def upgrade() -> None:
    """Make two tables from what the log and the plans' versions say, and number the boards."""
    for statement in _UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(_OWNERS)


def downgrade() -> None:
    """Take them away again; the numbers of earlier publications stay in the log alone."""
    op.execute("DROP TABLE indicator_owner")
    op.execute("DROP INDEX uq_score_snapshot_publication")
    op.execute("ALTER TABLE score_snapshot DROP COLUMN publication_number")
    op.execute("DROP TABLE publication")
