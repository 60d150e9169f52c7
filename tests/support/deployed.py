"""What deploy/ must agree with in the code: paths that are served, how long a door needs to end."""

import re

import yaml

from services.console.settings import PROJECT, Settings
from services.worker import delivering


def contract_paths() -> set[str]:
    """Return the paths of the contract."""
    text = (PROJECT / "contracts" / "openapi.yaml").read_text(encoding="utf-8")
    return set(yaml.load(text, Loader=yaml.CSafeLoader)["paths"])


def longest_end(door: str) -> float:
    """Return how many seconds a door takes at most from SIGTERM to its end, but for a moment."""
    if door.startswith("worker"):
        return (
            delivering._LAST_CLAIM_SECONDS
            + delivering._GRACE_SECONDS
            + delivering._LAST_WRITE_SECONDS
        )
    return float(Settings.model_fields["stop_within"].default)


def seconds(text: str) -> float:
    """Return a span such as `15s` or `1h`, as compose and systemd write it; bare: seconds."""
    found = re.fullmatch(r"(\d+)(s|min|h)?", text)
    assert found is not None, text
    return float(found[1]) * {None: 1, "s": 1, "min": 60, "h": 3600}[found[2]]
