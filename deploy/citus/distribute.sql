-- Distributes every table by city over the nodes of a Citus cluster.
--
-- Run it in the database of Wufei on the coordinator after `wufei migrate`, and again after every
-- later `wufei migrate`: what is distributed already stays as it is.
--
--   psql "$DATABASE_URL" --set ON_ERROR_STOP=1 --file deploy/citus/distribute.sql
--
-- The tables of a city lie on one node together, so that a statement that names the city runs
-- there whole. What belongs to no city is kept on every node.

DO $$
DECLARE
    one record;
BEGIN
    LOOP
        -- A table comes after those that it refers to.
        SELECT t.oid::regclass AS name, EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = t.oid AND a.attname = 'city_code' AND NOT a.attisdropped
        ) AS is_of_cities INTO one
        FROM pg_class t
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
            AND NOT t.relispartition
            AND t.relname <> 'alembic_version'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
            AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = t.oid)
            AND NOT EXISTS (
                SELECT FROM pg_constraint c
                WHERE c.conrelid = t.oid AND c.contype = 'f' AND c.confrelid <> t.oid
                    AND NOT EXISTS (
                        SELECT FROM pg_dist_partition p WHERE p.logicalrelid = c.confrelid))
        ORDER BY t.relname <> 'city', t.relname LIMIT 1;
        EXIT WHEN NOT FOUND;
        IF NOT one.is_of_cities THEN
            PERFORM create_reference_table(one.name);
        ELSIF one.name = 'city'::regclass THEN
            PERFORM create_distributed_table(one.name, 'city_code', colocate_with => 'none');
        ELSE
            PERFORM create_distributed_table(one.name, 'city_code', colocate_with => 'city');
        END IF;
    END LOOP;
END
$$;
