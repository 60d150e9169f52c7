"""What a line of the log looks like to those who search it."""

import json
import logging
import subprocess
import sys


def _logged(code: str) -> dict[str, object]:
    """Return the line that a program writes whose loggers are configured as ours."""
    program = (
        f"import logging\nfrom services.core.kit.logs import configure\nconfigure('worker')\n{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    (line,) = done.stderr.splitlines()
    said: dict[str, object] = json.loads(line)
    return said


def test_a_line_has_a_name_and_what_is_said_beside_it() -> None:
    line = _logged(
        "logging.getLogger('wufei.worker').warning('reader stuck', extra={'city': '410183',"
        " 'position': 3, 'cause': \"KeyError: 'period'\", 'next': 'retrying in 1 s'})"
    )
    assert line.pop("timestamp")
    assert line == {
        "event": "reader stuck",
        "level": logging.getLevelName(logging.WARNING).lower(),
        "logger": "wufei.worker",
        "part": "worker",
        "city": "410183",
        "position": 3,
        "cause": "KeyError: 'period'",
        "next": "retrying in 1 s",
    }
