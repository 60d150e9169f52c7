"""The SQL statements of deliveries: claiming, sending, settling, counting, deleting."""

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import JSONB

from services.core.kit.database import columns_of
from services.core.webhooks.models import WebhookDelivery
from services.core.webhooks.rules import DIGEST_MOST, EACH_MOST, ROBOT_RATE

_REFILLED = """least(greatest(1, {rate} / 6.0),
    {tokens} + {rate} / 72.0 * greatest(0, extract(epoch FROM now() - {tokens_at})))"""
"""The refilled token bucket: a burst of a sixth of the rate, and a refill of five sixths a minute,
so that no 60 seconds have more messages than the rate."""

_RATE = f"""CASE WHEN e.format <> 'standard'
        THEN least(e.rate_per_minute, {ROBOT_RATE}) ELSE e.rate_per_minute END"""

_TAKES = "e.state <> 'disabled' AND (e.paused_until IS NULL OR e.paused_until <= now())"

# By the database's clock, as all else here. An endpoint whose key is no longer valid gets nothing
# from the next claim on; the date-driven upkeep disables it and notifies its owner. The statement
# across cities does not read keys, so until then a city may be claimed from in vain.
_OWNED = """EXISTS (SELECT FROM api_key k WHERE k.city_code = :city
        AND k.id = e.owner_credential_id AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now()))"""

# A failing endpoint, and every robot, gets one message at a time.
_FREE = """CASE WHEN e.format <> 'standard' OR e.consecutive_failures >= :failing THEN 1 ELSE :each
        END - coalesce(busy.number, 0)"""

_WAITS = """d.endpoint_id = e.id AND d.state = 'pending'
    AND d.next_attempt_at <= now() AND (d.lease_until IS NULL OR d.lease_until <= now())"""

_DUE = f"d.city_code = :city AND {_WAITS}"

CITIES_DUE = text(f"""
SELECT e.city_code FROM webhook_endpoint e
LEFT JOIN (
    SELECT * FROM unnest(
        CAST(:cities AS text[]), CAST(:endpoints AS uuid[]), CAST(:numbers AS int[])
    ) AS b(city_code, id, number)
) busy ON busy.city_code = e.city_code AND busy.id = e.id
CROSS JOIN LATERAL (
    SELECT d.next_attempt_at AS since FROM webhook_delivery d
    WHERE d.city_code = e.city_code AND {_WAITS} ORDER BY d.next_attempt_at LIMIT 1
) head
WHERE {_TAKES} AND {_FREE} > 0 AND (e.format = 'standard' AND e.rate_per_minute IS NULL
    OR {_REFILLED.format(rate=f"({_RATE})", tokens="e.tokens", tokens_at="e.tokens_at")} >= 1)
GROUP BY e.city_code ORDER BY min(head.since)
""")  # noqa: S608 (conditions of our own)
"""The cities with claimable deliveries, the longest waiting first."""

