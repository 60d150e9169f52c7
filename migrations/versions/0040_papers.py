"""Papers that leave the office, and their files.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE paper (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    kind text NOT NULL,
    year integer NOT NULL,
    number integer,
    period text,
    about text,
    organization_code text,
    wanted jsonb NOT NULL,
    state text NOT NULL,
    position bigint,
    title text,
    as_of date,
    figure_count integer,
    content jsonb,
    figures jsonb,
    digest text,
    made_by jsonb NOT NULL,
    credential_id uuid NOT NULL,
    operation_id uuid NOT NULL,
    lease_token uuid,
    lease_until timestamptz,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_paper PRIMARY KEY (city_code, id),
    CONSTRAINT ck_paper_state CHECK (state IN ('making', 'made', 'over')),
    CONSTRAINT ck_paper_whole_or_not_shown CHECK (
        num_nonnulls(number, position, title, as_of, figure_count, content, figures, digest)
        = CASE state WHEN 'made' THEN 8 ELSE 0 END)
)
""",
    "CREATE INDEX ix_paper_plan ON paper (city_code, plan_code, id)",
    "CREATE UNIQUE INDEX uq_paper_number ON paper (city_code, plan_code, kind, year, number)",
    "CREATE INDEX ix_paper_waiting ON paper (city_code, id) WHERE state = 'making'",
    """
CREATE TABLE paper_file (
    city_code text NOT NULL,
    paper_id uuid NOT NULL,
    format text NOT NULL,
    content bytea,
    file_token uuid,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    CONSTRAINT pk_paper_file PRIMARY KEY (city_code, paper_id, format),
    CONSTRAINT ck_paper_file_in_one_place CHECK (num_nonnulls(content, file_token) = 1)
)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them with the papers in them."""
    op.execute("DROP TABLE paper_file")
    op.execute("DROP TABLE paper")
