"""Errors that the agenda slice raises."""

from services.core.kit.errors import Forbidden, NotFound
from services.core.kit.text import Text


class CalendarTokenNotFound(NotFound):
    """There is no such calendar token among those of the caller."""

    code = "calendar-token-not-found"
    title = Text("未找到该日历订阅", "There is no such calendar token")


class CalendarBeyondScope(Forbidden):
    """The calendar would show deadlines that are not the caller's to see."""

    code = "calendar-beyond-scope"
    title = Text("该日历超出可见范围", "The calendar would show what the caller may not see")
