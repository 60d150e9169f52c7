"""What the cells of a form held when it was made, kept in each row, so that it is seen what is new.

A form travels for weeks, and its prefilled cells come back with it. One that nobody touched says
nothing: it must not stand for the unit's word once the ledger says something else. The mark of a
row is a short digest of each of its cells. It need not be signed, since whoever changes it could
as well change the cell. Pure.
"""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal

from services.core.imports.sheet_forms import AS_MADE, Filled
from services.core.kit.decimals import exact, plain
from services.core.sheets.cells import SheetRow

_DIGITS = 8


def mark_of(cells: Mapping[str, Filled]) -> str | None:
    """Return what a row keeps of cells to fill in, by their keys; None: nothing is in them."""
    return " ".join(f"{key}:{digest}" for key, digest in digests(cells).items()) or None


def digests(cells: Mapping[str, Filled]) -> dict[str, str]:
    """Return a digest by key of each cell that holds anything."""
    said = {key: plain(one) if isinstance(one, Decimal) else one for key, one in cells.items()}
    return {key: _digest(one) for key, one in said.items() if one}


def untouched(row: SheetRow, at: Mapping[str, int]) -> dict[str, str]:
    """Return the digests by key of the cells that a row still has as its mark says."""
    mark = row.cells.get(at.get(AS_MADE, 0))
    if mark is None:
        return {}
    made = dict(part.partition(":")[::2] for part in mark.text.split())
    held = {key: row.cells.get(at.get(key, 0)) for key in made}
    return {
        key: made[key]
        for key, cell in held.items()
        if cell is not None and _digest(cell.text) == made[key]
    }


def says_nothing_new(row: SheetRow, at: Mapping[str, int], told: Iterable[str]) -> bool:
    """Return whether a row of a form is as it was made in all of the cells `told` that it fills."""
    kept = untouched(row, at)
    return bool(kept) and all(key in kept for key in told if at.get(key, 0) in row.cells)


def _digest(text: str) -> str:
    """Return the digest of a number as it is counted, or of words whatever is between them."""
    try:
        said = plain(exact(text.strip()))
    except ValueError:
        said = "".join(text.split())
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]
