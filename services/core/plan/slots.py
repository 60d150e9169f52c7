"""Slots: the key of a figure and of its submission. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Slot(NamedTuple):
    """The key of a submission: the codes of an indicator, a unit and a period."""

    indicator_code: str
    organization_code: str
    period: str


def slot_of(row: Mapping[str, Any]) -> Slot:
    """Return the slot of a submission's row."""
    return Slot(row["indicator_code"], row["organization_code"], row["period"])
