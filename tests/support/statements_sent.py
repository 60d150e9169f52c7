"""Every statement that our code sends while tests run is judged: one city for all its tables.

SQLAlchemy's engines and the connections of the bare pool are listened to. What tests plant and
look up themselves is theirs; a statement is ours when the nearest frame of either tree, from
where it is sent, is one of `services`.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

import services.core.registry  # noqa: F401 (all tables)
from services.core.kit.city_scope import EVERY_CITY, city_in_force
from services.core.kit.database import Base, PlainConnection
from tests.support.city_scope import TESTS
from tests.support.one_city import Root, Verdict, judge

_ROOT = Path(__file__).resolve().parents[2]
_OURS = f"{_ROOT / 'services'}/"
_TREES = tuple(f"{_ROOT / name}/" for name in ("services", "tests", "migrations", "bench"))
_DOORS = tuple(f"{_ROOT / 'services' / name}/" for name in ("api", "worker", "console"))
_POOL = f"{_ROOT / 'services/core/kit'}/"

KEPT_EVERYWHERE = {"worker_heartbeat", "token_key", "issuer_keys"}
"""What every node of a cluster has whole, for it belongs to no city."""

_SENDING = ("execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany")
"""The methods of a bare connection that send a statement."""

TABLES: Mapping[str, Sequence[str]] = {
    name: list(table.columns.keys())
    for name, table in Base.metadata.tables.items()
    if name not in KEPT_EVERYWHERE
}
"""The columns of every table that is distributed by city."""

SPANNING: Mapping[str, str] = {
    "services.core.identity.queries:city_names": "which cities there are",
    "services.core.events.queries:cities_behind": "which cities the worker is to go round",
    "services.core.identity.queries:cities_having": "in which cities files wait for the worker",
    "services.core.events.queries:log_standing": "figures of the whole deployment",
    "services.core.webhooks.dispatch:cities_due": "of which cities something can be sent",
    "services.core.connectors.queries:cities_reporting": "of which cities something is reported",
    "services.core.webhooks.queue_stats:queue_stats": "figures of every endpoint for /metrics",
    "services.core.webhooks.queue_stats:longest_unattended": "one figure of the whole deployment",
    "services.core.alerts.queries:stalest_evaluation": "one figure of the whole deployment",
}
"""What is meant to span cities, by the function that sends it, and why."""


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames from one outwards, also from a greenlet into the one that it is of."""
    inside = greenlet.getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and inside.parent is not None:
            inside = inside.parent
            frame = inside.gr_frame


def _sender() -> str | None:
    """Return the function of ours that sends a statement, `module:name`; None: a test does."""
    kit = None
    for frame in _frames(sys._getframe(1)):
        file = frame.f_code.co_filename
        if file == __file__ or not file.startswith(_TREES):
            continue
        if not file.startswith(_OURS):
            return kit if kit is not None and kit.endswith("transaction") else None
        module = file.removeprefix(f"{_ROOT}/").removesuffix(".py").replace("/", ".")
        name = f"{module}:{frame.f_code.co_qualname}"
        if not file.startswith(_POOL):
            return name
        kit = kit or name
    return kit


class StatementsSent:
    """What was sent by our code and names not one city; `faults` since they were last taken."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._verdicts: dict[str, Verdict] = {}
        self._faults: dict[str, str] = {}

    def listen(self) -> None:
        """Listen to every engine and to every connection of a bare pool, from now on."""
        event.listen(Engine, "before_cursor_execute", self._executed)
        for name in _SENDING:
            setattr(PlainConnection, name, self._overheard(getattr(PlainConnection, name)))

    def taken(self) -> list[str]:
        """Return the faults found since this was last asked."""
        faults = list(self._faults.values())
        self._faults.clear()
        return faults

    def _executed(
        self,
        _connection: Connection,
        _cursor: Any,
        statement: str,
        parameters: Any,
        _context: Any,
        executemany: bool,
    ) -> None:
        for given in parameters if executemany else (parameters,):
            if said := self.judged(statement, given or ()):
                self._note(statement, said, _sender())

    def _overheard(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def sent(connection: PlainConnection, statement: str, *given: Any, **options: Any) -> Any:
            if said := self.judged(statement, given):
                self._note(statement, said, _sender())
            return send(connection, statement, *given, **options)

        return sent

    def judged(self, statement: str, parameters: Sequence[Any]) -> str:
        """Return what is wrong with a statement; empty: nothing."""
        verdict = self._verdict(statement)
        if verdict.refused:
            return "; ".join(verdict.refused)
        if verdict.unbound:
            return f"no city is named for {', '.join(verdict.unbound)}"
        cities = {_city(root, parameters) for root in verdict.cities}
        if len(cities) > 1:
            return f"several cities are named: {sorted(map(str, cities))}"
        return _out_of_scope(cities)

    def _verdict(self, statement: str) -> Verdict:
        verdict = self._verdicts.get(statement)
        if verdict is None:
            verdict = self._verdicts[statement] = judge(statement, TABLES)
        return verdict

    def _note(self, statement: str, said: str, sender: str | None) -> None:
        if sender is None:
            return
        if sender in SPANNING:
            self.seen.add(sender)
            if city_in_force() != EVERY_CITY:
                self._faults[sender] = f"{sender}: reads across cities in {city_in_force()}"
            return
        self._faults[f"{sender} {said}"] = f"{sender}: {said}\n{statement}"


def _out_of_scope(cities: Collection[object]) -> str:
    """Return what is wrong with the city in force; what a test sends by core has none."""
    in_force = city_in_force()
    if not cities or in_force in cities or (in_force == TESTS and not _through_a_door()):
        return ""
    return f"it names {sorted(map(str, cities))} while {in_force!r} is in force"


def _through_a_door() -> bool:
    """Return whether a door sends what is sent, and not a test that calls core."""
    for frame in _frames(sys._getframe(1)):
        file = frame.f_code.co_filename
        if file.startswith(_DOORS):
            return True
        if file.startswith(f"{_ROOT}/tests/") and file != __file__:
            return False
    return False


def _city(root: Root, parameters: Sequence[Any]) -> object:
    return parameters[root - 1] if isinstance(root, int) else root
