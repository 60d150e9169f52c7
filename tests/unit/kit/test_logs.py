"""A line of the log is one JSON object that says when, where, how grave and what."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.core.kit.logs import configure
from services.core.kit.trail import Trail, on_trail

CHATTY = ("arq", "uvicorn", "asyncio", "asyncpg.pool")
OURS = "wufei"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Let all loggers be afterwards as they were before."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*CHATTY, OURS)}
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET)
    root.handlers[:] = [logging.NullHandler()]
    yield
    root.handlers[:], root.level = kept
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def read(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


def test_a_line_says_when_where_how_grave_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    logging.getLogger("wufei.worker").info("已重试 %s 次", 3)
    written = capsys.readouterr().err
    (line,) = read(written)
    assert "已重试 3 次" in written, "Chinese stands as it is read"
    assert {name: line[name] for name in ("part", "level", "logger", "event")} == {
        "part": "worker",
        "level": "info",
        "logger": "wufei.worker",
        "event": "已重试 3 次",
    }
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC
    assert set(line) == {"part", "level", "logger", "event", "timestamp"}


def test_a_fault_stands_with_its_traceback_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api")
    try:
        dict[str, int]()["gone"]
    except KeyError:
        logging.getLogger("wufei.api").exception("unexpected error")
    (line,) = read(capsys.readouterr().err)
    assert "KeyError: 'gone'" in line["exception"]


def test_configured_twice_a_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api")
    configure("worker")
    logging.getLogger("wufei").debug("not this")
    logging.getLogger("wufei").warning("this")
    said = [(line["part"], line["event"]) for line in read(capsys.readouterr().err)]
    assert said == [("worker", "this")]


def test_libraries_say_only_what_is_grave(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api")
    for name in CHATTY:
        logging.getLogger(name).info("started")
        logging.getLogger(name).warning("slow")
        logging.getLogger(name).error("broken")
    said = [(line["logger"], line["event"]) for line in read(capsys.readouterr().err)]
    assert said == [
        *((name, event) for name in CHATTY[:3] for event in ("slow", "broken")),
        ("asyncpg.pool", "broken"),
    ]


def test_what_is_said_beside_a_name_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    said = {"city": "410183", "position": 3, "cause": "KeyError: 'x'", "next": "retrying in 1 s"}
    logging.getLogger("wufei.worker").warning("reader stuck", extra=said)
    (line,) = read(capsys.readouterr().err)
    assert line["event"] == "reader stuck"
    assert {name: line[name] for name in said} == said


def test_from_a_chosen_level_on_ours_alone_say_more(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api", level="debug")
    logging.getLogger("wufei.api").debug("in detail")
    logging.getLogger("another.library").debug("what may hold a secret")
    assert [line["event"] for line in read(capsys.readouterr().err)] == ["in detail"]
    configure("api", level="warning")
    logging.getLogger("wufei.api").info("started")
    logging.getLogger("another.library").info("started")
    logging.getLogger("wufei.api").warning("slow")
    assert [line["event"] for line in read(capsys.readouterr().err)] == ["slow"]


def test_what_is_logged_while_a_request_is_carried_out_names_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("api")
    logger = logging.getLogger("wufei.api")
    with on_trail(Trail("r-1", f"00-{TRACE}-b7ad6b7169203331-01")):
        logger.warning("slow")
        logger.warning("slow", extra={"request_id": "said itself"})
    with on_trail(Trail()):
        logger.warning("slow")
    first, second, third = read(capsys.readouterr().err)
    assert (first["request_id"], first["trace_id"]) == ("r-1", TRACE)
    assert second["request_id"] == "said itself"
    assert not {"request_id", "trace_id"} & third.keys()


def test_as_text_a_line_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker", form="text")
    logging.getLogger("wufei.worker").warning("reader stuck", extra={"city": "410183"})
    (line,) = capsys.readouterr().err.splitlines()
    assert "reader stuck" in line
    assert "city=410183" in line
    assert "part=worker" in line


def test_what_json_cannot_hold_is_written_as_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api")
    logging.getLogger("wufei.api").info("told", extra={"event_id": UUID(int=7)})
    (line,) = read(capsys.readouterr().err)
    assert line["event_id"] == "00000000-0000-0000-0000-000000000007"


def test_another_library_is_heard_from_information_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api", level="debug")
    logging.getLogger("another").info("said")
    logging.getLogger("another").debug("not this")
    assert [line["event"] for line in read(capsys.readouterr().err)] == ["said"]
