"""What is true of the ledger after every step, whatever was broken off: each law as a query.

A query returns what breaks its law. `boards_differ` is the one that costs more than a look.
"""

from collections.abc import Mapping

import asyncpg

from services.core.audit.proving import verify
from services.core.events.queries import log_position
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.scoring.service import rebuild_inputs, recompute_plan

_HISTORIES = ("submission", "milestone", "obligation", "alert")


def _told_by_history(kind: str) -> str:
    """Return what finds a thing whose state, history and events are not of the same changes."""
    return f"""
SELECT coalesce(t.id, h.id)::text AS id, t.version, h.changes, h.last
FROM {kind} t FULL JOIN (
    SELECT city_code, {kind}_id AS id, count(*) AS changes, max(version) AS last
    FROM {kind}_history GROUP BY 1, 2
) h USING (city_code, id)
WHERE (t.version, h.changes) IS DISTINCT FROM (h.last, h.last)
"""


_LAWS: Mapping[str, str] = {
    "the numbers of a log run from 1 without a gap": """
SELECT city_code, h.position, n.number, n.last FROM log_head h FULL JOIN (
    SELECT city_code, count(*) AS number, max(position) AS last FROM event_position GROUP BY 1
) n USING (city_code)
WHERE (h.position, n.number) IS DISTINCT FROM (n.last, n.last)
    AND (h.position, n.number) IS DISTINCT FROM (CAST(0 AS bigint), CAST(NULL AS bigint))
""",
    "an event has a number or waits for one": """
SELECT coalesce(e.id, p.event_id, w.event_id)::text AS event FROM event e
FULL JOIN event_position p ON p.city_code = e.city_code AND p.event_id = e.id
FULL JOIN event_pending w ON w.city_code = e.city_code AND w.event_id = e.id
WHERE e.id IS NULL OR (p.event_id IS NULL) = (w.event_id IS NULL)
""",
    "a link is of each entry that waits no more, and of each event that was linked, once": """
SELECT coalesce(l.row_id, e.id, p.event_id)::text AS row FROM audit_link l
FULL JOIN (
    SELECT e.city_code, e.id FROM audit_entry e
    LEFT JOIN audit_pending w ON w.city_code = e.city_code AND w.entry_id = e.id
    WHERE w.entry_id IS NULL
) e ON e.city_code = l.city_code AND e.id = l.row_id AND l.kind = 'entry'
FULL JOIN (
    SELECT p.city_code, p.event_id, p.position FROM event_position p
    JOIN reader_cursor c ON c.city_code = p.city_code AND c.reader = 'audit'
    WHERE p.position <= c.position
) p ON p.city_code = l.city_code AND p.event_id = l.row_id AND p.position = l.position
WHERE l.row_id IS NULL OR (e.id IS NULL) = (p.event_id IS NULL)
""",
    "the links of a chain run from 1 without a gap to its head": """
SELECT city_code, h.number, n.links, n.last FROM audit_head h FULL JOIN (
    SELECT city_code, count(*) AS links, max(number) AS last FROM audit_link GROUP BY 1
) n USING (city_code)
WHERE (h.number, n.links) IS DISTINCT FROM (n.last, n.last)
    AND (h.number, n.links) IS DISTINCT FROM (CAST(0 AS bigint), CAST(NULL AS bigint))
""",
    "no reader is before the log": """
SELECT c.city_code, c.reader, c.position FROM reader_cursor c
LEFT JOIN log_head h USING (city_code)
WHERE c.reader NOT LIKE '%/%' AND c.position > coalesce(h.position, 0)
""",
    **{f"a change of a {kind} is in its history": _told_by_history(kind) for kind in _HISTORIES},
    "a change of a submission is one event": """
SELECT submission_id::text, changes, told FROM (
    SELECT city_code, submission_id, count(*) AS changes FROM submission_history GROUP BY 1, 2
) h FULL JOIN (
    SELECT city_code, CAST(subject_id AS uuid) AS submission_id, count(*) AS told FROM event
    WHERE subject_kind = 'submission' GROUP BY 1, 2
) e USING (city_code, submission_id)
WHERE changes IS DISTINCT FROM told
""",
    "a board that was drawn was told": """
SELECT drawn, told FROM (SELECT count(*) AS drawn FROM score_snapshot) s
CROSS JOIN (SELECT count(*) AS told FROM event WHERE type = 'score.updated') e
WHERE drawn <> told
""",
    "a notice is told by one event, and no other event tells one": """
SELECT e.id::text AS event, n.alert_key, n.number FROM (
    SELECT city_code, id FROM event WHERE type IN ('alert.raised', 'alert.escalated')
) e FULL JOIN (
    SELECT city_code, event_id AS id, min(alert_key) AS alert_key, count(*) AS number
    FROM alert_notice WHERE outcome = 'given' GROUP BY 1, 2
) n USING (city_code, id)
WHERE e.id IS NULL OR n.number IS DISTINCT FROM 1
""",
    "a digest of a day is told once": """
SELECT e.id::text AS event, d.organization_code FROM (
    SELECT city_code, id FROM event WHERE type = 'alert.digest'
) e FULL JOIN alert_digest d ON d.city_code = e.city_code AND d.event_id = e.id
WHERE e.id IS NULL OR d.event_id IS NULL
""",
    "what a superior accepted has its receipt, and what it said nothing of has none": """
SELECT id::text, state, receipt FROM connector_item
WHERE (state = 'accepted') <> (receipt IS NOT NULL)
    OR (state IN ('accepted', 'refused') AND (receipts = 0 OR payload IS NULL))
    OR (state = 'unknown' AND batch_id IS NULL)
    OR (state = 'unmapped') <> (missing <> '{}')
""",
    "a revision is queued once for a connector": """
SELECT connector_id::text, submission_id::text, revision FROM connector_item
WHERE state <> 'superseded'
GROUP BY city_code, connector_id, submission_id, revision, withdrawn HAVING count(*) > 1
""",
    "an event has at most one delivery an endpoint": """
SELECT endpoint_id::text, event_id::text FROM webhook_delivery
GROUP BY city_code, 1, 2 HAVING count(*) > 1
""",
    "a delivery is settled, or scheduled for an endpoint that hears": """
SELECT d.id::text, d.state, d.settled_at, e.state AS endpoint FROM webhook_delivery d
LEFT JOIN webhook_endpoint e ON e.city_code = d.city_code AND e.id = d.endpoint_id
WHERE (d.state = 'pending') <> (d.settled_at IS NULL)
    OR d.state = 'pending' AND (e.id IS NULL OR e.state = 'disabled')
""",
    "a delivery has its body": """
SELECT d.id::text FROM webhook_delivery d
LEFT JOIN webhook_body b ON b.city_code = d.city_code AND b.event_id = d.event_id
WHERE b.event_id IS NULL
""",
    "what is delivered was taken by the receiver, and what is taken is delivered": """
SELECT d.id::text, d.state, a.good FROM webhook_delivery d LEFT JOIN (
    SELECT city_code, delivery_id, count(*) AS begun, max(number) AS last,
        bool_or(outcome = 'delivered') AS good
    FROM webhook_attempt GROUP BY 1, 2
) a ON a.city_code = d.city_code AND a.delivery_id = d.id
WHERE d.attempts <> coalesce(a.begun, 0) OR d.attempts <> coalesce(a.last, 0)
    OR d.state <> 'pending' AND (d.state = 'delivered') <> coalesce(a.good, FALSE)
""",
    "a kept reply is whole": """
SELECT key FROM stored_reply WHERE status IS NULL OR body IS NULL
""",
}


