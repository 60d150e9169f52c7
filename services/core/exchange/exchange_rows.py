"""Rows of exchange tables: made from figures, parsed as rows of a batch, and hashed. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.packages.carried_items import (
    CarriedFigure,
    CarriedSaid,
    figure_columns,
    row_of,
)
from services.core.plan.slots import Slot
from services.core.submissions.batch.rows import BatchRow
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import REMARKS

SAID = (*FORMS, *REMARKS)
"""The columns of a row that hold the figure."""

HASHED = (
    *("biz_key", "op", "plan_code", "indicator_code", "organization_code", "period"),
    *SAID,
    "ver",
)
"""The columns that `row_hash` covers, in order: the content, not the time of carrying."""

ROW = ("ex_id", *HASHED, "batch_no", "src_time", "row_hash")
"""The columns that the writer of a row fills."""

_OPERATIONS: Mapping[str, str] = {"I": "upsert", "U": "upsert", "D": "delete"}


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the digest of a row: SHA-256 of its columns joined by `|`, an empty text for null."""
    said = "|".join("" if row[name] is None else str(row[name]) for name in HASHED)
    return hashlib.sha256(said.encode()).hexdigest()


def biz_key(plan_code: str, place: Slot) -> str:
    """Return the key of a place, the same for all its rows."""
    return "|".join((plan_code, *place))


def out_row(
    figure: CarriedFigure, plan_code: str, *, batch_no: str, now: datetime
) -> dict[str, Any]:
    """Return the row of a figure; the same figure at the same position has one `ex_id`."""
    place = figure.place
    columns = figure_columns(figure.image)
    row: dict[str, Any] = {
        "ex_id": f"{figure.submission_id}:{figure.position}",
        "biz_key": biz_key(plan_code, place),
        "op": "D" if figure.image is None else "U",
        "plan_code": plan_code,
        **place._asdict(),
        **{name: columns.get(name) for name in SAID},
        "batch_no": batch_no,
        "src_time": now.replace(microsecond=0),
        "ver": figure.position,
    }
    return {**row, "row_hash": row_hash(row)}


_HASH = Text(
    "row_hash 与各列不符：应为 {made}",
    "row_hash is not that of the columns: it should be {made}",
)
_OPERATION = Text("op 应为 I、U 或 D", "op must be I, U or D")
_KEY = Text("biz_key 应为 {made}", "biz_key must be {made}")


def in_row(index: int, row: Mapping[str, Any]) -> BatchRow:
    """Return another system's row as a row of a batch, with its faults."""
    place = {name: row[name] for name in Slot._fields}
    raw = {name: row[name] for name in SAID if row[name] is not None}
    operation = _OPERATIONS.get(row["op"], "")
    made = row_of(index, {"operation": operation or "upsert", **place, **raw}, CarriedSaid)
    faults = list(made.faults)
    if not operation:
        faults.append(Fault("/op", "exchange-operation", _OPERATION, row["op"]))
    key = biz_key(row["plan_code"], Slot(**place))
    if row["biz_key"] != key:
        faults.append(Fault("/biz_key", "exchange-key", _KEY.format(made=key), row["biz_key"]))
    if row["row_hash"].strip().lower() != row_hash(row):
        said = _HASH.format(made=row_hash(row))
        faults.append(Fault("/row_hash", "exchange-hash", said, row["row_hash"]))
    return replace(made, faults=tuple(faults))
