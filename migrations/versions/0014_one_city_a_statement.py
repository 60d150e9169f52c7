"""Keep each table in one piece, one beat a worker, and a head of the log for every city.

A statement names its city, and the indexes begin with it, so that partitions by city saved no
reading and cost planning; over several nodes it is the node that a city picks.

The tables are copied, and a process of an older version does not know the new heartbeat: end
them all before, as the runbook says, and have as much space free as the tables take.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = (
    "alert",
    "alert_history",
    "alert_notice",
    "audit_entry",
    "event",
    "event_position",
    "milestone",
    "milestone_history",
    "obligation",
    "obligation_history",
    "score_input",
    "score_snapshot",
    "submission",
    "submission_history",
    "webhook_attempt",
    "webhook_body",
    "webhook_delivery",
)

# The definitions name the table that takes the place of the old one under the same name.
_ANEW = """
DO $$
DECLARE
    definitions text[];
    definition text;
BEGIN
    -- Whoever was not ended waits here, so that nothing is written into what is dropped.
    LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
    SELECT array_agg(said ORDER BY turn, name) INTO definitions FROM (
        SELECT conname AS name, CASE contype WHEN 'p' THEN 1 ELSE 2 END AS turn,
            'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname)
                || ' ' || pg_get_constraintdef(oid) AS said
        FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('p', 'u', 'f')
        UNION ALL
        SELECT i.indexrelid::regclass::text, 3,
            replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
        FROM pg_index i WHERE i.indrelid = '{table}'::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ) defined;
    CREATE TABLE {table}_anew (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) {cut};
    FOR number IN 0 .. {parts} - 1 LOOP
        EXECUTE format('CREATE TABLE {table}_anew_p%s PARTITION OF {table}_anew'
            ' FOR VALUES WITH (MODULUS {parts}, REMAINDER %s)', number, number);
    END LOOP;
    INSERT INTO {table}_anew SELECT * FROM {table};
    DROP TABLE {table};
    ALTER TABLE {table}_anew RENAME TO {table};
    FOR number IN 0 .. {parts} - 1 LOOP
        EXECUTE format('ALTER TABLE {table}_anew_p%s RENAME TO {table}_p%s', number, number);
    END LOOP;
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
END
$$
"""


def _make_anew(cut: str = "", parts: int = 0) -> None:
    """Put tables with the same columns, rows, constraints and indexes in the place of these."""
    for table in _TABLES:
        op.execute(_ANEW.format(table=table, cut=cut, parts=parts))


def upgrade() -> None:
    _make_anew()
    op.execute("DROP TABLE worker_heartbeat")
    op.execute("""
        CREATE TABLE worker_heartbeat (
            worker_id uuid NOT NULL,
            beat_at timestamptz NOT NULL,
            CONSTRAINT pk_worker_heartbeat PRIMARY KEY (worker_id)
        )
    """)
    op.execute("""
        INSERT INTO log_head (city_code, position)
        SELECT city_code, 0 FROM city UNION SELECT DISTINCT city_code, 0 FROM event_pending
        ON CONFLICT DO NOTHING
    """)


def downgrade() -> None:
    op.execute("DROP TABLE worker_heartbeat")
    op.execute("""
        CREATE TABLE worker_heartbeat (
            city_code text NOT NULL,
            worker_id uuid NOT NULL,
            beat_at timestamptz NOT NULL,
            CONSTRAINT pk_worker_heartbeat PRIMARY KEY (city_code, worker_id)
        )
    """)
    _make_anew("PARTITION BY HASH (city_code)", parts=4)
