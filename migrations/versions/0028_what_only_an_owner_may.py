"""Functions for what only the owner of the tables may do, so that the service need not own them.

Each runs with the rights of the owner, looks for names in this schema alone, and judges by itself
what it is asked: a part is made in its own table only, and dropped when its rows are too old; of
the audit when each city keeps a signed head that says so. Which roles may call them is said by
`wufei migrate`, for roles are the server's and not the database's.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
works_since = "0014"

_MAKE_PART = """
CREATE FUNCTION make_part(of_table text, part text, lower uuid, upper uuid, most int)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    owner_schema text := {schema};
    key text;
    rest text;
    astray bigint := 0;
    span text;
BEGIN
    SELECT a.attname, format('%I.%I', owner_schema, d.relname) INTO key, rest
    FROM pg_class t
    JOIN pg_partitioned_table p ON p.partrelid = t.oid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = p.partattrs[0]
    LEFT JOIN pg_class d ON d.oid = p.partdefid
    WHERE t.relname = of_table AND t.relnamespace = owner_schema::regnamespace;
    IF key IS NULL OR part !~ ('^' || of_table || '_[0-9]{4}(q[1-4]|m(0[1-9]|1[0-2]))$') THEN
        RAISE EXCEPTION '% is no part of a table cut by time', part
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    span := format('WHERE %1$I >= %2$L AND %1$I < %3$L', key, lower, upper);
    IF rest IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s %s LIMIT %s) AS counted',
            rest, span, most::bigint + 1) INTO astray;
    END IF;
    IF astray > most THEN
        RETURN FALSE;
    END IF;
    -- Not made as a part at once, which would keep all others from the whole table meanwhile.
    EXECUTE format('CREATE TABLE %1$I.%2$I'
        ' (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        owner_schema, part, of_table);
    IF astray > 0 THEN
        -- In two statements, for a cluster moves no rows in one; so nobody may write meanwhile.
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', rest);
        EXECUTE format('INSERT INTO %I.%I SELECT * FROM %s %s', owner_schema, part, rest, span);
        EXECUTE format('DELETE FROM %s %s', rest, span);
    END IF;
    EXECUTE format('ALTER TABLE %1$I.%3$I ATTACH PARTITION %1$I.%2$I'
        ' FOR VALUES FROM (%4$L) TO (%5$L)',
        owner_schema, part, of_table, lower, upper);
    RETURN TRUE;
END
$$
"""

# The first 48 bits of a UUIDv7 are milliseconds since 1970.
_DROP_PART = """
CREATE FUNCTION drop_part(part text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    owner_schema text := {schema};
    of_table text;
    bound uuid;
    youngest interval;
    ended timestamptz;
    city text;
    kept uuid;
BEGIN
    SELECT p.relname,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9a-f-]{36})''\\)')::uuid
    INTO of_table, bound
    FROM pg_class c
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relname = part AND c.relnamespace = owner_schema::regnamespace;
    youngest := CASE of_table WHEN 'audit_entry' THEN interval '183 days'
        WHEN 'webhook_attempt' THEN interval '90 days'
        WHEN 'webhook_body' THEN interval '90 days' END;
    ended := to_timestamp(
        ('x' || replace(left(bound::text, 13), '-', ''))::bit(48)::bigint / 1000.0);
    IF youngest IS NULL OR ended IS NULL THEN
        RAISE EXCEPTION '% is no part that is ever dropped', part
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Who owns the table may drop it anyhow, and tests do so with a clock of their own.
    IF ended > now() - youngest AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION '% holds what is not old enough to be dropped', part
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF of_table = 'audit_entry' THEN
        FOR city IN EXECUTE format('SELECT city_code FROM %I.city', owner_schema) LOOP
            EXECUTE format('SELECT h.kept_from FROM %1$I.audit_checkpoint AS h'
                ' JOIN %1$I.audit_link AS l ON l.city_code = $1 AND l.number = h.number'
                ' AND l.digest = h.digest'
                ' WHERE h.city_code = $1 AND h.signature IS NOT NULL'
                ' ORDER BY h.day DESC LIMIT 1', owner_schema) INTO kept USING city;
            IF kept IS NULL OR kept < bound THEN
                EXECUTE format('SELECT id FROM %I.audit_entry WHERE city_code = $1 AND id < $2'
                    ' LIMIT 1', owner_schema) INTO kept USING city, bound;
                IF kept IS NOT NULL THEN
                    RAISE EXCEPTION 'no signed head of % says that % may be dropped', city, part
                        USING ERRCODE = 'insufficient_privilege';
                END IF;
            END IF;
        END LOOP;
    END IF;
    EXECUTE format('DROP TABLE %I.%I', owner_schema, part);
END
$$
"""

_COUNT_GROWN = """
CREATE FUNCTION count_grown(few int)
RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    names text[];
    places text;
BEGIN
    SELECT array_agg(c.relname ORDER BY c.oid),
        string_agg(format('%I.%I', {schema}::text, c.relname), ', ' ORDER BY c.oid)
    INTO names, places
    FROM pg_class c
    WHERE c.relnamespace = {schema}::regnamespace AND c.relkind = 'r'
        AND pg_relation_size(c.oid) >= current_setting('block_size')::int
            * CASE WHEN c.reltuples < 0 THEN 1 ELSE few + 2 * c.relpages::bigint END
        AND pg_has_role(c.relowner, 'USAGE');
    IF places IS NOT NULL THEN
        EXECUTE 'ANALYZE (SKIP_LOCKED) ' || places;
        RETURN QUERY SELECT unnest(names);
    END IF;
END
$$
"""

# In whichever schema the tables are; what is created is looked for nowhere else.
_DEFINE = """
DO $define$
DECLARE
    place text := current_schema();
BEGIN
    EXECUTE replace({text}, '{{schema}}', quote_literal(place));
    EXECUTE format('ALTER FUNCTION {name} SET search_path = pg_catalog, %I, pg_temp', place);
    EXECUTE 'REVOKE ALL ON FUNCTION {name} FROM PUBLIC';
END
$define$
"""

_FUNCTIONS = {
    "make_part(text, text, uuid, uuid, int)": _MAKE_PART,
    "drop_part(text)": _DROP_PART,
    "count_grown(int)": _COUNT_GROWN,
}


def upgrade() -> None:
    """Add the functions."""
    for name, text in _FUNCTIONS.items():
        quoted = f"$text${text}$text$"
        op.execute(_DEFINE.format(name=name, text=quoted))


def downgrade() -> None:
    """Drop them; the release before does their work as the owner."""
    for name in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
