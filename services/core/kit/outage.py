"""Classifies database errors: server away, unable to do it, contended by others, or our bug."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_AWAY = (
    PoolTimeout,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a farewell of the server that came between two statements
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
    asyncpg.ReadOnlySQLTransactionError,  # a standby, such as a primary is after a failover
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
"""How Postgres' words begin where a type or a function is no more that a statement was made for."""


def is_away(error: BaseException) -> bool:
    """Return whether Postgres could not be reached, or left in the middle of it."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = cause_of(error)
    # The driver's refusal of a value of ours is an InterfaceError too, and its refusal of a type
    # that changed one of the client's.
    return isinstance(cause, _AWAY) and not isinstance(cause, (ValueError, *_OUTDATED))


def is_databases(error: BaseException) -> bool:
    """Return whether an error came from the way to Postgres, whatever it is."""
    return isinstance(cause_of(error), (*_AWAY, DBAPIError, asyncpg.PostgresError))


def is_unable(error: BaseException) -> bool:
    """Return whether Postgres answers and cannot do this now: no room, no memory, no writing."""
    return isinstance(cause_of(error), _UNABLE)


def takes_no_writes(error: BaseException) -> bool:
    """Return whether Postgres refused to write: its disk is full or broken, or it only reads."""
    return isinstance(cause_of(error), _TAKES_NO_WRITES)


def is_contended(error: BaseException) -> bool:
    """Return whether others stood in the way, so that a later try may well succeed."""
    return isinstance(cause_of(error), _CONTENDED) or is_outdated(error)


def is_held_up(error: BaseException) -> bool:
    """Return whether another transaction held what was to be read or written, and nothing else."""
    return isinstance(cause_of(error), _HELD_UP)


def is_outdated(error: BaseException) -> bool:
    """Return whether the schema changed under a statement that was prepared before.

    The transaction is lost with it; the next try prepares its statements anew.
    """
    cause = cause_of(error)
    gone = isinstance(cause, asyncpg.InternalServerError) and str(cause).startswith(_GONE)
    return gone or isinstance(cause, _OUTDATED)


def cause_of(error: BaseException) -> BaseException:
    """Return the driver's own error, which SQLAlchemy wraps twice."""
    wrapped = getattr(error, "orig", None)
    return error if wrapped is None else (wrapped.__cause__ or wrapped)


def cause_in_words(error: BaseException) -> str:
    """Return the type and the words of what went wrong, in one line of a log."""
    return f"{type(cause_of(error)).__name__}: {told_of(error)}"


def told_of(error: BaseException) -> str:
    """Return what happened in one line: the driver's own words, and never nothing.

    Some errors have no words, a statement that was given up after its time among them.
    """
    cause = cause_of(error)
    words = " ".join(str(cause).split())[:_LONGEST_WORDS]
    if words:
        return words
    if cause.__cause__ is not None:  # a refusal of ours, made of what went wrong
        return told_of(cause.__cause__)
    if isinstance(cause, TimeoutError):
        return "no answer came in time, and the statement was given up"
    return f"{type(cause).__name__}, of which nothing more is known"
