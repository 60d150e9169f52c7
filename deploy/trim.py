"""Takes out of an image's environment what nothing reads at run time; run once, by the build.

Usage: python trim.py FOLDER, an environment or what `pip install --target` filled
"""

import shutil
import subprocess
import sys
from pathlib import Path

_NEVER_IMPORTED = {"tests", "test", "testing_data", "docs", "examples"}
_NEVER_READ = {".pyx", ".pxd", ".pyi", ".c", ".h", ".cpp", ".map"}


def main(folder: Path) -> None:
    """Drop pip, packages' own tests, and sources and type stubs beside compiled modules."""
    packages = folder
    python = folder / "bin" / "python"
    if python.exists():
        remove = ("-m", "pip", "uninstall", "--quiet", "--yes", "--root-user-action", "ignore")
        subprocess.run([python, *remove, "setuptools", "pip"], check=True)
        (packages,) = folder.glob("lib/python3*/site-packages")
    for found in sorted(packages.rglob("*"), reverse=True):
        if found.is_dir() and found.name in _NEVER_IMPORTED:
            shutil.rmtree(found)
        elif found.suffix in _NEVER_READ and found.is_file():
            found.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
