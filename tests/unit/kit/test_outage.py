"""A database that is away or busy, told from a fault of ours."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.core.kit.file_store import FileStoreUnavailable
from services.core.kit.outage import (
    cause_in_words,
    cause_of,
    is_away,
    is_contended,
    is_outdated,
    is_unable,
    takes_no_writes,
    told_of,
)


def _wrapped(error: Exception, *, invalidated: bool = False) -> DBAPIError:
    """What SQLAlchemy makes of an error of the driver: its own twin of it in between."""
    twin = RuntimeError("twin")
    twin.__cause__ = error
    return DBAPIError("SELECT 1", None, twin, connection_invalidated=invalidated)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        ConnectionResetError(),
        TimeoutError(),
        PoolTimeout(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("terminated"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11"),
        asyncpg.TooManyConnectionsError("too many clients"),
    ],
)
def test_a_server_that_cannot_be_reached_is_away(error: Exception) -> None:
    assert is_away(error)
    assert is_away(_wrapped(error))
    assert not is_contended(error)
    assert cause_of(_wrapped(error)) is error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.QueryCanceledError("canceled"),
    ],
)
def test_a_lock_of_others_is_no_absence(error: Exception) -> None:
    assert is_contended(error)
    assert is_contended(_wrapped(error))
    assert not is_away(error)


@pytest.mark.parametrize(
    ("error", "writes"),
    [
        (asyncpg.DiskFullError("No space left on device"), False),
        (asyncpg.PostgresIOError("Input/output error"), False),
        (asyncpg.ReadOnlySQLTransactionError("read-only transaction"), False),
        (asyncpg.OutOfMemoryError("out of shared memory"), True),
        (asyncpg.ConfigurationLimitExceededError("temp_file_limit"), True),
        (asyncpg.InsufficientResourcesError("whatever else is scarce"), True),
    ],
)
def test_a_server_that_lacks_what_it_needs_is_unable_and_not_away(
    error: Exception, *, writes: bool
) -> None:
    for each in (error, _wrapped(error)):
        assert is_unable(each)
        assert takes_no_writes(each) is not writes
        assert not is_away(each)
        assert not is_contended(each)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("period"),
        asyncpg.DataError("invalid input for query argument $1"),
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.UndefinedTableError("no such table"),
    ],
)
def test_a_fault_of_ours_is_neither(error: Exception) -> None:
    for each in (error, _wrapped(error)):
        assert not is_away(each)
        assert not is_unable(each)
        assert not is_contended(each)


def test_a_connection_that_was_given_up_is_away_whatever_is_said() -> None:
    assert is_away(_wrapped(RuntimeError("unknown"), invalidated=True))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "no answer came in time, and the statement was given up"),
        (_wrapped(TimeoutError()), "no answer came in time, and the statement was given up"),
        (asyncpg.PostgresError("no\n  room"), "no room"),
        (ConnectionError(), "ConnectionError, of which nothing more is known"),
    ],
)
def test_what_happened_is_always_said(error: Exception, told: str) -> None:
    assert told_of(error) == told


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidCachedStatementError("cached statement plan is invalid"),
        asyncpg.OutdatedSchemaCacheError("unexpected number of attributes"),
        asyncpg.InternalServerError("cache lookup failed for type 16412"),
    ],
)
def test_a_schema_that_changed_is_no_outage_and_a_later_try_may_succeed(error: Exception) -> None:
    for one in (error, _wrapped(error)):
        assert is_outdated(one)
        assert is_contended(one)
        assert not is_away(one)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalServerError("could not find block"),
        asyncpg.FeatureNotSupportedError("cannot do this"),
        asyncpg.LockNotAvailableError("lock timeout"),
    ],
)
def test_no_other_trouble_is_taken_for_a_schema_that_changed(error: Exception) -> None:
    assert not is_outdated(error)
    assert not is_outdated(_wrapped(error))


def test_a_cause_is_told_by_its_type_and_its_words_in_one_line() -> None:
    error = _wrapped(asyncpg.DeadlockDetectedError("dead\nlock"))
    assert cause_in_words(error) == "DeadlockDetectedError: dead lock"


def test_a_refusal_of_ours_that_has_no_words_says_what_it_was_made_of() -> None:
    refused = FileStoreUnavailable()
    refused.__cause__ = OSError("No space left on device")
    assert cause_in_words(refused) == "FileStoreUnavailable: No space left on device"
