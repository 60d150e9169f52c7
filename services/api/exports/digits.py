"""Marks text fields that hold an exact decimal, so that a table can show them as numbers."""

from typing import Annotated, Final

EXACT: Final = "exact decimal"

Digits = Annotated[str, EXACT]
"""An exact decimal in responses: text, without an exponent."""
