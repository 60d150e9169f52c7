"""Imports the tables of all slices into one metadata, for migrations and tests; nothing else."""

from services.core.agenda import models as agenda
from services.core.alerts import models as alerts
from services.core.assessments import models as assessments
from services.core.assessments.appeals import models as appeals
from services.core.audit import models as audit
from services.core.board import models as board
from services.core.calendars import models as calendars
from services.core.connectors import models as connectors
from services.core.drops import models as drops
from services.core.events import models as events
from services.core.evidence import models as evidence
from services.core.exchange import models as exchange
from services.core.extensions import models as extensions
from services.core.gateways import models as gateways
from services.core.identity import models as identity
from services.core.imports import models as imports
from services.core.kit import idempotency, operations
from services.core.kit.database import Base
from services.core.milestones import models as milestones
from services.core.milestones.conflicts import models as milestone_conflicts
from services.core.obligations import models as obligations
from services.core.obligations.reminders import models as reminders
from services.core.observations import models as observations
from services.core.packages import models as packages
from services.core.papers import models as papers
from services.core.people import models as people
from services.core.plan import models as plan
from services.core.registers import models as registers
from services.core.registers.conflicts import models as register_row_conflicts
from services.core.registers.measures import models as register_measures
from services.core.scoring import models as scoring
from services.core.submissions import models as submissions
from services.core.submissions.conflicts import models as submission_conflicts
from services.core.sync import models as sync
from services.core.webhooks import models as webhooks

__all__ = [
    "agenda",
    "alerts",
    "appeals",
    "assessments",
    "audit",
    "board",
    "calendars",
    "connectors",
    "drops",
    "events",
    "evidence",
    "exchange",
    "extensions",
    "gateways",
    "idempotency",
    "identity",
    "imports",
    "metadata",
    "milestone_conflicts",
    "milestones",
    "obligations",
    "observations",
    "operations",
    "packages",
    "papers",
    "people",
    "plan",
    "register_measures",
    "register_row_conflicts",
    "registers",
    "reminders",
    "scoring",
    "submission_conflicts",
    "submissions",
    "sync",
    "webhooks",
]

metadata = Base.metadata
