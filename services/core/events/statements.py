"""The only SQL text that writes an event, and its wait for a number.

Whoever writes many events in a statement of its own puts this text into it, so that a new
column of the log is added here and nowhere else.
"""

from typing import TypedDict

from typing_extensions import Unpack


class EventExpressions(TypedDict):
    """What stands in each column of a new event, as SQL over the rows that it is made from."""

    city_code: str
    id: str
    plan_code: str
    type: str
    subject_kind: str
    subject_id: str
    organization_code: str
    actor: str
    data: str
    occurred_at: str


def event_inserts(source: str, **expressions: Unpack[EventExpressions]) -> str:
    """Return two parts of a WITH that write an event for each row of `source`.

    `source` is what follows FROM. The parts are called `happened`, which returns the
    `city_code` and `id` of what was written, and `pending`.
    """
    columns = ", ".join(expressions)
    values = ", ".join(str(value) for value in expressions.values())
    return f"""
happened AS (
    INSERT INTO event ({columns})
    SELECT {values} FROM {source}
    RETURNING city_code, id
), pending AS (
    {pending_insert("SELECT city_code, id FROM happened")}
)
"""  # noqa: S608 (text of our own)


def pending_insert(rows: str) -> str:
    """Return the statement that lets events wait for a number; `rows` selects city and id."""
    return f"INSERT INTO event_pending (city_code, event_id) {rows}"


RECORD = f"""
WITH made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:made AS jsonb)) AS m(
        id uuid, plan_code text, type text, subject_kind text, subject_id text,
        organization_code text, actor jsonb, data jsonb, occurred_at timestamptz)
), {
    event_inserts(
        "made",
        city_code=":city",
        id="id",
        plan_code="plan_code",
        type="type",
        subject_kind="subject_kind",
        subject_id="subject_id",
        organization_code="organization_code",
        actor="actor",
        data="data",
        occurred_at="occurred_at",
    )
}
SELECT count(*) FROM happened
"""  # noqa: S608 (text of our own)
"""Writes the events of `:city` that are listed in `:made`, a JSON array of objects named as the
table's columns."""
