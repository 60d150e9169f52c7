"""Turns WUFEI_NOW into an offset from the true clock, stored in the data directory."""

import json
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from services.console.errors import ConsoleError
from services.core.kit.clock import Clock


def settled_clock(kept: Path, now: datetime | None) -> Clock:
    """Return the clock of this start and save it for the next.

    The offset is computed once for a given `now`: the clock goes on through restarts, whether the
    setting is given again or left out. Another `now` sets the clock anew.
    """
    earlier = _read(kept)
    if now is None:
        return Clock() if earlier is None else Clock(earlier[1])
    if earlier is not None and earlier[0] == now:
        return Clock(earlier[1])
    offset = timedelta(seconds=ceil((now - Clock.true_now()).total_seconds()))
    text = {"now": now.isoformat(), "offset_seconds": int(offset.total_seconds())}
    kept.write_text(json.dumps(text) + "\n")
    return Clock(offset)


def _read(kept: Path) -> tuple[datetime, timedelta] | None:
    try:
        said = json.loads(kept.read_text())
        return datetime.fromisoformat(said["now"]), timedelta(seconds=said["offset_seconds"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ConsoleError(f"cannot understand {kept}; remove it to use the true time") from None
