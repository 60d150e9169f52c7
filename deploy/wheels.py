"""Fetches the wheels of a lock into a folder, for builds that reach no package index themselves.

Usage: python wheels.py LOCK FOLDER

Where they come from is for pip's own configuration to say.
"""

import re
import subprocess
import sys
from pathlib import Path


def main(lock: Path, folder: Path) -> None:
    """Fetch what is lacking; with all there, no index is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    # A marker speaks of the Python that installs, which is the image's and not this one.
    bare = folder / "all.lock"
    bare.write_text(re.sub(r" ; [^\\\n]+", " ", lock.read_text(encoding="utf-8")), encoding="utf-8")
    fetch = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--find-links", str(folder), "--dest", str(folder)),
        *("--requirement", str(bare)),
    )
    there = subprocess.run([*fetch, "--no-index"], check=False, capture_output=True)
    if there.returncode != 0:
        subprocess.run(fetch, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
