"""Formats figures as official papers do: no minus beside 下降, and `—` for a missing value."""

from decimal import ROUND_HALF_UP, Decimal

from services.core.kit.text import Text

NONE = "—"
_CENT = Decimal("0.01")


def rounded(value: str | Decimal) -> Decimal:
    """Round a figure half up to two places."""
    return Decimal(value).quantize(_CENT, ROUND_HALF_UP)


def shown(value: str | Decimal | None) -> str:
    """Format a figure with two places; `—` if there is none."""
    return NONE if value is None else f"{rounded(value)}"


def percent(value: str | Decimal | None) -> str:
    """Format a share as a percentage with two places."""
    return NONE if value is None else f"{rounded(Decimal(value) * 100)}%"


def signed(value: str | Decimal) -> str:
    """Format a difference with its sign, for tables: `+1.20`, `−0.35`, `0.00`.

    A nonzero difference that rounds to 0 is shown as less than the smallest shown value.
    """
    exact, short = Decimal(value), rounded(value)
    if exact and not short:
        return "+<0.01" if exact > 0 else "−<0.01"
    sign = "+" if short > 0 else "−" if short < 0 else ""
    return f"{sign}{abs(short)}"


def moved(value: str | Decimal) -> Text:
    """Format a difference of scores for a sentence: 提高1.20分, and 下降 without a minus."""
    exact = Decimal(value)
    if not exact:
        return Text("与上月末持平", "unchanged since the end of last month")
    size = f"{abs(rounded(exact))}" if rounded(exact) else "不足0.01"
    small = size if rounded(exact) else "less than 0.01"
    if exact > 0:
        return Text(f"比上月末提高{size}分", f"{small} points more than at the end of last month")
    return Text(f"比上月末下降{size}分", f"{small} points less than at the end of last month")
