"""Refusals of requests that read the log by position."""

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text


class PositionBeyondLog(DomainError):
    """The log ends before the position: what was read there this ledger never had.

    So it is after a restore of an older backup. `newest_position` is the last that was given, and
    `oldest_position` the one after it: where to go on once the lists were copied anew.
    """

    code = "position-beyond-log"
    kind = RefusalKind.GONE
    title = Text(
        "该位置超出日志末尾：台账可能已从较早的备份恢复；请重新取一遍列表，"
        "再从 newest_position 接着读",
        "The log ends before this position, as after a restore of an older backup: copy the lists"
        " anew, then go on from newest_position",
    )

    @classmethod
    def after(cls, newest: int) -> "PositionBeyondLog":
        """Return the refusal of a position after the newest there is."""
        return cls(extra={"newest_position": newest, "oldest_position": newest + 1})
