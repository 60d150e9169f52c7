"""Each column that can hold words is on the page of personal data, or is known to hold none."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.core.registry import metadata

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("personal-data.md", "personal-data.zh-CN.md")

NOTHING_OF_A_PERSON = {
    "about", "action", "administrative_code", "alert_key", "aliases", "app_id",
    "author_organizations", "base_url", "basis", "biz_key", "board", "calendar",
    "calendar_code", "checks", "city_code", "closed_because", "code", "colour", "comparable",
    "conditions", "counts", "data_status", "defined_by", "digest", "direction",
    "document_number", "ended_because", "errors", "etag", "event_type", "event_types",
    "evidence_rule", "ex_id", "family", "fault", "figure", "folder", "form", "format", "grade",
    "header_names", "host", "in_digest", "indicator_code", "indicator_codes", "interface",
    "interfaces", "issuer", "key", "keys", "kid", "kind", "level", "location", "mapping",
    "measure_code", "members", "message", "message_en", "method", "method_version", "missing",
    "module_id", "options", "organization_code", "out_digest", "outcome", "output_fields",
    "own_code", "own_sm_public_key", "owner", "owner_code", "part", "payload", "peer_code",
    "period", "plan_code", "prefix", "profile", "progress", "provider", "public_key",
    "public_keys", "question_id", "reader", "receipt", "receipts_url_shown", "recipients",
    "recorded_by_organization", "refusal_code", "register_code", "reported_by_organization",
    "role", "row_hash", "rows", "rule", "scope", "scopes", "sha256", "sheet_code", "signature",
    "sm3", "sm_public_key", "source", "source_code", "stage", "state", "subject_id",
    "subject_key", "subject_kind", "taken", "their_code", "their_value", "times", "traceparent",
    "traces", "type", "url_shown", "verb", "years",
}  # fmt: skip
"""Columns of codes, kinds, states, digests, figures and words of the plan, in every table.

`defined_by`, `source` and `taken` name a plan, a document and a side; `owner` a role and a unit.
"""


def _columns() -> dict[str, set[str]]:
    """Return the tables of each column that can hold words, by the column's name."""
    found: dict[str, set[str]] = {}
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, (Text, JSONB, ARRAY)):
                found.setdefault(column.name, set()).add(table.name)
    return found


COLUMNS = _columns()


def _listed(page: str) -> set[str]:
    """Return the names of columns in the first cell of each row of a page's table."""
    rows = re.findall(r"^\| (`.*?) \|", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    names = {name.rpartition(".")[2] for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    return names - {table.name for table in metadata.tables.values()}


@pytest.mark.parametrize("page", PAGES)
def test_each_column_of_words_is_listed_or_holds_nothing_of_a_person(page: str) -> None:
    listed = _listed(page)
    assert COLUMNS.keys() - listed - NOTHING_OF_A_PERSON == set(), (
        "list them in docs/personal-data.md and its twin, or among NOTHING_OF_A_PERSON here"
    )
    assert listed - COLUMNS.keys() == set(), "these are there no more"
    assert listed & NOTHING_OF_A_PERSON == set()
    assert NOTHING_OF_A_PERSON - COLUMNS.keys() == set(), "these are there no more"


def test_one_table_is_about_people_and_no_other() -> None:
    """Whoever adds one rewrites the page: it says which there is."""
    about = re.compile(r"(^|_)(user|person|people|staff|official|phone|mobile|email|id_card)(_|$)")
    names = {*metadata.tables, *COLUMNS}
    assert {name for name in names if about.search(name)} == {"person"}
