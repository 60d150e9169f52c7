"""WUFEI_NOW sets the domain's clock once; restarts let it go on."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.console.clock_setting import settled_clock
from services.console.errors import ConsoleError
from services.core.kit.clock import Clock

_DAY = datetime(2025, 12, 30, 8, tzinfo=UTC)
_SECONDS = timedelta(seconds=5)


def test_without_the_setting_the_clock_is_true(tmp_path: Path) -> None:
    assert settled_clock(tmp_path / "clock.json", None) == Clock()
    assert list(tmp_path.iterdir()) == []


def test_the_setting_is_what_the_clock_shows_now(tmp_path: Path) -> None:
    clock = settled_clock(tmp_path / "clock.json", _DAY)
    assert abs(clock.now() - _DAY) < _SECONDS


@pytest.mark.parametrize("again", [_DAY, None])
def test_a_later_start_goes_on_from_the_first(tmp_path: Path, again: datetime | None) -> None:
    kept = tmp_path / "clock.json"
    settled_clock(kept, _DAY)
    said = json.loads(kept.read_text())
    kept.write_text(json.dumps({**said, "offset_seconds": said["offset_seconds"] + 3600}))
    clock = settled_clock(kept, again)
    assert abs(clock.now() - _DAY - timedelta(hours=1)) < _SECONDS


def test_another_setting_sets_the_clock_anew(tmp_path: Path) -> None:
    kept = tmp_path / "clock.json"
    settled_clock(kept, _DAY)
    later = _DAY + timedelta(days=400)
    settled_clock(kept, later)
    assert abs(settled_clock(kept, None).now() - later) < _SECONDS


def test_a_damaged_file_is_not_taken_for_the_true_time(tmp_path: Path) -> None:
    kept = tmp_path / "clock.json"
    kept.write_text("{}")
    with pytest.raises(ConsoleError, match="cannot understand"):
        settled_clock(kept, None)