# In steps: `waiting` endpoints with valid keys that have something due and are not full; `rated`
# those of them with a rate, locked; `funded` with their refilled tokens; `open` how many deliveries
# each may have now; `taken` those deliveries, locked; then the writes. SKIP LOCKED twice, so that
# workers share the queue and never wait for each other. MATERIALIZED where a step locks or is read
# more than once. NO KEY UPDATE, so that rows that refer to the endpoint may be inserted meanwhile.
CLAIM = text(f"""
WITH busy AS (
    SELECT * FROM unnest(CAST(:endpoints AS uuid[]), CAST(:numbers AS int[])) AS b(id, number)
), waiting AS MATERIALIZED (
    SELECT e.id, e.format <> 'standard' AS robot, e.rate_per_minute, head.since, {_FREE} AS free
    FROM webhook_endpoint e
    LEFT JOIN busy USING (id)
    CROSS JOIN LATERAL (
        SELECT d.next_attempt_at AS since FROM webhook_delivery d
        WHERE {_DUE} ORDER BY d.next_attempt_at LIMIT 1
    ) head
    WHERE e.city_code = :city AND {_TAKES} AND {_OWNED}
), rated AS MATERIALIZED (
    -- Locked, so that only one of two workers spends the tokens; the other skips it.
    SELECT locked.id, w.robot, locked.tokens, locked.tokens_at, locked.rate FROM (
        SELECT e.id, e.tokens, e.tokens_at, {_RATE} AS rate FROM webhook_endpoint e
        WHERE e.city_code = :city AND e.id IN (
            SELECT id FROM waiting WHERE free > 0 AND (robot OR rate_per_minute IS NOT NULL))
        FOR NO KEY UPDATE SKIP LOCKED
    ) locked JOIN waiting w ON w.id = locked.id
), funded AS MATERIALIZED (
    SELECT id, robot, {_REFILLED.format(rate="rate", tokens="tokens", tokens_at="tokens_at")}
        AS tokens FROM rated
), open AS MATERIALIZED (
    SELECT *, CASE WHEN robot THEN {DIGEST_MOST}
        ELSE least(free, :most / count(*) OVER (), floor(tokens)) END AS room
    FROM (
        SELECT e.id, e.robot, e.free, funded.tokens
        FROM waiting e LEFT JOIN funded USING (id)
        WHERE e.free > 0 AND CASE WHEN e.robot OR e.rate_per_minute IS NOT NULL
            THEN funded.tokens >= 1 ELSE TRUE END
        ORDER BY e.since LIMIT :most
    ) e
), taken AS MATERIALIZED (
    SELECT e.id AS endpoint_id, e.robot, e.tokens, d.id,
        count(*) OVER (PARTITION BY e.id) AS together,
        row_number() OVER (PARTITION BY e.id ORDER BY d.next_attempt_at, d.id) AS n
    FROM open e CROSS JOIN LATERAL (
        -- Bounded by a constant too, because Postgres cannot estimate a computed LIMIT, and expects
        -- a tenth of all rows.
        SELECT * FROM (
            SELECT d.id, d.next_attempt_at FROM webhook_delivery d
            WHERE {_DUE} ORDER BY d.next_attempt_at LIMIT e.room FOR UPDATE SKIP LOCKED
        ) due LIMIT {EACH_MOST}
    ) d
), claimed AS (
    UPDATE webhook_delivery d
    SET attempts = d.attempts + 1, lease_token = :token,
        lease_until = now() + make_interval(secs => :lease),
        -- An expired lease that was not given back was a lost worker's: its attempt does not count.
        attempts_before = d.attempts_before + (d.lease_token IS NOT NULL)::int
    FROM taken t
    WHERE d.city_code = :city AND d.id = t.id
        -- A robot gets deliveries singly if its tokens suffice for all; otherwise as one message.
        AND NOT (t.robot AND t.together <= t.tokens AND t.n > 1)
    RETURNING {columns_of(WebhookDelivery, "d")}
), begun AS (
    INSERT INTO webhook_attempt (city_code, delivery_id, number, started_at, lease_until)
    SELECT :city, id, attempts, now(), lease_until FROM claimed
), spent AS (
    UPDATE webhook_endpoint e SET tokens_at = now(),
        tokens = f.tokens - CASE WHEN f.robot THEN 1 ELSE c.number END
    FROM funded f JOIN (
        SELECT endpoint_id AS id, count(*) AS number FROM claimed GROUP BY 1
    ) c USING (id)
    WHERE e.city_code = :city AND e.id = f.id
)
SELECT c.city_code, c.id, c.endpoint_id, c.event_id, c.event_type, c.attempts,
    c.attempts - c.attempts_before, c.manual, b.body, b.traceparent
FROM claimed c CROSS JOIN LATERAL (
    SELECT body, traceparent FROM webhook_body
    WHERE city_code = :city AND event_id = c.event_id LIMIT 1
) b
ORDER BY c.next_attempt_at, c.position, c.endpoint_id
""")  # noqa: S608 (numbers and conditions of our own)
"""Claims due deliveries of a city under a lease, fairly between endpoints, and begins an attempt of
each; returns them with their bodies."""

# By the claim's token: if the lease has expired and another worker has claimed the delivery,
# nothing is undone.
GIVE_BACK = text("""
WITH given_back AS (
    UPDATE webhook_delivery SET attempts = attempts - 1, lease_token = NULL, lease_until = NULL
    WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[])) AND lease_token = :token
    RETURNING id, attempts + 1 AS number
)
DELETE FROM webhook_attempt a USING given_back g
WHERE a.city_code = :city AND a.delivery_id = g.id AND a.number = g.number
""")
"""Undoes the claim of deliveries that are still under its lease."""

