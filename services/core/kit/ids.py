"""Identifiers: UUIDv7, so that they sort by the time they were made."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid7()


def made_at(identifier: UUID) -> datetime:
    """Return when a UUIDv7 was made: its first 48 bits are milliseconds (RFC 9562)."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def first_id_at(at: datetime) -> UUID:
    """Return the lower bound of every UUIDv7 that was made at an instant or later."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
