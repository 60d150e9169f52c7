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
    """What becomes of a change: `free` is to be written, `disputed` is what both sides changed."""

    free: Mapping[str, Any]
    disputed: tuple[str, ...]


def merge(base: Mapping[str, Any], present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Merged:
    """Merge what is `wanted` by name with what stands; what one side does not have is null.

    What only one side changed is that side's. What both changed alike is as it is.
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
    """Let a later write of the same call say its part in the conflict of the first.

    The last word of what the device wants counts, and the first of what it saw and of what stood.
    """
    if base is not None and conflict.base is not None:
        conflict.base = {**base, **conflict.base}
    conflict.ledger = {**ledger, **conflict.ledger}
    conflict.device = {**conflict.device, **device}
    conflict.claimed_at = claimed_at