TARGETS = text("""
SELECT e.city_code, e.id, e.format, e.url_shown, e.url_sealed, e.headers_sealed,
    s.secret_ids, s.kinds, s.secrets_sealed
FROM webhook_endpoint e
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(id ORDER BY id DESC), '{}') AS secret_ids,
        coalesce(array_agg(kind ORDER BY id DESC), '{}') AS kinds,
        coalesce(array_agg(secret_sealed ORDER BY id DESC), '{}') AS secrets_sealed
    FROM webhook_secret
    WHERE city_code = :city AND endpoint_id = e.id
        AND (expires_at IS NULL OR expires_at > now())
) s
WHERE e.city_code = :city AND e.id = ANY(CAST(:endpoints AS uuid[]))
""")
"""Endpoints, still sealed, with their live secrets."""

NAMES = text("""
SELECT 'organization' AS kind, code, name FROM organization
WHERE city_code = :city AND code = ANY(CAST(:organizations AS text[]))
UNION ALL
SELECT 'indicator', indicator->>'code', indicator->>'name'
FROM plan JOIN plan_version v USING (city_code)
CROSS JOIN LATERAL jsonb_array_elements(v.document->'indicators') indicator
WHERE plan.city_code = :city AND plan.code = ANY(CAST(:plans AS text[]))
    AND v.plan_code = plan.code AND v.version = plan.version
    AND indicator->>'code' = ANY(CAST(:indicators AS text[]))
""")
"""The names of units and indicators of a city."""

# `clock_timestamp`, not `now()`: the transaction may have begun a while ago.
CLOCK_SKEW = text("SELECT extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp())")
"""By how many seconds an instant is ahead of the database's clock."""

# The clock is read in the first CTE, because Citus rejects an UPDATE by an expression with it.
SETTLE = text("""
WITH result AS (
    SELECT r.*, now() AS now, now() + make_interval(secs => r.delay) AS again_at FROM unnest(
        CAST(:ids AS uuid[]), CAST(:numbers AS int[]),
        CAST(:tokens AS uuid[]), CAST(:outcomes AS text[]), CAST(:statuses AS int[]),
        CAST(:durations AS int[]), CAST(:said AS text[]), CAST(:requests AS text[]),
        CAST(:states AS text[]), CAST(:delays AS float8[]), CAST(:free AS int[])
    ) AS r(id, number, token, outcome, status_code, duration_ms, said, request,
        state, delay, free)
), settled AS (
    UPDATE webhook_delivery d
    SET lease_token = NULL, lease_until = NULL, attempts_before = d.attempts_before + r.free,
        state = CASE
            -- A delivery that succeeded before a manual resend stays delivered.
            WHEN d.state = 'pending' AND r.state = 'failed' AND EXISTS (
                SELECT FROM webhook_attempt AS before WHERE before.city_code = :city
                AND before.delivery_id = d.id AND before.outcome = 'delivered') THEN 'delivered'
            WHEN d.state = 'pending' OR r.state = 'delivered' THEN r.state ELSE d.state END,
        settled_at = CASE WHEN d.state <> 'pending' THEN d.settled_at
            WHEN r.state <> 'pending' THEN r.now END,
        next_attempt_at = CASE WHEN r.state = 'pending' THEN r.again_at
            ELSE d.next_attempt_at END
    FROM result r
    WHERE d.city_code = :city AND d.id = r.id AND d.lease_token = r.token
    RETURNING d.id
), logged AS (
    UPDATE webhook_attempt a
    SET outcome = CASE WHEN s.id IS NULL THEN 'superseded' ELSE r.outcome END,
        status_code = r.status_code, duration_ms = r.duration_ms, response_head = r.said,
        request_head = CAST(r.request AS jsonb)
    FROM result r LEFT JOIN settled s USING (id)
    WHERE a.city_code = :city AND a.delivery_id = r.id AND a.number = r.number
        -- Idempotent: settling again, after a lost confirmation, changes nothing.
        AND a.outcome IS NULL
)
SELECT id, now() AS now FROM settled
""")
"""Writes outcomes of attempts and fates of deliveries; returns those still under the lease."""