_ALL = " UNION ALL ".join(
    f"SELECT $law${law}$law$ AS law, to_jsonb(broken) AS row FROM ({query} LIMIT 3) broken"
    for law, query in _LAWS.items()
)


async def broken_laws(connection: asyncpg.Connection) -> list[str]:
    """Return each law that does not hold with rows that break it, seen at one instant."""
    return [f"{law}: {row}" for law, row in await connection.fetch(_ALL)]


async def chain_broken(database: Database, city_code: str) -> str:
    """Return what is wrong with the audit of a city; empty where each link and row is good."""
    async with database.sessions() as session:
        proof = await verify(session, city_code)
    return "" if proof.breach is None else str(proof.breach)


async def boards_differ(database: Database, city_code: str, plan_code: str, clock: Clock) -> str:
    """Return how the boards of a plan differ from a full recompute; empty where they do not.

    Everything must have been followed. Nothing of it is kept.
    """
    async with database.sessions() as session:
        at = await log_position(session, city_code)
        moved = await rebuild_inputs(session, city_code, plan_code)
        done = await recompute_plan(session, city_code, plan_code, clock=clock)
        await session.rollback()
    if not moved and not done.changed:
        return ""
    return f"at {at}: inputs moved: {moved}; {done.changed} of {done.boards} boards differ"
