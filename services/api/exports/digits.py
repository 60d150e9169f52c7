"""Marks text fields that hold an exact decimal, so that a table can show them as numbers."""

from typing import Annotated, Final

EXACT: Final = "exact decimal"

Digits = Annotated[str, EXACT]
"""An exact decimal as answers have it: text, without an exponent."""
