"""Which parts a value on a scoreboard lacks, and so whether it is complete. Pure.

Only complete values are compared: a part that was merely not reported is no decrease.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from services.core.plan.document import Indicator
from services.core.plan.periods import Period

_A_DAY = timedelta(days=1)


def parts_lacking(
    row: Mapping[str, Any], indicator: Indicator | None, period: Period, day: date
) -> int:
    """Return how many parts a value lacks by its scoreboard row; 0: none, or no value.

    A part is what one unit owes for one period. If the last of several periods determines the
    value, as for a stock at the end of the year, earlier periods count no missing parts: `day` is
    the local date of the scoreboard, which decides the periods that have ended.
    """
    reporting = row.get("reporting")
    if reporting is None or (row["value"] is None and row["level"] is None):
        return 0
    if indicator is not None and (indicator.aggregation.periods == "last" or indicator.levels):
        return sum(_is_of_the_end(each, period, day) for each in reporting["absent"])
    lacking: int = reporting["expected"] - reporting["reported"]
    return lacking


def _is_of_the_end(absent: Mapping[str, Any], period: Period, day: date) -> bool:
    """Return whether a missing part is of the last period that has ended.

    Parts that are not overdue are listed for that period only.
    """
    if not absent["overdue"] or absent["period"] == period.code:
        return True
    part = period.calendar.period(absent["period"])
    following = period.calendar.containing(part.last_day + _A_DAY, part.frequency)
    return part.last_day >= period.last_day or following.last_day >= day
