"""Preview of an evaluation, without writing: counts, and the most severe notices. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from services.core.alerts.decisions import NoticeDecision
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.state import PlanState

Sort = tuple[str, str, int, str]
"""A rule, a stage, a level, and the outcome."""

_YEARS_AROUND = 10


@dataclass(slots=True)
class DryRunNotice:
    """Counts of what would be notified, suppressed and resolved, and the `most` severe notices.

    `counts` is by rule, stage, level and outcome; `digests` are those that would be sent.
    """

    most: int
    notified: int = 0
    suppressed: int = 0
    resolved: int = 0
    digests: set[tuple[str, str]] = field(default_factory=set)
    counts: Counter[Sort] = field(default_factory=Counter)
    listed: list[NoticeDecision] = field(default_factory=list)

    def add(self, decisions: Iterable[NoticeDecision]) -> None:
        """Count a batch of decisions, and list them as far as there is room."""
        some = list(decisions)
        self.counts.update(
            (one.row["rule"], one.step.stage, one.step.level, one.outcome) for one in some
        )
        self.listed = sorted([*self.listed, *some], key=_severest_first)[: self.most]


def instant_faults(plan: PlanState, at: datetime) -> list[Fault]:
    """Return the fault of an instant too far from a plan's span to be meaningful."""
    span = plan.document.span
    first, last = span.start.year - _YEARS_AROUND, span.end.year + _YEARS_AROUND
    if first <= at.year <= last:
        return []
    words = Text(
        f"应在 {first} 年至 {last} 年之间", f"The instant must lie in the years {first} to {last}"
    )
    return [Fault("/at", "instant-out-of-range", words, at.isoformat())]


def _severest_first(decision: NoticeDecision) -> tuple[int, date, str]:
    due: date = decision.row["due_date"] or date.max
    return -decision.step.level, due, decision.row["alert_key"]
