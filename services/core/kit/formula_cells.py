"""Texts in CSV that an office program would take for a formula, and how they stay texts. Pure.

Such a program takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line's end for a
formula; in East Asia also where the sign is full-width. An apostrophe before it keeps it a text.
What is a number stays as it is, below zero too.
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
