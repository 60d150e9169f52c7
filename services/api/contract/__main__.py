"""`python -m services.api.contract write` writes the contract; `check` fails if it is stale."""

import sys
from pathlib import Path

from services.api.contract.document import as_yaml
from services.api.main import create_contract_app

PATH = Path(__file__).resolve().parents[3] / "contracts" / "openapi.yaml"


def text() -> str:
    """Return the contract that the code generates, as it is committed."""
    return as_yaml(create_contract_app().openapi())


def is_current() -> bool:
    """Return whether the committed contract matches the code."""
    return PATH.exists() and PATH.read_text(encoding="utf-8") == text()


def main(arguments: list[str]) -> int:
    """Write the file, or print whether it is current; return the exit status."""
    match arguments:
        case ["write"]:
            PATH.parent.mkdir(exist_ok=True)
            PATH.write_text(text(), encoding="utf-8")
            return 0
        case ["check"] if is_current():
            return 0
        case ["check"]:
            sys.stderr.write("contracts/openapi.yaml is stale: `make contract`, review the diff\n")
            return 1
        case _:
            sys.stderr.write("usage: python -m services.api.contract write|check\n")
            return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
