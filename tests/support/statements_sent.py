"""Every statement that our code sends while tests run is judged: one city for all its tables.

SQLAlchemy's engines and the connections of the bare pool are listened to. What tests plant and
look up themselves is theirs; a statement is ours when the nearest frame of either tree, from
where it is sent, is one of `services`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

import services.core.registry  # noqa: F401 (all tables)
from services.core.kit.database import Base, PlainConnection
from tests.support.one_city import Root, Verdict, judge

_ROOT = Path(__file__).resolve().parents[2]
_OURS = f"{_ROOT / 'services'}/"
_TREES = tuple(f"{_ROOT / name}/" for name in ("services", "tests", "migrations", "bench"))
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
    "services.core.identity.queries:city_codes": "which cities there are",
    "services.core.events.queries:cities_behind": "which cities the worker is to go round",
    "services.core.imports.queries:cities_waiting": "in which cities a sheet waits for the worker",
    "services.core.events.queries:log_standing": "figures of the whole deployment",
    "services.core.webhooks.dispatch:cities_due": "of which cities something can be sent",
    "services.core.connectors.queries:cities_reporting": "of which cities something is reported",
    "services.core.webhooks.queue_stats:queue_stats": "figures of every endpoint for /metrics",
    "services.core.webhooks.queue_stats:recent_outcomes": "figures of every endpoint for /metrics",
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
        verdict = self._verdicts.get(statement)
        if verdict is None:
            verdict = self._verdicts[statement] = judge(statement, TABLES)
        if verdict.refused:
            return "; ".join(verdict.refused)
        if verdict.unbound:
            return f"no city is named for {', '.join(verdict.unbound)}"
        if len(verdict.cities) > 1:
            cities = {_city(root, parameters) for root in verdict.cities}
            if len(cities) > 1:
                return f"several cities are named: {sorted(map(str, cities))}"
        return ""

    def _note(self, statement: str, said: str, sender: str | None) -> None:
        if sender is None:
            return
        if sender in SPANNING:
            self.seen.add(sender)
            return
        self._faults[f"{sender} {said}"] = f"{sender}: {said}\n{statement}"


def _city(root: Root, parameters: Sequence[Any]) -> object:
    return parameters[root - 1] if isinstance(root, int) else root
