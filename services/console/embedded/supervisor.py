"""Keeps one child process running: starts, restarts and stops it, whatever it does."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Never

from services.console.embedded.account import Account
from services.console.embedded.launch import child_options
from services.console.errors import ConsoleError

MOST_FAILURES = 5
WINDOW = 60.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_NEXT_TRY = 0.25
_NEXT_LOOK = 0.03
_LONGEST_START = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a part is started and stopped, and when it is ready."""

    name: str
    log: Path
    folder: Path
    environment: Mapping[str, str]
    arguments: Callable[[], Sequence[str]]
    accepts: Callable[[], Awaitable[bool]] | None = None
    account: Account | None = None
    death_signal: Signals = SIGTERM
    stop: Sequence[tuple[Signals, float]] = ((SIGTERM, 2.0), (SIGKILL, 1.0))
    patience: float = 0.0
    """Seconds in which a start that ends at once is retried without counting as a failure: after a
    crash, leftovers of a server may block its successor until they are gone."""


class Part:
    """A supervised process that needs those it comes `after`.

    `say` gets a line when it ended, `changed` is called at each start.
    """

    def __init__(
        self,
        program: Program,
        *,
        say: Callable[[str], None],
        changed: Callable[[], None],
        after: Sequence["Part"] = (),
    ) -> None:
        self.name = program.name
        self.ready = asyncio.Event()
        self._after = after
        self._program = program
        self._say = say
        self._changed = changed
        self._process: Process | None = None
        self._failures: list[float] = []

    @property
    def pid(self) -> int | None:
        """Return its process id, if it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            ConsoleError: it did not become ready in time.
        """
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._program.patience
        try:
            async with asyncio.timeout(_LONGEST_START):
                while not await self._started():
                    if loop.time() > latest:
                        raise self._failure("did not start")
                    await asyncio.sleep(_NEXT_TRY)
        except TimeoutError:
            raise self._failure(f"was not ready within {_LONGEST_START:.0f} s") from None
        self.ready.set()

    async def keep(self) -> Never:
        """Restart it whenever it ends, with a growing pause, and after those it needs.

        Raises:
            ConsoleError: it ended too often.
        """
        while True:
            assert self._process is not None  # noqa: S101 (keep follows start)
            code = await self._process.wait()
            self.ready.clear()
            failures = self._count_failure()
            self._say(f"{self.name} ended ({_reason(code)}); starting it again")
            await asyncio.sleep(pause(failures))
            # A service that starts during its database's recovery would only end again.
            for part in self._after:
                await part.ready.wait()
            await self.start()

    async def stop(self) -> None:
        """Stop it, with ever stronger signals."""
        for signal, seconds in self._program.stop:
            if self._process is None or self.pid is None:
                return
            with suppress(ProcessLookupError):
                self._process.send_signal(signal)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)

    async def _started(self) -> bool:
        program = self._program
        with program.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *program.arguments(),
                stdout=log,
                stderr=log,
                env=dict(program.environment),
                cwd=program.folder,
                **child_options(program.account, death_signal=program.death_signal),
            )
        self._changed()
        while program.accepts is not None and not await program.accepts():
            # It ended before it was ready: `start` retries as long as `patience` lasts.
            if self.pid is None:
                return False
            await asyncio.sleep(_NEXT_LOOK)
        return True

    def _count_failure(self) -> int:
        """Return how often it failed lately; an end caused by another part's end does not count."""
        now = asyncio.get_running_loop().time()
        self._failures = [at for at in self._failures if at > now - WINDOW]
        if all(part.ready.is_set() for part in self._after):
            self._failures.append(now)
        if len(self._failures) >= MOST_FAILURES:
            raise self._failure(f"ended {MOST_FAILURES} times within {WINDOW:.0f} s")
        return len(self._failures)

    def _failure(self, what: str) -> ConsoleError:
        return ConsoleError(f"{self.name} {what}; see {self._program.log}")


def pause(failures: int) -> float:
    """Return the seconds before the next start after so many recent failures."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** max(0, failures - 1))


def _reason(code: int) -> str:
    return f"signal {Signals(-code).name}" if code < 0 else f"exit code {code}"
