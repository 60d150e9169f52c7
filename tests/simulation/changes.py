"""Every row that is written, noted by triggers: what a call did, and the way back.

So an effect can be compared whole, whatever tables it touches, and be undone for the next try.
"""

from collections import Counter
from collections.abc import Collection

import asyncpg

_PREPARE = """
CREATE SCHEMA simulation;
CREATE TABLE simulation.change (
    id bigserial PRIMARY KEY, place regclass NOT NULL, verb text NOT NULL, old text, new text
);
CREATE FUNCTION simulation.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO simulation.change (place, verb, old, new) VALUES (TG_RELID, TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END,
        CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END);
    RETURN NULL;
END $$;
DO $$
DECLARE place regclass;
BEGIN
    FOR place IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION simulation.note()', place);
    END LOOP;
END $$;
CREATE FUNCTION simulation.undo() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change simulation.change;
    key text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR change IN SELECT * FROM simulation.change ORDER BY id DESC
    LOOP
        IF change.new IS NOT NULL THEN
            SELECT string_agg(
                format('t.%1$I = (($1)::%2$s).%1$I', a.attname, change.place), ' AND ')
            INTO STRICT key
            FROM pg_index i JOIN pg_attribute a
                ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
            WHERE i.indrelid = change.place AND i.indisprimary;
            EXECUTE format('DELETE FROM %s t WHERE %s', change.place, key) USING change.new;
        END IF;
        IF change.old IS NOT NULL THEN
            EXECUTE format('INSERT INTO %1$s SELECT (($1)::%1$s).*', change.place)
            USING change.old;
        END IF;
    END LOOP;
    TRUNCATE simulation.change;
END $$;
"""

_EFFECT = """
SELECT coalesce(i.inhparent, c.place)::regclass::text AS place, c.verb, count(*) AS number
FROM simulation.change c LEFT JOIN pg_inherits i ON i.inhrelid = c.place
GROUP BY 1, 2
"""

Effect = Counter[tuple[str, str]]
"""How many rows were written by table and verb."""


async def watch_changes(connection: asyncpg.Connection) -> None:
    """Have everything noted that is written from now on."""
    await connection.execute(_PREPARE)


async def effect(connection: asyncpg.Connection, *, without: Collection[str] = ()) -> Effect:
    """Return what was written since the last undoing, but for some tables."""
    rows = await connection.fetch(_EFFECT)
    return Counter({(row[0], row[1]): row[2] for row in rows if row[0] not in without})


async def undo(connection: asyncpg.Connection) -> None:
    """Put everything back as it was when the changes began to be noted, or at the last undoing."""
    await connection.execute("SELECT simulation.undo()")


async def keep(connection: asyncpg.Connection) -> None:
    """Let what was written stand: the next undoing goes back to here."""
    await connection.execute("TRUNCATE simulation.change")
