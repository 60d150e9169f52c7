"""Slots: the key of a figure and of its submission. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Slot(NamedTuple):
    """What holds one submission: an indicator, a unit, a period; all by their codes."""

    indicator_code: str
    organization_code: str
    period: str


def slot_of(row: Mapping[str, Any]) -> Slot:
    """Return the slot that a submission holds."""
    return Slot(row["indicator_code"], row["organization_code"], row["period"])
