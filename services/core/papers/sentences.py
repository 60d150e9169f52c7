"""Sentences of official papers (GB/T 9704 and the usage of the field). Pure.

Differences of rates are in 百分点; 增长 and 下降 never stand beside a minus sign; not reported, not
applicable and 0 are three different things.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import display, quotient, times
from services.core.papers.lateness import awaits_decision
from services.core.plan.periods import Period
from services.core.scoring.lights import LIGHT_NAMES, LIGHT_SIGNS

NOT_REPORTED = "未报"
NOT_DECIDED = "已报未审定"
"""Handed in, and not decided on yet."""

NOT_APPLICABLE = "不适用"
NOT_DUE = "未到期"
NOT_OPENED = "未开放填报"
NOTHING_YET = "暂无数据"
"""No value, and none was due yet."""

NONE = "—"
"""Not available: a baseline that was not printed, a figure that cannot be compared."""

_A_DAY = timedelta(days=1)
_DIGITS = "〇一二三四五六七八九"
_TEN = 10
_HUNDRED = Decimal(100)
_LEAST = "不足0.01"
"""Not 0, but would be rounded to 0."""

_STATES: Mapping[str, str] = {
    "not_applicable": NOT_APPLICABLE,
    "not_due": NOT_DUE,
    "not_opened": NOT_OPENED,
}


def ordinal(number: int) -> str:
    """Return a number from 1 to 99 in Chinese, 一 to 九十九; larger ones in digits."""
    tens, ones = divmod(number, _TEN)
    if not 0 < number < _TEN * _TEN:
        return str(number)
    if tens == 0:
        return _DIGITS[ones]
    head = "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def day_name(day: date) -> str:
    """Return a date in the style of papers: 2025年10月15日, without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def period_name(period: Period) -> str:
    """Return a period's name in papers: 2025年, 2025年上半年, 2025年第三季度, 2025年9月."""
    year = f"{period.year}年"
    match period.frequency:
        case "annual":
            return year
        case "half_yearly":
            return f"{year}{'上' if period.number == 1 else '下'}半年"
        case "quarterly":
            return f"{year}第{ordinal(period.number)}季度"
        case "monthly":
            return f"{year}{period.number}月"


def period_before(period: Period) -> Period:
    """Return the period of the same length directly before one (上期)."""
    return period.calendar.containing(period.first_day - _A_DAY, period.frequency)


def periods_before(period: Period, number: int) -> list[Period]:
    """Return the `number` periods of the same length before one, oldest first."""
    found = [period]
    for _ in range(number):
        found.append(period_before(found[-1]))
    return found[:0:-1]


def year_before(period: Period) -> Period:
    """Return the same period of the year before (上年同期)."""
    then = period.first_day.replace(year=period.first_day.year - 1)
    return period.calendar.containing(then, period.frequency)


def value_text(row: Mapping[str, Any], *, with_unit: bool = True) -> str:
    """Return the value of a scoreboard's row with its unit, or why there is none."""
    if row["display"] is not None:
        plain_level = row["level"] is not None
        unit = row["unit"] if with_unit and not plain_level and row["unit"] != "/" else ""
        return f"{row['display']}{unit}"
    missing = NOT_DECIDED if awaits_decision(row) else NOT_REPORTED
    if row["state"] == "missing":
        return missing
    known = _STATES.get(row["state"])
    if known is not None:
        return known
    reporting = row["reporting"]
    if reporting["reported"]:
        return NONE
    return missing if reporting["overdue"] else NOTHING_YET


def light_text(light: str) -> str:
    """Return a light with its shape and its word."""
    return f"{LIGHT_SIGNS[light]}{LIGHT_NAMES[light]}"


def percent_text(share: str | None) -> str:
    """Return a share (0-1) in percent with two places; rounding never crosses 100."""
    if share is None:
        return NONE
    found = times(Decimal(share), _HUNDRED)
    return f"{display(found, least=(_HUNDRED,), most=(_HUNDRED,))}%"


def difference(now: Decimal, then: Decimal, unit: str, *, up: str = "提高") -> str:
    """Return a change: 提高1.20分, 下降0.35个百分点, 持平. It contains no sign."""
    step = now - then
    if not step:
        return "持平"
    return f"{up if step > 0 else '下降'}{_size(step)}{unit}"


def rate_difference(now: Decimal, then: Decimal) -> str:
    """Return the change of a rate, in 百分点."""
    return difference(now, then, "个百分点")


def growth(now: Decimal, then: Decimal) -> str | None:
    """Return the relative change of an amount: 增长3.50%, 下降2.10%, 持平; None: undefined.

    It is undefined unless the earlier amount is above 0.
    """
    if now == then:
        return "持平"
    if then <= 0:
        return None
    rate = quotient(times(now - then, _HUNDRED), then)
    return f"{'增长' if now > then else '下降'}{_size(rate)}%"


def change_text(now: str | None, then: str | None, unit: str) -> str:
    """Return the change of a value from another one, or `—` if they cannot be compared.

    Rates (unit %) are compared in 百分点, amounts by relative change.
    """
    if now is None or then is None:
        return NONE
    if unit == "%":
        return rate_difference(Decimal(now), Decimal(then))
    return growth(Decimal(now), Decimal(then)) or NONE


def _size(step: Decimal) -> str:
    size = display(step.copy_abs())
    return size if Decimal(size) else _LEAST


def attainment_text(attainment: str | None) -> str:
    """Return the attainment of a target (0-100) in percent, formatted as by `percent_text`."""
    if attainment is None:
        return NONE
    found = Decimal(attainment)
    return f"{display(found, least=(_HUNDRED,), most=(_HUNDRED,))}%"


def names_text(names: Sequence[str], *, most: int = 10) -> str:
    """Return names joined by 、; of many only the first, and the count."""
    if len(names) <= most:
        return "、".join(names)
    return f"{'、'.join(names[:most])}等{len(names)}个"


def place_text(place: int, tied: int) -> str:
    """Return a rank in words: 第一, 并列第二."""
    return f"{'并列' if tied > 1 else ''}第{ordinal(place)}"
