"""Fetches the wheels of a lock into a folder, for builds that reach no package index themselves.

Usage: python wheels.py LOCK FOLDER

Where they come from is for pip's own configuration to say.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==\S+(?: ; [^\\\n]+)?", re.MULTILINE)


def main(lock: Path, folder: Path) -> None:
    """Fetch what is lacking; with all there, no index is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(without_markers(lock.read_text(encoding="utf-8"))):
        bare = folder / f"part{number}.lock"
        bare.write_text(part, encoding="utf-8")
        fetch = (
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--ignore-requires-python"),
            *("--find-links", str(folder), "--dest", str(folder)),
            *("--requirement", str(bare)),
        )
        there = subprocess.run([*fetch, "--no-index"], check=False, capture_output=True)
        if there.returncode != 0:
            subprocess.run(fetch, check=True)


def without_markers(lock: str) -> Iterator[str]:
    """Yield a lock in parts that name each package once, without markers.

    A marker speaks of the Python that installs, which is the image's and not this one: a package
    that is pinned to one release for some and to another for others is fetched in both.
    """
    parts: list[list[str]] = []
    begins = [found.start() for found in _PINNED.finditer(lock)]
    named: dict[str, int] = {}
    for start, end in zip(begins, [*begins[1:], len(lock)], strict=True):
        pinned = lock[start:end]
        name = pinned.split("==", 1)[0]
        number = named[name] = named.get(name, -1) + 1
        if number == len(parts):
            parts.append([])
        parts[number].append(re.sub(r" ; [^\\\n]+", " ", pinned))
    return map("".join, parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
