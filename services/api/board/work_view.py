"""Converts operation answers for the pages, and form fields for the operations. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.api.board.forms import Form

EDITABLE = frozenset({None, "draft", "returned"})
"""The states of a submission, None for no submission, in which a unit may change its value."""

ENTRIES = ("value", "numerator", "denominator", "level", "not_applicable_reason")
_REMARKS = ("note", "justification")


def entered_rows(form: Form, unit: str, period: str) -> list[dict[str, Any]]:
    """Return the rows of a batch from a form, in its order; blank ones are left out."""
    rows = []
    for code in form.every("indicator"):
        said = {name: form.get(f"{name}.{code}") for name in (*ENTRIES, *_REMARKS)}
        filled = {name: value for name, value in said.items() if value}
        if not filled.keys() & set(ENTRIES):
            continue
        place = {"indicator_code": code, "organization_code": unit, "period": period}
        # An emptied remark is deleted and an unticked box means final, because the form showed
        # both.
        remarks = {name: said[name] or None for name in _REMARKS}
        status = {"data_status": "provisional" if is_provisional(form, code) else "final"}
        rows.append({**place, **filled, **remarks, **status})
    return rows


def is_provisional(form: Form, code: str) -> bool:
    """Return whether a form marks an indicator's value as provisional."""
    return bool(form.get(f"provisional.{code}"))


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused form: its fields, and its faults by indicator."""

    said: Form
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    others: Sequence[str] = ()


def refused_rows(form: Form, rows: Sequence[Mapping[str, Any]], said: Mapping[str, Any]) -> Refused:
    """Return the faults of a refused batch, by the indicators of its rows."""
    faults: dict[str, list[str]] = {}
    for one in said.get("items", ()):
        if one["errors"]:
            code = rows[one["index"]]["indicator_code"]
            faults.setdefault(code, []).extend(fault["detail"] for fault in one["errors"])
    others = [one["detail"] for one in said.get("errors", ())]
    if not faults and not others:
        others = [said.get("detail", "")]
    return Refused(form, faults, others)


def shown_cells(form: Mapping[str, Any] | None, refused: Refused | None) -> list[dict[str, Any]]:
    """Return the cells for a unit's values: as stored, or as entered in a refused form."""
    cells = [] if form is None else form["cells"]
    return [_cell(cell, refused) for cell in cells]


def _cell(cell: Mapping[str, Any], refused: Refused | None) -> dict[str, Any]:
    code, standing = cell["indicator_code"], cell["submission"]
    state = None if standing is None else standing["state"]
    known = {name: (standing or {}).get(name) or "" for name in (*ENTRIES, *_REMARKS)}
    provisional = standing is not None and standing["data_status"] == "provisional"
    if refused is not None:
        provisional = is_provisional(refused.said, code)
        known = {name: refused.said.get(f"{name}.{code}") for name in known}
    # A value given as numerator and denominator is edited so: the value follows from them.
    if known["numerator"] and refused is None:
        known["value"] = ""
    return {
        **cell,
        "state": state,
        "reason": None if standing is None else standing["reason"],
        "is_open": state in EDITABLE,
        "known": known,
        "provisional": provisional,
        "faults": [] if refused is None else refused.faults.get(code, []),
        "suggested": next((one for one in cell["suggestions"] if one["value"] is not None), None),
    }


def shown_value(one: Mapping[str, Any]) -> str:
    """Format a value in the form it was given; `—` if it does not apply."""
    if one.get("value") is not None:
        return str(one["value"])
    if one.get("numerator") is not None:
        return f"{one['numerator']} / {one['denominator']}"
    if one.get("level") is not None:
        return str(one["level"])
    return f"— {one.get('not_applicable_reason') or ''}".strip()
