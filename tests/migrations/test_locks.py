"""No migration holds a table that may be large while it reads the whole of it.

What scans is left for a transaction of its own that holds nobody up: an index is built
concurrently, a constraint is added as not valid and validated afterwards.
"""

import io
import re
from collections.abc import Iterator

import pytest
from alembic import command

from services.console.schema import configuration

_SINCE = "0039"
"""Migrations before this revision ran in every deployment long ago."""

_FEW = frozenset({"connector"})
"""Tables of which a city has a handful of rows."""

_CREATED = re.compile(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?\w+ ON (\w+)")
_ALTERED = re.compile(r"^ALTER TABLE (?:ONLY )?(?:IF EXISTS )?(\w+) (.*)$")
_SCANS = re.compile(
    r"\bADD CONSTRAINT \w+ (?!(?:UNIQUE|PRIMARY KEY) USING INDEX\b)(?!.*\bNOT VALID\b)"
    r"|\bADD (?:CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)\b"
    r"|\bSET NOT NULL\b|\bTYPE\b|\bSET (?:LOGGED|UNLOGGED|TABLESPACE)\b"
    r"|\bADD COLUMN [^,]*\b(?:GENERATED|DEFAULT [^,]*\(|SERIAL|REFERENCES|UNIQUE|CHECK)"
)


def _transactions(script: str) -> Iterator[list[str]]:
    """Yield the statements of each transaction; what stands outside of any is one of its own."""
    together: list[str] | None = None
    for statement in re.sub(r"--[^\n]*", "", script).split(";"):
        said = " ".join(statement.split())
        if said == "BEGIN":
            together = []
        elif said == "COMMIT":
            yield together or []
            together = None
        elif together is not None:
            together.append(said)
        elif said:
            yield [said]


def scanning(script: str) -> list[str]:
    """Return the statements of a script that hold a table which may be large while they scan."""
    new, found = set(_FEW), []
    for together in _transactions(script):
        held = False
        for said in together:
            if created := _CREATED.match(said):
                new.add(created[1])
            index, altered = _INDEX.match(said), _ALTERED.match(said)
            if index and index[2] not in new and not index[1]:
                found.append(said)
            if altered is None or altered[1] in new:
                continue
            validates = "VALIDATE CONSTRAINT" in altered[2]
            if _SCANS.search(altered[2]) or (validates and held):
                found.append(said)
            held = held or not validates
    return found


def test_no_migration_holds_a_large_table_while_it_scans_it() -> None:
    script = io.StringIO()
    configured = configuration()
    configured.output_buffer = script
    command.upgrade(configured, f"{_SINCE}:head", sql=True)
    assert len(list(_transactions(script.getvalue()))) > int(_SINCE) // 10, "something was read"
    assert scanning(script.getvalue()) == []


_ADDED = "ALTER TABLE t ADD CONSTRAINT ck_t_a CHECK (a IN (1, 2))"
_VALIDATED = "ALTER TABLE t VALIDATE CONSTRAINT ck_t_a"


@pytest.mark.parametrize(
    ("statements", "wrong"),
    [
        (("BEGIN", _ADDED, "COMMIT"), 1),
        (("BEGIN", f"{_ADDED} NOT VALID", "COMMIT", "BEGIN", _VALIDATED, "COMMIT"), 0),
        (("BEGIN", f"{_ADDED} NOT VALID", "COMMIT", _VALIDATED), 0),
        (("BEGIN", f"{_ADDED} NOT VALID", _VALIDATED, "COMMIT"), 1),
        (("BEGIN", "CREATE TABLE t (a int)", _ADDED, "CREATE INDEX i ON t (a)", "COMMIT"), 0),
        (("BEGIN", "CREATE UNIQUE INDEX i ON t (a)", "COMMIT"), 1),
        (("CREATE INDEX CONCURRENTLY i ON t (a)",), 0),
        (("ALTER TABLE t ADD CONSTRAINT uq_t UNIQUE (a)",), 1),
        (("ALTER TABLE t ADD CONSTRAINT uq_t UNIQUE USING INDEX i",), 0),
        (("ALTER TABLE t ADD CONSTRAINT fk_t FOREIGN KEY (a) REFERENCES u (a)",), 1),
        (("ALTER TABLE t ALTER COLUMN a SET NOT NULL",), 1),
        (("ALTER TABLE t ALTER COLUMN a TYPE bigint",), 1),
        (("ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()",), 1),
        (("ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0, ADD COLUMN b text",), 0),
        (("ALTER TABLE connector ADD CONSTRAINT ck_connector_a CHECK (a > 0)",), 0),
    ],
)
def test_the_judge_knows_what_scans(statements: tuple[str, ...], wrong: int) -> None:
    assert len(scanning(";\n".join(statements) + ";")) == wrong
