"""A submission's image in its history after a change, and the data of its event. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import plain_or_none
from services.core.plan.evidence_rules import pieces_of
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.rules import REMARKS


def image(row: SubmissionRow) -> dict[str, object]:
    """Return a submission as its history stores it after a change, with decimals as text."""
    return {
        "plan": row["plan_code"],
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "approved_revision": row["approved_revision"],
        "value": plain_or_none(row["value"]),
        "numerator": plain_or_none(row["numerator"]),
        "denominator": plain_or_none(row["denominator"]),
        "level": row["level"],
        "not_applicable_reason": row["not_applicable_reason"],
        **{name: row[name] for name in REMARKS},
        "checks": row["checks"],
        "on_behalf": row["on_behalf"],
        "falsified": row["falsified"],
        # Its evidence at that time, with digests; most submissions have none.
        **({"files": pieces_of(row["files"])} if row["files"] else {}),
    }


def columns_of_image(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Read a history image, with numbers as numbers again."""
    numbers = {
        name: None if kept[name] is None else Decimal(kept[name])
        for name in ("value", "numerator", "denominator")
    }
    # Images from before checks existed lack these members.
    return {"justification": None, "checks": None, "files": None, **kept, **numbers}


def event_data(row: SubmissionRow) -> dict[str, object]:
    """Return the data of a change's event."""
    return {
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        "revision": row["revision"],
        "version": row["version"],
        "state": row["state"],
    }
