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
    """Return how many parts a value lacks by the row of a scoreboard; 0: none, or no value.

    A part is what one unit owes for one period. Where the last of several periods speaks for all,
    such as a stock at the end of the year, an earlier one lacks nothing: `day` is the local date
    of the scoreboard, by which some have ended.
    """
    reporting = row.get("reporting")
    if reporting is None or (row["value"] is None and row["level"] is None):
        return 0
    if indicator is not None and (indicator.aggregation.periods == "last" or indicator.levels):
        return sum(_is_of_the_end(each, period, day) for each in reporting["absent"])
    lacking: int = reporting["expected"] - reporting["reported"]
    return lacking


def _is_of_the_end(absent: Mapping[str, Any], period: Period, day: date) -> bool:
    """Return whether what is absent is of the last period that has ended.

    What is not overdue is named of that one alone.
    """
    if not absent["overdue"] or absent["period"] == period.code:
        return True
    part = period.calendar.period(absent["period"])
    following = period.calendar.containing(part.last_day + _A_DAY, part.frequency)
    return part.last_day >= period.last_day or following.last_day >= day
