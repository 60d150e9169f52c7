"""Guards CSV cells against formula injection: text that looks like a formula stays text. Pure.

An office program takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a
formula; in East Asia also one that begins with the full-width form of such a sign. An apostrophe in
front keeps it a text. Numbers stay as they are, negative ones too.
"""

import re

RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""What a text begins with that may be taken for a formula; the full-width signs in East Asia."""

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
"""What an office program takes for a number, whatever sign it begins with."""


def as_text(said: str) -> str:
    """Return the cell that says a text and is no formula."""
    return f"'{said}" if RISKY.match(said) and not NUMBER.fullmatch(said) else said


def text_of(cell: str) -> str:
    """Return what such a cell says."""
    return cell[1:] if cell.startswith("'") and RISKY.match(cell[1:]) else cell
