"""One supervised process: started, started again, given up, stopped."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from services.console.embedded import supervisor
from services.console.embedded.supervisor import MOST_FAILURES, Part, Program, pause
from services.console.errors import ConsoleError
from services.console.settings import PROJECT

_ENDLESS = "import time\nwhile True: time.sleep(1)"
_STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _ENDLESS

Make = Callable[..., Part]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[tuple[Make, list[str]]]:
    """A maker of parts that run Python text, and what they say; all are stopped at the end."""
    parts: list[Part] = []
    said: list[str] = []

    def part(
        code: str,
        *,
        accepts: Callable[[], Awaitable[bool]] | None = None,
        patience: float = 0.0,
        term_seconds: float = 2.0,
        after: Sequence[Part] = (),
    ) -> Part:
        program = Program(
            name="part",
            log=tmp_path / "part.log",
            folder=tmp_path,
            environment={},
            arguments=lambda: [sys.executable, "-I", "-S", "-c", code],
            accepts=accepts,
            patience=patience,
            stop=((SIGTERM, term_seconds), (SIGKILL, 1.0)),
        )
        parts.append(Part(program, say=said.append, changed=lambda: None, after=after))
        return parts[-1]

    yield part, said
    await asyncio.gather(*(each.stop() for each in parts))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (no event crosses processes)
            await asyncio.sleep(0.02)


async def test_a_part_that_dies_is_started_again(make: tuple[Make, list[str]]) -> None:
    part, said = make[0](_ENDLESS), make[1]
    await part.start()
    first = part.pid
    assert first is not None
    keeping = asyncio.create_task(part.keep())
    os.kill(first, SIGKILL)
    await _until(lambda: part.pid not in {None, first})
    assert said == ["part ended (signal SIGKILL); starting it again"]
    keeping.cancel()


async def test_a_part_that_keeps_dying_is_given_up(
    make: tuple[Make, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    part, said = make[0]("raise SystemExit(3)"), make[1]
    await part.start()
    with pytest.raises(ConsoleError, match=r"part ended 5 times within 60 s; see .*part\.log"):
        await asyncio.wait_for(part.keep(), 20)
    assert said == ["part ended (exit code 3); starting it again"] * (MOST_FAILURES - 1)
    assert part.pid is None


async def test_what_cannot_live_without_another_waits_for_it_and_does_not_fail(
    make: tuple[Make, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    server = make[0](_ENDLESS)
    door = make[0]("raise SystemExit(3)", after=[server])
    await door.start()
    keeping = asyncio.create_task(door.keep())
    await asyncio.sleep(0.5)
    assert not keeping.done()
    assert len(make[1]) == 1
    await server.start()
    with pytest.raises(ConsoleError, match="part ended 5 times"):
        await asyncio.wait_for(keeping, 20)


async def test_a_start_refused_at_first_is_tried_again(
    make: tuple[Make, list[str]], tmp_path: Path
) -> None:
    sign = tmp_path / "ready"
    code = f"import os, sys\nif not os.path.exists({str(sign)!r}): sys.exit(1)\n{_ENDLESS}"

    async def accepts() -> bool:
        return sign.exists() and part.pid is not None

    part = make[0](code, accepts=accepts, patience=10)
    starting = asyncio.create_task(part.start())
    await asyncio.sleep(0.5)
    assert not starting.done()
    sign.touch()
    await asyncio.wait_for(starting, 5)


async def test_a_start_refused_for_too_long_is_an_error(make: tuple[Make, list[str]]) -> None:
    async def never() -> bool:
        return False

    part = make[0]("raise SystemExit(1)", accepts=never, patience=0.5)
    with pytest.raises(ConsoleError, match="part did not start; see"):
        await part.start()


async def test_what_ignores_a_polite_signal_is_killed(make: tuple[Make, list[str]]) -> None:
    part = make[0](_STUBBORN, term_seconds=0.3)
    await part.start()
    await asyncio.sleep(0.3)
    await asyncio.wait_for(part.stop(), 2)
    assert part.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_child_does_not_outlive_a_killed_supervisor() -> None:
    code = f"""
import subprocess, sys, time
from signal import SIGTERM
from services.console.embedded.launch import child_options
child = subprocess.Popen([sys.executable, "-c", {_ENDLESS!r}],
                         **child_options(None, death_signal=SIGTERM))
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await _until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_pauses_grow_and_stay_bounded() -> None:
    assert [pause(failures) for failures in (1, 2, 3, 4, 9)] == [0.2, 0.4, 0.8, 1.6, 5.0]
