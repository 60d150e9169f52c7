"""Classifies database errors: server away, unable to do it, contended by others, or our bug."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_AWAY = (
    PoolTimeout,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a termination message that came between two statements
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
)
_TAKES_NO_WRITES = (
    asyncpg.DiskFullError,
    asyncpg.PostgresIOError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, as a former primary is after a failover
)
_UNABLE = (*_TAKES_NO_WRITES, asyncpg.InsufficientResourcesError)
_HELD_UP = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
_CONTENDED = (*_HELD_UP, asyncpg.QueryCanceledError)
_LONGEST_WORDS = 200
_OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
_GONE = "cache lookup failed"
"""The start of Postgres' message when a type or function that a statement used was dropped."""


def is_away(error: BaseException) -> bool:
    """Return whether Postgres could not be reached, or went away meanwhile."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = cause_of(error)
    # The driver also raises InterfaceError for a value of ours that it refuses, and for a type that
    # has changed.
    return isinstance(cause, _AWAY) and not isinstance(cause, (ValueError, *_OUTDATED))


def is_databases(error: BaseException) -> bool:
    """Return whether an error came from Postgres or the connection to it, whatever it is."""
    return isinstance(cause_of(error), (*_AWAY, DBAPIError, asyncpg.PostgresError))


def is_unable(error: BaseException) -> bool:
    """Return whether Postgres answers but cannot do this now: disk, memory, or read-only."""
    return isinstance(cause_of(error), _UNABLE)


def takes_no_writes(error: BaseException) -> bool:
    """Return whether Postgres refused to write: its disk is full or broken, or it is read-only."""
    return isinstance(cause_of(error), _TAKES_NO_WRITES)


def is_contended(error: BaseException) -> bool:
    """Return whether other transactions were in the way, so that a retry may succeed."""
    return isinstance(cause_of(error), _CONTENDED) or is_outdated(error)


def is_held_up(error: BaseException) -> bool:
    """Return whether another transaction held a lock on the rows, and nothing else was wrong."""
    return isinstance(cause_of(error), _HELD_UP)


def is_outdated(error: BaseException) -> bool:
    """Return whether the schema changed under a prepared statement.

    The transaction is lost; the retry prepares its statements anew.
    """
    cause = cause_of(error)
    gone = isinstance(cause, asyncpg.InternalServerError) and str(cause).startswith(_GONE)
    return gone or isinstance(cause, _OUTDATED)


def cause_of(error: BaseException) -> BaseException:
    """Return the driver's own error, which SQLAlchemy wraps twice."""
    wrapped = getattr(error, "orig", None)
    return error if wrapped is None else (wrapped.__cause__ or wrapped)


def cause_in_words(error: BaseException) -> str:
    """Return the type and the message of an error, as one line for a log."""
    return f"{type(cause_of(error)).__name__}: {told_of(error)}"


def told_of(error: BaseException) -> str:
    """Return the message of an error in one line, never an empty one.

    Some errors have no message, for instance a statement timeout.
    """
    cause = cause_of(error)
    words = " ".join(str(cause).split())[:_LONGEST_WORDS]
    if words:
        return words
    if cause.__cause__ is not None:  # an exception of ours, raised from the real one
        return told_of(cause.__cause__)
    if isinstance(cause, TimeoutError):
        return "no answer came in time, and the statement was given up"
    return f"{type(cause).__name__}, of which nothing more is known"
