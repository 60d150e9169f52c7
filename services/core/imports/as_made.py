"""Digests of a form's prefilled cells, kept in each row, to detect which cells were edited. Pure.

A form travels for weeks, and its prefilled cells come back with it. A cell that nobody touched must
not count as the unit's word once the ledger holds another value. The mark of a row is a short
digest of each of its cells and one of the row's key. If the key was edited, all cells of the row
count as new. The mark need not be signed: whoever changes it could change the cell as well.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from services.core.imports.sheet_forms import AS_MADE, Filled
from services.core.kit.decimals import exact, plain
from services.core.sheets.cells import SheetRow

_DIGITS = 8
_ABOUT = "="
"""The member of a mark that holds the digest of the row's key; no column has this name."""


def mark_of(cells: Mapping[str, Filled], about: Iterable[Filled]) -> str | None:
    """Return the mark of a row: digests of the cells to fill in, by key; None: all are empty.

    `about` are the cells of the row's key.
    """
    kept = digests(cells)
    if not kept:
        return None
    kept[_ABOUT] = _digest_of_all([_said(one) for one in about])
    return " ".join(f"{key}:{digest}" for key, digest in kept.items())


def digests(cells: Mapping[str, Filled]) -> dict[str, str]:
    """Return the digest of each cell that is not empty, by key."""
    return {key: _digest(said) for key, one in cells.items() if (said := _said(one))}


def untouched(row: SheetRow, at: Mapping[str, int], about: Sequence[str]) -> dict[str, str]:
    """Return the digests, by key, of the cells that still match the row's mark.

    A row whose key (its columns `about`) has changed since gives none. Marks of forms from earlier
    releases have no digest of the key, which then counts as unchanged.
    """
    mark = row.cells.get(at.get(AS_MADE, 0))
    if mark is None:
        return {}
    made = dict(part.partition(":")[::2] for part in mark.text.split())
    of = made.pop(_ABOUT, None)
    named = (row.cells.get(at.get(key, 0)) for key in about)
    if of is not None and of != _digest_of_all([one.text if one else "" for one in named]):
        return {}
    held = {key: row.cells.get(at.get(key, 0)) for key in made}
    return {
        key: made[key]
        for key, cell in held.items()
        if cell is not None and _digest(cell.text) == made[key]
    }


def says_nothing_new(
    row: SheetRow, at: Mapping[str, int], told: Iterable[str], about: Sequence[str]
) -> bool:
    """Return whether all non-empty cells `told` of a form's row are as the form was made."""
    kept = untouched(row, at, about)
    return bool(kept) and all(key in kept for key in told if at.get(key, 0) in row.cells)


def _said(held: Filled) -> str:
    return plain(held) if isinstance(held, Decimal) else held or ""


def _digest(text: str) -> str:
    return _digest_of_all([text])


def _digest_of_all(texts: Iterable[str]) -> str:
    said = "\0".join(map(_compared, texts))
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]


def _compared(text: str) -> str:
    """Return a number in normal form, or a text without its whitespace."""
    try:
        return plain(exact(text.strip()))
    except ValueError:
        return "".join(text.split())
