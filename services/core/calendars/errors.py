"""Refusals of calendars."""

from services.core.kit.errors import NotFound
from services.core.kit.text import Text


class CalendarNotFound(NotFound):
    """No year of such a calendar was ever announced in a city of the caller's."""

    code = "calendar-not-found"
    title = Text("未找到该工作日历", "There is no such calendar")
