"""Logs as one JSON object a line, on standard error. No secret is ever passed to a logger.

A line's `event` is a name that never changes, so that it can be searched for and alarmed on; what
is different each time is passed as `extra` and stands beside it. A warning or an error says its
`cause` and, as `next`, what the program does about it. The runbook explains every name.
"""

import logging
import sys

import structlog


def configure(part: str) -> None:
    """Make every logger of this process write JSON lines that name `part`."""

    def name_part(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["part"] = part
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.format_exc_info,
            name_part,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Theirs say on every start and every job what ours says when it matters.
    for chatty in ("arq", "uvicorn", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Its pool tells with a traceback that the server is away; who needs the pool says it shorter.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