# Ordered, so that two batches with the same endpoints cannot deadlock.
LOCK_UNWELL = text("""
SELECT city_code, id, owner, owner_credential_id, url_shown, state, state_reason, failing_since,
    warned, consecutive_failures, paused_until
FROM webhook_endpoint
WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[]))
    AND (id = ANY(CAST(:failed AS uuid[])) OR consecutive_failures > 0)
ORDER BY id FOR NO KEY UPDATE
""").columns(owner=JSONB)
"""Locks the endpoints whose health some outcomes can change."""

SET_HEALTH = text("""
UPDATE webhook_endpoint SET state = :state, state_reason = :state_reason,
    failing_since = :failing_since, warned = :warned,
    consecutive_failures = :consecutive_failures, paused_until = :paused_until
WHERE city_code = :city AND id = :id
""")
"""Writes an endpoint's health."""


# DELETE has no LIMIT, so the bound is the key after so many rows. As a range of the primary key it
# reads only the beginning of the index.
def _drop_old(table: str, key: str) -> TextClause:
    return text(f"""
    DELETE FROM {table} WHERE city_code = :city AND {key} < :oldest AND {key} <= least((
        SELECT {key} FROM {table} WHERE city_code = :city AND {key} < :oldest
        ORDER BY {key} OFFSET :most LIMIT 1), :oldest)
    """)  # noqa: S608 (names of our own)


DROP_OLD = _drop_old("webhook_delivery", "id")
"""Deletes old deliveries, at most so many."""

DROP_PARTED = (_drop_old("webhook_attempt", "delivery_id"), _drop_old("webhook_body", "event_id"))
"""Deletes rows older than the oldest kept partition, at most so many."""

COUNTED_AT_MOST = 10_000
"""A longer queue is reported with this length."""

_ATTEMPTS_AT_MOST = 5_000
_FRONT = 64

QUEUES = text(f"""
SELECT e.city_code, e.id, e.state, queue.number, queue.due, e.consecutive_failures,
    greatest(0, extract(epoch FROM now() - queue.since))
FROM webhook_endpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS number, count(*) FILTER (WHERE waiting.next_attempt_at <= now()) AS due,
        coalesce(min(waiting.next_attempt_at), now()) AS since
    FROM (
        SELECT d.next_attempt_at FROM webhook_delivery d
        WHERE d.city_code = e.city_code AND d.endpoint_id = e.id AND d.state = 'pending'
        ORDER BY d.next_attempt_at LIMIT {COUNTED_AT_MOST}
    ) waiting
) queue
""")  # noqa: S608 (a number of our own)
"""Each endpoint's state, the length of its queue, how much of it is due, and since when."""

RECENT_OUTCOMES = text(f"""
SELECT d.endpoint_id, count(*), count(*) FILTER (WHERE a.outcome = 'delivered'),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY a.duration_ms) / 1000,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY a.duration_ms) / 1000
FROM (
    SELECT delivery_id, outcome, duration_ms FROM webhook_attempt
    WHERE city_code = :city AND delivery_id >= :since
    ORDER BY delivery_id DESC LIMIT {_ATTEMPTS_AT_MOST}
) a
JOIN webhook_delivery d ON d.city_code = :city AND d.id = a.delivery_id
WHERE a.outcome IS NOT NULL
GROUP BY d.endpoint_id
""")  # noqa: S608 (a number of our own)
"""Outcomes of a city's attempts since an id, by endpoint."""

LONGEST_UNATTENDED = text(f"""
SELECT max(extract(epoch FROM now() - front.since))
FROM webhook_endpoint e
CROSS JOIN LATERAL (
    SELECT min(first.next_attempt_at) AS since FROM (
        SELECT d.next_attempt_at, d.lease_until FROM webhook_delivery d
        WHERE d.city_code = e.city_code AND d.endpoint_id = e.id AND d.state = 'pending'
            AND d.next_attempt_at <= now()
        ORDER BY d.next_attempt_at LIMIT {_FRONT}
    ) first
    HAVING count(*) FILTER (WHERE first.lease_until > now()) = 0
) front
WHERE e.state <> 'disabled' AND (e.paused_until IS NULL OR e.paused_until < now())
    -- An endpoint with a rate waits for it, and is skipped unless that was long ago.
    AND (e.format = 'standard' AND e.rate_per_minute IS NULL
        OR e.tokens_at < now() - interval '2 minutes')
""")  # noqa: S608 (a number of our own)
"""The seconds for which the oldest unattended delivery has been due."""
