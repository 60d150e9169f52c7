"""The mark of a text that holds an exact decimal, so that a table can show it as a number."""

from typing import Annotated, Final

EXACT: Final = "exact decimal"

Digits = Annotated[str, EXACT]
"""An exact decimal as answers have it: text, without an exponent."""
