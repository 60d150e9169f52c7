"""The queue of deliveries: what is due is claimed under a lease, fairly between endpoints.

The attempt is written with the claim, and both are committed before anything is sent. So a
worker may be lost at any line: what it had claimed is due again when its lease is over, and
the attempt without an outcome shows what happened. Only the database's time counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import columns_of
from services.core.webhooks.health import FAILING_AFTER
from services.core.webhooks.models import WebhookDelivery
from services.core.webhooks.wording import Names, codes_in

DIGEST_MOST = 50
"""So many events at most are told in one message of a robot; its bytes may hold fewer."""

EACH_MOST = 100
"""So many deliveries to one endpoint at most are handed out at once."""

ROBOT_RATE = 18
"""Messages a minute; from twenty on a robot is muted."""

Key = tuple[str, UUID]
"""City and endpoint."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send; `tries` counts its attempts of the schedule so far."""

    city_code: str
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    number: int
    tries: int
    manual: bool
    body: bytes

    @property
    def endpoint(self) -> Key:
        """The key of its endpoint."""
        return self.city_code, self.endpoint_id


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is claimed: in all, for one endpoint at once (100 at most), and for how long."""

    most: int
    each: int
    lease_seconds: float


_REFILLED = """least(greatest(1, {rate} / 6.0),
    {tokens} + {rate} / 72.0 * greatest(0, extract(epoch FROM now() - {tokens_at})))"""
"""A sixth of a minute's messages may go at once and the rest is spread over the minute, so that
no minute, wherever it begins, has more than the rate."""

_RATE = f"""CASE WHEN e.format <> 'standard'
        THEN least(e.rate_per_minute, {ROBOT_RATE}) ELSE e.rate_per_minute END"""

_TAKES = "e.state <> 'disabled' AND (e.paused_until IS NULL OR e.paused_until <= now())"

# One that fails, and every robot, hears one message at a time.
_FREE = """CASE WHEN e.format <> 'standard' OR e.consecutive_failures >= :failing THEN 1 ELSE :each
        END - coalesce(busy.number, 0)"""

_WAITS = """d.endpoint_id = e.id AND d.state = 'pending'
    AND d.next_attempt_at <= now() AND (d.lease_until IS NULL OR d.lease_until <= now())"""

_DUE = f"d.city_code = :city AND {_WAITS}"

_CITIES_DUE = text(f"""
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


async def cities_due(session: AsyncSession, *, busy: Mapping[Key, int], each: int) -> list[str]:
    """Return the cities of which something can be claimed, the one that waits longest first.

    `busy` says how many messages to an endpoint are under way here, of at most `each`.
    """
    found = await session.scalars(
        _CITIES_DUE,
        {
            "cities": [city_code for city_code, _ in busy],
            "endpoints": [endpoint_id for _, endpoint_id in busy],
            "numbers": list(busy.values()),
            "failing": FAILING_AFTER,
            "each": each,
        },
    )
    return list(found)


_CLAIM = text(f"""
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
    WHERE e.city_code = :city AND {_TAKES}
), rated AS MATERIALIZED (
    -- Locked, so that of two workers one spends the tokens; whoever finds it locked passes on.
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
        -- Bounded by a number too: of how many rows a bound that is reckoned lets through,
        -- Postgres knows nothing, and expects a tenth of all there are.
        SELECT * FROM (
            SELECT d.id, d.next_attempt_at FROM webhook_delivery d
            WHERE {_DUE} ORDER BY d.next_attempt_at LIMIT e.room FOR UPDATE SKIP LOCKED
        ) due LIMIT {EACH_MOST}
    ) d
), claimed AS (
    UPDATE webhook_delivery d
    SET attempts = d.attempts + 1, lease_token = :token,
        lease_until = now() + make_interval(secs => :lease),
        -- A lease that is over and was not given back was a lost worker's: it spent no attempt.
        attempts_before = d.attempts_before + (d.lease_token IS NOT NULL)::int
    FROM taken t
    WHERE d.city_code = :city AND d.id = t.id
        -- What a robot may hear singly it hears singly; what is more than that is one message.
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
    c.attempts - c.attempts_before, c.manual, b.body
FROM claimed c CROSS JOIN LATERAL (
    SELECT body FROM webhook_body WHERE city_code = :city AND event_id = c.event_id LIMIT 1
) b
ORDER BY c.next_attempt_at, c.position
""")  # noqa: S608 (numbers and conditions of our own)


async def claim(
    session: AsyncSession, city_code: str, *, token: UUID, busy: Mapping[Key, int], limits: Limits
) -> list[Claimed]:
    """Take deliveries of a city that are due, at most so many, under a lease; each is an attempt.

    `busy` says how many messages to an endpoint are under way here. Endpoints share what is
    claimed; one that fails, and every robot, gets one message at a time. Those of one robot
    are one message, and what does not fit is to be given back. The caller commits before it
    sends.
    """
    here = {key[1]: number for key, number in busy.items() if key[0] == city_code}
    found = await session.execute(
        _CLAIM,
        {
            "city": city_code,
            "endpoints": list(here),
            "numbers": list(here.values()),
            "failing": FAILING_AFTER,
            "each": limits.each,
            "most": limits.most,
            "lease": limits.lease_seconds,
            "token": token,
        },
    )
    return [Claimed(*row) for row in found]


_GIVE_BACK = text("""
WITH given_back AS (
    UPDATE webhook_delivery SET attempts = attempts - 1, lease_token = NULL, lease_until = NULL
    WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[])) AND lease_token = :token
    RETURNING id, attempts + 1 AS number
)
DELETE FROM webhook_attempt a USING given_back g
WHERE a.city_code = :city AND a.delivery_id = g.id AND a.number = g.number
""")


async def give_back(
    session: AsyncSession, city_code: str, claimed: Collection[Claimed], *, token: UUID
) -> None:
    """Undo the claim of deliveries of a city: they are due as before, untried."""
    ids = [one.id for one in claimed]
    await session.execute(_GIVE_BACK, {"city": city_code, "ids": ids, "token": token})


_TARGETS = text("""
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


async def targets(
    session: AsyncSession, city_code: str, endpoint_ids: Collection[UUID]
) -> list[Row[Any]]:
    """Return endpoints, still sealed, with the secrets that are live now, the newest first."""
    given = {"city": city_code, "endpoints": list(endpoint_ids)}
    return list(await session.execute(_TARGETS, given))


_NAMES = text("""
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


async def names_for(session: AsyncSession, claimed: Collection[Claimed]) -> Names:
    """Return what the organizations and indicators are called that these events speak of.

    All of one city; what is known of a code in one of the plans is good enough for a message.
    """
    codes = [codes_in(from_json(one.body)) for one in claimed]
    if not codes:
        return Names()
    plans, organizations, indicators = (
        sorted({code for code in column if isinstance(code, str)})
        for column in zip(*codes, strict=True)
    )
    found = await session.execute(
        _NAMES,
        {
            "city": next(iter(claimed)).city_code,
            "plans": plans,
            "organizations": organizations,
            "indicators": indicators,
        },
    )
    names: dict[str, dict[str, str]] = {"organization": {}, "indicator": {}}
    for kind, code, name in found:
        names[kind][code] = name
    return Names(names["organization"], names["indicator"])


async def clock_skew(session: AsyncSession, true_now: datetime) -> float:
    """Return by how many seconds a clock goes before the database's."""
    found = await session.scalar(
        text("SELECT extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp())"),
        {"now": true_now},
    )
    return float(found or 0)
