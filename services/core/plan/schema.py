"""The JSON schema of a plan document, generated from the code for editors and other systems.

It covers the shape only; `plan.document_faults` cross-checks the parts. Run as `python -m
services.core.plan.schema write|check`.
"""

import json
import sys
from pathlib import Path

from services.core.plan.document import PlanDocument

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "plan-format.schema.json"


def schema_text() -> str:
    """Return the schema as the text of its file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PlanDocument.model_json_schema(mode="validation"),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def is_current() -> bool:
    """Return whether the committed file matches the code."""
    return SCHEMA_FILE.exists() and SCHEMA_FILE.read_text("utf-8") == schema_text()


def main(arguments: list[str]) -> int:
    """Write the file, or check that it is current; return the exit status."""
    match arguments:
        case ["write"]:
            SCHEMA_FILE.write_text(schema_text(), "utf-8")
            return 0
        case ["check"] if is_current():
            return 0
        case ["check"]:
            sys.stderr.write(f"{SCHEMA_FILE.name} is stale: run this with `write`\n")
            return 1
        case _:
            sys.stderr.write("usage: python -m services.core.plan.schema write|check\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
