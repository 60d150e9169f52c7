"""Cut the large tables by time, by the instant in their ids.

The table as it was becomes the first part, with its rows and indexes where they are: they are
looked through once and not copied. Rows of ids that begin later than the present span, as of a
host whose clock was ahead, go to the part for all the rest. To statements the tables are what they
were, so a process of the release before goes on.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
works_since = "0014"

_TABLES = (
    ("audit_entry", "id", "quarter"),
    ("event", "id", "quarter"),
    ("submission_history", "submission_id", "quarter"),
    ("webhook_attempt", "delivery_id", "month"),
    ("webhook_body", "event_id", "month"),
)
_SPANS_AHEAD = 2

# What a table has beside its columns, as statements that name it, to be said again of another.
_DEFINITIONS = """
    SELECT array_agg(said ORDER BY turn, name) FROM (
        SELECT conname AS name, 1 AS turn,
            'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname)
                || ' ' || pg_get_constraintdef(oid) AS said
        FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('p', 'u')
        UNION ALL
        SELECT i.indexrelid::regclass::text, 2,
            replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
        FROM pg_index i WHERE i.indrelid = '{table}'::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ) defined
"""

# A UUIDv7 begins with milliseconds since 1970: what is made before an instant sorts before this.
_CUT = """
DO $$
DECLARE
    definitions text[];
    definition text;
    index_name text;
    part text;
    span interval := CASE '{span}' WHEN 'month' THEN '1 month' ELSE '3 months' END;
    starts timestamp := date_trunc('{span}', now() AT TIME ZONE 'UTC');
    bounds uuid[];
BEGIN
    {definitions_into}
    FOR number IN 1 .. {ahead} + 1 LOOP
        bounds := bounds || rpad(lpad(to_hex((extract(
            epoch FROM (starts + number * span) AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0'),
            32, '0')::uuid;
    END LOOP;
    ALTER TABLE {table} RENAME TO {table}_first;
    FOR index_name IN
        SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{table}_first'::regclass
    LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', index_name, index_name || '_first');
    END LOOP;
    CREATE TABLE {table} (LIKE {table}_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
        PARTITION BY RANGE ({key});
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
    CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT;
    FOR number IN 1 .. {ahead} LOOP
        part := '{table}_' || to_char(starts + number * span,
            CASE '{span}' WHEN 'month' THEN 'YYYY"m"MM' ELSE 'YYYY"q"Q' END);
        EXECUTE format('CREATE TABLE %I PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)',
            part, bounds[number], bounds[number + 1]);
    END LOOP;
    WITH later AS (DELETE FROM {table}_first WHERE {key} >= bounds[1] RETURNING *)
    INSERT INTO {table} SELECT * FROM later;
    EXECUTE format('ALTER TABLE {table} ATTACH PARTITION {table}_first'
        ' FOR VALUES FROM (MINVALUE) TO (%L)', bounds[1]);
END
$$
"""

_JOIN = """
DO $$
DECLARE
    definitions text[];
    definition text;
BEGIN
    {definitions_into}
    CREATE TABLE {table}_anew (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
    INSERT INTO {table}_anew SELECT * FROM {table};
    DROP TABLE {table};
    ALTER TABLE {table}_anew RENAME TO {table};
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
END
$$
"""


def _definitions_of(table: str) -> str:
    return f"definitions := ({_DEFINITIONS.format(table=table)});"


def upgrade() -> None:
    """Cut each table, and make two parts ahead; a worker makes the next."""
    for table, key, span in _TABLES:
        op.execute(
            _CUT.format(
                table=table,
                key=key,
                span=span,
                ahead=_SPANS_AHEAD,
                definitions_into=_definitions_of(table),
            )
        )


def downgrade() -> None:
    """Put each table into one piece again, with its rows copied."""
    for table, _, _ in _TABLES:
        op.execute(_JOIN.format(table=table, definitions_into=_definitions_of(table)))
