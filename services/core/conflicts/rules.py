"""Merges a device's changes with changes that others made meanwhile. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.core.conflicts.models import KeptConflict

DeviceConflictState = Literal["open", "decided"]
DeviceTakenVersion = Literal["ledger", "device"]


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge: `free` is to be written, `disputed` was changed by both sides."""

    free: Mapping[str, Any]
    disputed: tuple[str, ...]


def merge(base: Mapping[str, Any], present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Merged:
    """Merge the `wanted` values with the present ones, by name; missing names count as null.

    A name that only one side changed gets that side's value. A name that both changed to the same
    value stays as it is.
    """
    free: dict[str, Any] = {}
    disputed = []
    for name, then in wanted.items():
        now, before = present.get(name), base.get(name)
        if then in (before, now):
            continue
        if now == before:
            free[name] = then
        else:
            disputed.append(name)
    return Merged(free, tuple(disputed))


def add_said(
    conflict: KeptConflict,
    *,
    base: Mapping[str, Any] | None,
    ledger: Mapping[str, Any],
    device: Mapping[str, Any],
    claimed_at: datetime | None,
) -> None:
    """Add a later write of the same call to the conflict that the first one raised.

    The last wanted value of the device counts, but the first base and the first ledger version.
    """
    if base is not None and conflict.base is not None:
        conflict.base = {**base, **conflict.base}
    conflict.ledger = {**ledger, **conflict.ledger}
    conflict.device = {**conflict.device, **device}
    conflict.claimed_at = claimed_at
