"""The tour, in both languages: typed line by line into a shell, on a running system."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.console.ports import free_port
from services.console.settings import PROJECT
from tests.support.tour import TOURS, environment, put_programs, steps_of, typed

_READY_WITHIN = 120


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user can enter, with a space in its name."""
    with TemporaryDirectory(prefix="wufei tour ") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@asynccontextmanager
async def running(settings: Mapping[str, str]) -> AsyncIterator[None]:
    """Keep `wufei up` running, as the reader's first terminal does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "up"),
        cwd=PROJECT,
        env=settings,
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_WITHIN):
            line = b"-"
            while line and b"Ctrl-C" not in line:
                line = await process.stdout.readline()
        assert line, "the system ended before it was ready"
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 60)


def test_both_languages_have_the_same_tour() -> None:
    english, chinese = (steps_of(language) for language in TOURS)
    assert len(english) == 9
    assert [step.typed for step in english] == [step.typed for step in chinese]
    for pages in TOURS.values():
        texts = [(PROJECT / page).read_text(encoding="utf-8") for page in pages]
        typed = sum(text.count("```bash\n") for text in texts)
        assert typed == len(english), "a block of the tour shows nothing"


@pytest.mark.parametrize("language", TOURS)
async def test_the_tour_shows_what_it_promises(language: str, folder: Path) -> None:
    steps = steps_of(language)
    put_programs(folder)
    settings = environment(folder, free_port())
    async with running(settings):
        code, printed = await typed(steps, settings)
    assert code == 0, printed[-1]
    assert len(printed) == len(steps) + 1
    for step, seen in zip(steps, printed, strict=False):
        assert re.fullmatch(step.pattern(), seen), f"{step.shown}\n--- but ---\n{seen}"
