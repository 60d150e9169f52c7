"""The wheels of a lock are fetched for whichever Python installs them."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy/requirements.lock"


def _wheels() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheels", ROOT / "deploy/wheels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pins(text: str) -> list[str]:
    return re.findall(r"^\S+==[^\s;]+", text, re.MULTILINE)


def test_a_package_pinned_twice_is_fetched_in_both_releases() -> None:
    lock = (
        "one==1.0 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\n"
        "one==2.0 ; python_full_version >= '3.12' \\\n    --hash=sha256:bb\n"
        "two==3.0 \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n"
    )
    first, second = _wheels().without_markers(lock)
    assert _pins(first) == ["one==1.0", "two==3.0"]
    assert _pins(second) == ["one==2.0"]
    assert ";" not in first + second
    assert first.count("--hash") == 3


def test_every_pin_of_the_image_is_in_a_part_and_none_twice_in_one() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    parts = [_pins(part) for part in _wheels().without_markers(lock)]
    assert sorted(pin for part in parts for pin in part) == sorted(_pins(lock))
    for part in parts:
        names = [pin.split("==")[0] for pin in part]
        assert len(names) == len(set(names))
