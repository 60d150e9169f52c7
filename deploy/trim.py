"""Takes out of an image's environment what nothing reads at run time; run once, by the build.

Usage: python trim.py ENVIRONMENT
"""

import shutil
import subprocess
import sys
from pathlib import Path

_NEVER_IMPORTED = {"tests", "test", "testing_data", "docs", "examples"}
_NEVER_READ = {".pyx", ".pxd", ".pyi", ".c", ".h", ".cpp", ".map"}


def main(environment: Path) -> None:
    """Drop pip, packages' own tests, and sources and type stubs beside compiled modules."""
    python = environment / "bin" / "python"
    remove = ("-m", "pip", "uninstall", "--quiet", "--yes", "--root-user-action", "ignore")
    subprocess.run([python, *remove, "setuptools", "pip"], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    for folder in sorted(packages.rglob("*"), reverse=True):
        if folder.is_dir() and folder.name in _NEVER_IMPORTED:
            shutil.rmtree(folder)
        elif folder.suffix in _NEVER_READ and folder.is_file():
            folder.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
