"""Files that come in as sheets, what was found in them, and their copies with the faults.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE sheet_import (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    credential_id uuid NOT NULL,
    actor jsonb NOT NULL,
    form text NOT NULL,
    format text NOT NULL,
    file_name text,
    size integer NOT NULL,
    sha256 text NOT NULL,
    options jsonb NOT NULL,
    state text NOT NULL,
    report jsonb NOT NULL,
    check_id uuid NOT NULL,
    write_id uuid,
    lease_token uuid,
    lease_until timestamptz,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_sheet_import PRIMARY KEY (city_code, id),
    CONSTRAINT ck_sheet_import_state CHECK (
        state IN ('checking', 'checked', 'refused', 'confirming', 'confirmed', 'discarded'))
)
""",
    """
CREATE INDEX ix_sheet_import_waiting ON sheet_import (city_code, id)
    WHERE state IN ('checking', 'confirming')
""",
    """
CREATE TABLE sheet_import_file (
    city_code text NOT NULL,
    import_id uuid NOT NULL,
    part text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_sheet_import_file PRIMARY KEY (city_code, import_id, part),
    CONSTRAINT ck_sheet_import_file_part CHECK (part IN ('sent', 'marked'))
)
""",
    """
CREATE TABLE sheet_import_fault (
    city_code text NOT NULL,
    import_id uuid NOT NULL,
    row_number integer NOT NULL,
    sequence integer NOT NULL,
    cell text,
    heading text,
    code text NOT NULL,
    value text,
    detail jsonb NOT NULL,
    CONSTRAINT pk_sheet_import_fault PRIMARY KEY (city_code, import_id, row_number, sequence)
)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them, with the files that are on their way."""
    for table in ("sheet_import_fault", "sheet_import_file", "sheet_import"):
        op.execute(f"DROP TABLE {table}")
