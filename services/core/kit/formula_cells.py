"""Guards CSV cells against formula injection: text that looks like a formula stays text. Pure.

An office program takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a
formula; in East Asia also one that begins with the full-width form of such a sign. An apostrophe in
front keeps it a text. Numbers stay as they are, negative ones too.
"""

import re

RISKY = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""Characters that begin a formula; the full-width signs count in East Asia."""

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
"""What an office program reads as a number, whatever its sign."""


def as_text(said: str) -> str:
    """Return the cell that shows a text and is not run as a formula."""
    return f"'{said}" if RISKY.match(said) and not NUMBER.fullmatch(said) else said


def text_of(cell: str) -> str:
    """Return the text of a cell that `as_text` wrote."""
    return cell[1:] if cell.startswith("'") and RISKY.match(cell[1:]) else cell
