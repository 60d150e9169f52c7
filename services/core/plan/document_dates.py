"""Validates the date of a document that records a decision. Pure."""

from datetime import date

from services.core.kit.errors import Fault
from services.core.kit.horizons import A_YEAR, too_far_ahead


def document_date_faults(day: date, today: date) -> list[Fault]:
    """Return the faults of a document's date; it may lie at most a year ahead."""
    return too_far_ahead("/document_date", day, since=today, most=A_YEAR)
