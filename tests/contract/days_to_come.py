"""What the contract shows was asked in January 2026: its days, where they have to be to come."""

from typing import Any

_LATER = {
    "open_period": {"due_date": "2027-01-31"},
    "reopen_period": {"due_date": "2027-01-31"},
    "approve_extension": {"granted_date": "2027-01-31"},
}


def asked_now(name: str, named: dict[str, str], body: Any) -> Any:
    """Return what is shown as it may be asked now; a period is opened of the year after."""
    if name == "open_period":
        named["period"] = "2026"
    return body | _LATER[name] if body and name in _LATER else body
