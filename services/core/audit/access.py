"""A buffer of access records until they are written: refusals, uses, tokens, files.

Pure and bounded. Repeats within a minute become one entry with a count, and what exceeds the number
of entries allowed per minute is only summed: a storm of requests grows neither the process nor the
table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from cachetools import LRUCache

from services.core.audit.actions import AuditAction
from services.core.audit.linking import day_of

MOST_A_MINUTE = 200
"""Most different entries of a kind that a process keeps for a minute; the rest become one."""

MOST_TOKENS = 1000
"""Most tokens with an entry of their own between two writes; further ones are only counted."""

_MOST_KNOWN_USES = 20_000
_MINUTE = timedelta(minutes=1)
_MOST_READY = 10_000
_REFUSED: Final = "request.refused"
_TAKEN: Final = "file.downloaded"
_ISSUED: Final = "token.issued"
USED: Final = "key.used"
"""The action of an entry for a key's first use on a day from a network."""
_BEYOND = ("others", "others")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be written; `subject` is (kind, id)."""

    action: AuditAction
    subject: tuple[str, str]
    actor: Mapping[str, object]
    data: Mapping[str, object]
    at: datetime


class Caller(NamedTuple):
    """A caller: the id of its credential, if known, and its address; None: a Unix socket.

    `city_code` is that of the credential, or the one that the request claims.
    """

    city_code: str | None
    credential_id: UUID | None
    address: str | None
    stamp: Mapping[str, object]

    @property
    def subject(self) -> tuple[str, str]:
        """The subject of an entry about the caller."""
        if self.credential_id is None:
            return "address", self.address or "socket"
        return "api_key", str(self.credential_id)


class _Key(NamedTuple):
    action: AuditAction
    minute: datetime
    city_code: str | None
    subject: tuple[str, str]
    what: tuple[str, ...]


@dataclass(slots=True)
class _Counted:
    stamp: Mapping[str, object]
    data: Mapping[str, object]
    first: datetime
    last: datetime
    count: int = 0

    def entry(self, key: _Key) -> NewEntry:
        data = {**self.data, "count": self.count, "last_at": self.last.isoformat()}
        return NewEntry(key.action, key.subject, self.stamp, data, self.first)


Entries = dict[str | None, list[NewEntry]]
"""New entries by their city; None: they name none."""


@dataclass(slots=True)
class AccessTally:
    """A process's access records since its last write; `own` is the actor of unknown callers."""

    own: Mapping[str, object]
    _counted: dict[_Key, _Counted] = field(default_factory=dict)
    _different: dict[tuple[str, datetime], int] = field(default_factory=dict)
    _ready: Entries = field(default_factory=dict)
    _tokens: int = 0
    _uses: LRUCache[tuple[UUID, str | None], int] = field(
        default_factory=lambda: LRUCache(_MOST_KNOWN_USES)
    )
    _networks: LRUCache[tuple[str, str | None], str] = field(
        default_factory=lambda: LRUCache(_MOST_KNOWN_USES)
    )

    def refused(self, caller: Caller, at: datetime, *, status: int, code: str, path: str) -> None:
        """Count a request that was refused with a status and a problem's code.

        `path` is the route's template, which has no values of the caller's.
        """
        data = {"status": status, "code": code, "path": path, "address": caller.address}
        self._count(_REFUSED, caller, at, (code,), data)

    def taken_out(self, caller: Caller, at: datetime, *, path: str, form: str) -> None:
        """Count a download: its path with ids, and its form."""
        data = {"path": path, "form": form, "address": caller.address}
        self._count(_TAKEN, caller, at, (path, form), data)

    def used(self, caller: Caller, at: datetime, network: str | None) -> None:
        """Note that a key was used from a network; only the first use of a day is written."""
        day = day_of(at).isoformat()
        known = (caller.subject[1], network)
        ready = self._ready.setdefault(caller.city_code, [])
        if self._networks.get(known) == day or len(ready) >= _MOST_READY:
            return
        self._networks[known] = day
        ready.append(
            NewEntry(USED, caller.subject, caller.stamp, {"network": network, "day": day}, at)
        )

    def is_new_use(self, credential_id: UUID, address: str | None, at: datetime) -> bool:
        """Return whether a key was used from an address for the first time in an hour.

        Called for every request: a single lookup.
        """
        key, hour = (credential_id, address), int(at.timestamp()) // 3600
        if self._uses.get(key) == hour:
            return False
        self._uses[key] = hour
        return True

    def issued(self, caller: Caller, at: datetime, *, scopes: list[str], seconds: int) -> None:
        """Note a token that was issued for a key, and its lifetime."""
        self._tokens += 1
        if self._tokens <= MOST_TOKENS:
            data = {"scopes": scopes, "seconds": seconds, "address": caller.address}
            entry = NewEntry(_ISSUED, caller.subject, caller.stamp, data, at)
            self._ready.setdefault(caller.city_code, []).append(entry)
            return
        self._count(_ISSUED, caller, at, (), {"address": caller.address})

    def take(self, now: datetime, *, everything: bool = False) -> Entries:
        """Return the entries to write: those of past minutes, or everything."""
        found, self._ready, self._tokens = self._ready, {}, 0
        for key in [one for one in self._counted if everything or one.minute + _MINUTE <= now]:
            entry = self._counted.pop(key).entry(key)
            found.setdefault(key.city_code, []).append(entry)
        self._different = {
            (action, minute): number
            for (action, minute), number in self._different.items()
            if not everything and minute + _MINUTE > now
        }
        return found

    def _count(
        self,
        action: AuditAction,
        caller: Caller,
        at: datetime,
        what: tuple[str, ...],
        data: Mapping[str, object],
    ) -> None:
        minute = at.replace(second=0, microsecond=0)
        key = _Key(action, minute, caller.city_code, caller.subject, what)
        counted = self._counted.get(key)
        if counted is None:
            different = self._different.get((action, minute), 0)
            if different >= MOST_A_MINUTE:
                key = _Key(action, minute, None, _BEYOND, what[:1] if action == _REFUSED else ())
                caller, data = caller._replace(stamp=self.own), {"code": what[0]} if what else {}
                counted = self._counted.get(key)
            else:
                self._different[action, minute] = different + 1
        if counted is None:
            counted = self._counted[key] = _Counted(caller.stamp, data, at, at)
        counted.count += 1
        counted.last = at


def by_city(entries: Entries, cities: Sequence[str]) -> dict[str, list[NewEntry]]:
    """Return new entries by city; those of no known city go to the first."""
    found: dict[str, list[NewEntry]] = {}
    for city_code, some in entries.items():
        place = city_code if city_code in cities else next(iter(cities), None)
        if place is not None:
            found.setdefault(place, []).extend(some)
    return found
