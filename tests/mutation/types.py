"""Let mypy judge mutants: strict types are a check of this project like its tests.

mutmut calls `python -m tests.mutation.types mypy` in the folder of its mutated copy. Printed is
what mypy says of mutants alone: the rest of that copy is mutmut's own writing.
"""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

_MUTANT = re.compile(r"__mutmut_\d+$")
# That an ignored line needs ignoring no more says nothing against a mutant.
_NOT_TYPES = {"unused-ignore", "ignore-without-code"}


@cache
def _lines_of_mutants(path: Path) -> set[int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _MUTANT.search(node.name)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def main() -> None:
    """Print mypy's findings, one JSON object a line, as mutmut reads them."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--output", "json", "services"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        found = json.loads(line)
        if found["code"] in _NOT_TYPES:
            continue
        if found["line"] in _lines_of_mutants(Path(found["file"])):
            print(line)


if __name__ == "__main__":
    main()
