"""Tells which known faults the dependencies of some locks have.

Usage: python known_faults.py LOCK…

pip-audit asks the advisories of the Python Package Index. Where they are not at hand, as behind
an index of one's own or without a network, that is said in a line and nothing is judged.
"""

import json
import subprocess
import sys
from typing import Any

_SAID = "not judged: the advisories on Python packages are not at hand"


def main(locks: list[str]) -> int:
    """Print what is known of each lock; return 1 where a fault is."""
    return max(_judged(lock) for lock in locks)


def _judged(lock: str) -> int:
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", lock),
            *("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        found: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        last = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"{lock}: {_SAID}: {last}")
        return 0
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if len(unknown) == len(found):
        print(f"{lock}: {_SAID}: none of {len(found)} is known there")
        return 0
    faults = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no release yet'}"
        for one in found
        for fault in one.get("vulns", ())
    ]
    print(f"{lock}: {len(found) - len(unknown)} judged, {len(faults)} known faults")
    for line in [*faults, *(f"not known there: {name}" for name in unknown)]:
        print(f"  {line}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
