"""Whether the figures of two sources differ, and the consequence for their conflict. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any, Literal

from services.core.plan.observing import Tolerance, apart
from services.core.plan.state import PlanState
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import shown

ConflictStep = Literal["raise", "change", "close", "leave"]

_OFFICIAL = ("submitted", "approved")
"""The states in which a submission has a value that another source can differ from."""

_KEPT = ("ledger", "both")
"""Decisions to let both figures stand, after which they are not a conflict again."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The distance of two figures and its limit; None if they are not two numbers."""

    amount: Decimal | None = None
    allowed: Decimal | None = None


def difference(
    official: Mapping[str, Any], observed: Mapping[str, Any], tolerance: Tolerance
) -> Difference | None:
    """Return how two figures differ by the columns of a form; None: they agree.

    Numbers differ if their distance exceeds the tolerance, levels if they are not equal; a ratio is
    compared by its value. "Not applicable" differs from any value. If there is a value beside a
    level, each is compared if both sources have it.
    """
    pairs = [(official[name], observed[name]) for name in ("value", "level")]
    one, other = pairs[0]
    if one is not None and other is not None:
        amount, allowed = apart(one, other), tolerance.allowed(one, other)
        if amount > allowed:
            return Difference(amount, allowed)
    level, other_level = pairs[1]
    if level is not None and other_level is not None and level != other_level:
        return Difference()
    neither = all(side["not_applicable_reason"] is not None for side in (official, observed))
    compared = neither or any(None not in pair for pair in pairs)
    return None if compared else Difference()


@dataclass(frozen=True, slots=True)
class ConflictVerdict:
    """The consequence for the conflict between an observation and the official value."""

    step: ConflictStep
    difference: Difference = Difference()
    because: str | None = None


def judge(
    observed: Mapping[str, Any] | None,
    official: Mapping[str, Any] | None,
    latest: SubmissionConflict | None,
    tolerance: Tolerance,
) -> ConflictVerdict:
    """Return the consequence, given the latest conflict of the observation.

    `observed` is None if its source withdrew it. `official` is the submission in the slot, None:
    there is none, or it was withdrawn. A submission that is being worked on has no value yet. Two
    figures that were decided to stand are no conflict again until one of them changes.
    """
    is_open = latest is not None and latest.state == "open"
    if observed is None or official is None:
        gone = "observation-withdrawn" if observed is None else "value-withdrawn"
        return _closed(is_open, gone)
    if official["state"] not in _OFFICIAL:
        return ConflictVerdict("leave")
    found = difference(official, observed, tolerance)
    if found is None:
        return _closed(is_open, "within-tolerance")
    if latest is None or latest.state == "closed":
        return ConflictVerdict("raise", found)
    if is_open:
        step: ConflictStep = "leave" if _stands(latest, official, observed, found) else "change"
        return ConflictVerdict(step, found)
    kept = latest.taken in _KEPT and _same_figures(latest, official, observed)
    return ConflictVerdict("leave" if kept else "raise", found)


def _closed(is_open: bool, because: str) -> ConflictVerdict:
    return ConflictVerdict("close", because=because) if is_open else ConflictVerdict("leave")


def _same_figures(
    conflict: SubmissionConflict, official: Mapping[str, Any], observed: Mapping[str, Any]
) -> bool:
    form = shown(observed, ("form",))
    kept = {name: (conflict.observed or {}).get(name) for name in form}
    return conflict.ledger == shown(official, ("form",)) and kept == form


def _stands(
    conflict: SubmissionConflict,
    official: Mapping[str, Any],
    observed: Mapping[str, Any],
    found: Difference,
) -> bool:
    return (
        conflict.submission_id == official["id"]
        and conflict.ledger == shown(official, ("form",))
        and conflict.observed == observed_as_kept(observed)
        and conflict.allowed == found.allowed
    )


_AN_AUTHOR = ("id", "organization_code")


def observed_as_kept(observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return an observation as a conflict stores it: its figure, its source, its recorder."""
    at = observed["observed_at"]
    return {
        **shown(observed, ("form",)),
        "source_code": observed["source_code"],
        "reference": observed["reference"],
        "observed_at": None if at is None else at.astimezone(UTC).isoformat(),
        "recorded_by": {name: observed["recorded_by"].get(name) for name in _AN_AUTHOR},
    }


def owner_of_conflict(plan: PlanState, indicator_code: str, organization_code: str) -> str | None:
    """Return the unit that has to decide according to the plan; None: the office."""
    match plan.document.observations.owner:
        case "unit":
            return organization_code
        case "lead":
            return next(iter(plan.leads.get(indicator_code, ())), None)
        case "office":
            return None
