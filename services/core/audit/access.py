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
"""So many different entries of a sort one process keeps of a minute; those beyond are one."""

MOST_TOKENS = 1000
"""So many tokens have each an entry between two writings; of those beyond the number is kept."""

_MOST_KNOWN_USES = 20_000
_MINUTE = timedelta(minutes=1)
_MOST_READY = 10_000
_REFUSED: Final = "request.refused"
_TAKEN: Final = "file.downloaded"
_ISSUED: Final = "token.issued"
USED: Final = "key.used"
"""What an entry says of the first use of a key on a day from a network."""
_BEYOND = ("others", "others")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that is to be written; `subject` is (kind, id)."""

    action: AuditAction
    subject: tuple[str, str]
    actor: Mapping[str, object]
    data: Mapping[str, object]
    at: datetime


class Caller(NamedTuple):
    """Who called: a credential by its id, or nobody known; from an address, None: a socket.

    `city_code` is that of the credential, or what the call itself claims.
    """

    city_code: str | None
    credential_id: UUID | None
    address: str | None
    stamp: Mapping[str, object]

    @property
    def subject(self) -> tuple[str, str]:
        """What an entry about the caller is about."""
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
"""New entries by the city they are of; None: they name none."""


@dataclass(slots=True)
class AccessTally:
    """What a process has met since it last wrote. `own` stands for the process where nobody is."""

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
        """Count a request that was refused with a status and the code of a problem.

        `path` is that of the route, in which nothing of the caller stands.
        """
        data = {"status": status, "code": code, "path": path, "address": caller.address}
        self._count(_REFUSED, caller, at, (code,), data)

    def taken_out(self, caller: Caller, at: datetime, *, path: str, form: str) -> None:
        """Count a file that was sent: what was asked for, with its ids, and in which form."""
        data = {"path": path, "form": form, "address": caller.address}
        self._count(_TAKEN, caller, at, (path, form), data)

    def used(self, caller: Caller, at: datetime, network: str | None) -> None:
        """Note that a key came from a network; of a day the first is written."""
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
        """Return whether a key came from an address for the first time in an hour.

        Asked with every request: it looks up one thing.
        """
        key, hour = (credential_id, address), int(at.timestamp()) // 3600
        if self._uses.get(key) == hour:
            return False
        self._uses[key] = hour
        return True

    def issued(self, caller: Caller, at: datetime, *, scopes: list[str], seconds: int) -> None:
        """Note a token that was given for a key, and for how long."""
        self._tokens += 1
        if self._tokens <= MOST_TOKENS:
            data = {"scopes": scopes, "seconds": seconds, "address": caller.address}
            entry = NewEntry(_ISSUED, caller.subject, caller.stamp, data, at)
            self._ready.setdefault(caller.city_code, []).append(entry)
            return
        self._count(_ISSUED, caller, at, (), {"address": caller.address})

    def take(self, now: datetime, *, everything: bool = False) -> Entries:
        """Return what is to be written: of what is counted the minutes that are over, or all."""
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
    """Return new entries by city; what names no city that is there goes to the first of them."""
    found: dict[str, list[NewEntry]] = {}
    for city_code, some in entries.items():
        place = city_code if city_code in cities else next(iter(cities), None)
        if place is not None:
            found.setdefault(place, []).extend(some)
    return found
