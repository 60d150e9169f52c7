"""SQL statements on partners that are a transaction by themselves, or that add to counters."""

from sqlalchemy import text

from services.core.kit.statements import DriverStatement

REMEMBER = DriverStatement("""
INSERT INTO partner_nonce (city_code, partner_id, digest, expires_at)
VALUES (:city_code, :partner_id, :digest, :expires_at)
-- What has expired is as good as gone, swept or not.
ON CONFLICT (city_code, partner_id, digest) DO UPDATE SET expires_at = excluded.expires_at
WHERE partner_nonce.expires_at < :now
RETURNING 1
""")
"""Returns 1 if a partner sent this for the first time, else no row; valid over all processes."""

ADD_USE = text("""
INSERT INTO partner_use
    (city_code, partner_id, day, interface, calls, faults, bytes_in, bytes_out, times, last_call_at)
VALUES (:city_code, :partner_id, :day, :interface, :calls, :faults, :bytes_in, :bytes_out,
    CAST(:times AS bigint[]), :last_call_at)
ON CONFLICT (city_code, partner_id, day, interface) DO UPDATE SET
    calls = partner_use.calls + excluded.calls,
    faults = partner_use.faults + excluded.faults,
    bytes_in = partner_use.bytes_in + excluded.bytes_in,
    bytes_out = partner_use.bytes_out + excluded.bytes_out,
    times = ARRAY(
        SELECT t.old + t.new FROM unnest(partner_use.times, excluded.times)
            WITH ORDINALITY AS t(old, new, place) ORDER BY t.place
    ),
    last_call_at = greatest(partner_use.last_call_at, excluded.last_call_at)
""")
"""Adds calls of an operation to the counts of the day."""

ADD_CALLS = text("""
UPDATE partner SET calls = calls + :calls, faults = faults + :faults,
    last_call_at = greatest(last_call_at, CAST(:last_call_at AS timestamptz))
WHERE city_code = :city_code AND id = :partner_id
""")
"""Adds calls to the counts of the partner."""

FORGET_NONCES = text("""
DELETE FROM partner_nonce WHERE city_code = :city_code AND (partner_id, digest) IN (
    SELECT partner_id, digest FROM partner_nonce
    WHERE city_code = :city_code AND expires_at < :now ORDER BY expires_at LIMIT 20000
)
""")
"""Deletes expired nonces, a batch at a time: the sweep comes every half minute."""

FORGET_USE = text("DELETE FROM partner_use WHERE city_code = :city_code AND day < :before")
"""Deletes statistics of partners' calls before a day."""
