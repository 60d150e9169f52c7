"""Errors that the calendars slice raises."""

from services.core.kit.errors import Forbidden, NotFound
from services.core.kit.text import Text


class CalendarNotFound(NotFound):
    """No year of such a calendar was ever announced in a city of the caller's."""

    code = "calendar-not-found"
    title = Text("未找到该工作日历", "There is no such calendar")


class CalendarOfWholeCity(Forbidden):
    """The calendar moves deadlines of every plan of the city; the caller is bound to less."""

    code = "calendar-of-whole-city"
    title = Text(
        "工作日历影响全市各计划，本密钥只限其一",
        "The calendar moves every plan's deadlines; this key is bound to less",
    )
