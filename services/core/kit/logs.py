"""Logs as one JSON object per line, on standard error. No secret is ever passed to a logger.

A line's `event` is a name that never changes, so that people can search for it and alarm on it;
whatever varies is passed as `extra` and stands beside it. A warning or an error has its `cause`
and, as `next`, what the program does about it. Lines logged during a request carry its `request_id`
and its `trace_id`. The runbook explains every name.
"""

import logging
import sys
from typing import Literal

import structlog

from services.core.kit.trail import present_trail

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "text"]

_TRACE_ID = slice(3, 35)
"""The position of the trace id in a `traceparent`."""


def configure(part: str, *, level: LogLevel = "info", form: LogFormat = "json") -> None:
    """Make every logger of this process write lines that name `part`, from `level` on.

    `text` lines are for people who read along; programs read `json`.
    """

    def name_part(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["part"] = part
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
            if form == "json"
            else structlog.dev.ConsoleRenderer(colors=False),
        ],
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.format_exc_info,
            name_part,
            _name_request,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], force=True)
    # Only our loggers go below INFO: debug lines of libraries may hold secrets.
    logging.getLogger().setLevel(max(logging.INFO, getattr(logging, level.upper())))
    logging.getLogger("wufei").setLevel(getattr(logging, level.upper()))
    # Their lines at each start and each job repeat ours.
    for chatty in ("arq", "uvicorn", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Its pool logs an absent server with a traceback; our code logs that in one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def _name_request(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the request id and the trace id to a line, unless it has its own."""
    trail = present_trail()
    if trail is not None:
        if trail.request_id:
            event.setdefault("request_id", trail.request_id)
        if trail.traceparent:
            event.setdefault("trace_id", trail.traceparent[_TRACE_ID])
    return event
