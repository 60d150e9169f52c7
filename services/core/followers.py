"""The followers of a city's log, and those of the calendar, in the order of a worker's pass.

Each runs in a transaction of its own and has a cursor of its own, so that a stuck one does not hold
up the others.
"""

from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import following as alerts
from services.core.audit import linking as audit
from services.core.connectors import following as connectors
from services.core.connectors import retention as connector_retention
from services.core.evidence.archives import service as evidence_archives
from services.core.imports import service as imports
from services.core.kit.clock import Clock
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from services.core.milestones import following as milestones
from services.core.obligations import service as obligations
from services.core.observations import following as observations
from services.core.papers import service as papers
from services.core.registers import undated
from services.core.registers.measures import following as registers
from services.core.scoring import service as scoring
from services.core.webhooks import planning, recovery, retention

FollowDate = Callable[[AsyncSession, str, Clock], Coroutine[Any, Any, object]]
"""Takes a session, a city and the clock; does what fell due by date alone."""


FOLLOWERS = (
    # First, because it depends on no other: what they cause is planned a round later.
    planning.FOLLOWER,
    obligations.FOLLOWER,
    scoring.FOLLOWER,
    milestones.FOLLOWER,
    registers.FOLLOWER,
    # Before the alerts, which report a round later what it raises.
    observations.FOLLOWER,
    alerts.FOLLOWER,
    connectors.FOLLOWER,
    recovery.FOLLOWER,
    # Last, because nobody waits for the chain.
    audit.FOLLOWER,
)

READERS = tuple(follower.reader for follower in FOLLOWERS)


def date_followers(
    *, seal: Seal | None = None, audit_kept: timedelta | None = None
) -> Mapping[str, FollowDate]:
    """Return the followers of the calendar by name; each runs every half minute.

    So each is cheap when nothing fell due. With a `seal` the heads of the audit's chains are
    signed; `audit_kept` is the retention of audit entries, None: forever.
    """
    signer = None if seal is None else Signer(seal, audit.PURPOSE)
    return {
        "scoring": scoring.follow_date,
        "alerts": alerts.follow_date,
        "webhook-owners": retention.disown,
        "webhook-retention": retention.follow_date,
        "connector-retention": connector_retention.follow_date,
        "evidence-retention": evidence_archives.follow_date,
        "import-retention": imports.follow_date,
        "paper-retention": papers.follow_date,
        "register-deadlines": undated.follow_date,
        "audit": audit.signing_heads(signer, kept=audit_kept),
    }


DATE_FOLLOWERS = date_followers()
"""The followers of a deployment without a key."""

UNHURRIED = frozenset(
    {
        "webhook-retention",
        "connector-retention",
        "evidence-retention",
        "import-retention",
        "paper-retention",
    }
)
"""Followers that only delete old rows: it does no harm if they run some minutes later."""
